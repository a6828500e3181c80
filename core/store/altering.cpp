// What operators do to deliveries: retry, drop, replay, in steps that hold nobody up.
#include "core/store/tables.hpp"

#include <algorithm>

namespace tocsin {
namespace {

// A step holds the store up for some ten milliseconds at most.
constexpr std::uint32_t deliveries_a_step = 500;

}  // namespace

struct tables::altered_row {
  delivery_state state{};
  std::int64_t organization = 0, endpoint = 0, event = 0;
  time_ms created = 0;
  std::optional<time_ms> due, gives_up;
  bool tried = false, erased = false, sensitive = false;
};

altering tables::begin_altering(alteration what) {
  altering run;
  run.states = what.filter.state ? std::vector{*what.filter.state} : usual_states(what.action);
  run.search.only_ids = true;
  run.search.filter = what.filter;
  run.search.filter.limit = deliveries_a_step;
  run.search.filter.after.reset();
  run.what = std::move(what);
  return run;
}

bool tables::alter_some(altering& run) {
  if (run.what.id) {
    alter_one(run, static_cast<std::int64_t>(*run.what.id));
  } else if (!run.states.empty()) {
    auto& search = run.search;
    // What is written down from now on is not meant.
    if (!run.from) run.from = search.filter.after = delivery_id{database_.value_of("SELECT max(id) FROM delivery") + 1};
    search.filter.state = run.states.back();
    search.finished = false;
    search.ids.clear();
    list_some(search);
    for (const auto id : search.ids) alter_one(run, id);
    if (search.finished && search.ids.size() < deliveries_a_step) {
      run.states.pop_back();
      search.filter.after = run.from;
      search.next_hit = 0;
    }
    if (!run.states.empty()) return false;
  }
  run.sum.endpoints.assign(run.endpoints.begin(), run.endpoints.end());
  return true;
}

void tables::alter_one(altering& run, std::int64_t id) {
  altered_row row;
  if (run.what.id) {
    auto found = get_.query(id);
    if (!found.next() || !matches(run.what.filter, found)) return;
  }
  {
    auto found = read_altered_.query(id);
    if (!found.next()) return;
    row = {static_cast<delivery_state>(found.integer(0)),
           found.integer(1),
           found.integer(2),
           found.integer(3),
           found.integer(4),
           found.optional_integer(5),
           found.optional_integer(6),
           found.boolean(7),
           found.boolean(8),
           found.boolean(9)};
  }
  ++run.sum.matched;
  const bool expired = row.gives_up && *row.gives_up <= run.what.now;
  if (auto why = refuse(run.what.action, {row.state, row.erased, expired})) {
    ++run.sum.refused[why->code];
    if (!run.sum.refusal) run.sum.refusal = std::move(why);
    return;
  }
  carry_out(run, id, row);
  ++run.sum.changed;
}

void tables::carry_out(altering& run, std::int64_t id, const altered_row& row) {
  const auto& what = run.what;
  auto next = delivery_state::pending;
  if (what.action == delivery_action::drop) {
    next = delivery_state::dropped;
    drop_.run(id);
  } else {
    run.endpoints.insert(names_.endpoint(row.endpoint));
    waits(row.endpoint, row.organization, what.now);
    if (!is_final(row.state)) {
      if (row.due.value_or(what.now) > what.now) due_now_.run(id, what.now);
      return;
    }
    if (what.action == delivery_action::retry) {
      begin_again_.run(id, what.now);
    } else {
      using number = std::optional<std::int64_t>;
      replay_.run(id, what.now, row.gives_up ? number(what.now + (*row.gives_up - row.created)) : number());
    }
  }
  note_in_history(id, what, row.tried);
  count(row.organization, row.state, -1);
  count(row.organization, next, 1);
  if (row.sensitive && is_final(next)) erase_when_final(row.event, what.now);
}

// After the attempts that were made so far; the row keeps their last report, which is then not shown twice.
void tables::note_in_history(std::int64_t id, const alteration& what, bool tried) {
  if (tried) keep_attempt_.run(id);
  forget_time_.run(id);
  add_line_.run(id, what.now, history_code(what.action), "By an operator.");
}

}  // namespace tocsin
