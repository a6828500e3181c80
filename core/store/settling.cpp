// What became of deliveries that were leased, and the pauses of their endpoints.
#include "core/store/tables.hpp"
#include "core/store/tables_detail.hpp"

namespace tocsin {

struct tables::settled_row {
  std::int64_t event = 0;
  std::int64_t organization = 0;
  int severity = 0;
  bool sensitive = false;
  bool tried = false;
  std::int64_t endpoint = 0;
  std::optional<std::int64_t> source_hash;
};

void tables::settle(const std::vector<settlement>& settlements) {
  for (const auto& each : settlements) {
    settle_one(each);
  }
}

void tables::settle_one(const settlement& value) {
  const auto id = static_cast<std::int64_t>(value.id);
  settled_row row;
  {
    auto found = read_settled_.query(id);
    const bool leased = found.next() && found.integer(0) == static_cast<int>(delivery_state::sending) &&
                        found.optional_integer(1) == owner_;
    if (!leased) {
      return;
    }
    row = {found.integer(2),  found.integer(3), static_cast<int>(found.integer(4)), found.boolean(5),
           !found.is_null(6), found.integer(7), found.optional_integer(8)};
  }
  write_report(value, row);

  std::optional<std::int64_t> due;
  if (value.state == delivery_state::pending || value.state == delivery_state::deferred) {
    due = value.next_attempt.value_or(value.at);
    waits(row.endpoint, row.organization, *due);
  }
  std::optional<std::int64_t> superseded_by;
  if (value.successor) {
    superseded_by = take_over(*value.successor, id, value.at, row);
  }
  settle_.run(id, static_cast<int>(value.state), due, static_cast<std::int64_t>(value.attempts), value.uncertain,
              superseded_by, value.record_attempt);
  count(row.organization, delivery_state::sending, -1);
  count(row.organization, value.state, 1);
  if (row.sensitive && is_final(value.state)) {
    erase_when_final(row.event, value.at);
  }
}

// Two channels of one event may fail over to the same third one: its recipient gets one copy there. What ended there
// without getting through takes nothing over, so that the remaining channels of this one are still tried.
std::int64_t tables::take_over(const new_delivery& successor, std::int64_t from, time_ms at, const settled_row& row) {
  {
    auto same = find_same_.query(row.event, names_.endpoint_number(successor.endpoint), successor.recipient, from);
    if (same.next()) {
      return same.integer(0);
    }
  }
  insert_delivery(successor, {row.event, row.organization, row.severity, row.sensitive, at, at, row.source_hash});
  return static_cast<std::int64_t>(successor.id);
}

// The last report is kept in the delivery's own row; an earlier one moves to the table of attempts, so that a delivery
// that gets through at once costs no second row.
void tables::write_report(const settlement& value, const settled_row& row) {
  if (!value.record_attempt && value.code.empty()) {
    return;
  }
  const auto id = static_cast<std::int64_t>(value.id);
  if (row.tried) {
    keep_attempt_.run(id);
  }
  const auto text = [](const std::string& from) { return from.empty() ? std::nullopt : std::optional(from); };
  report_.run(id, value.record_attempt ? std::optional(value.at) : std::nullopt, value.code, text(value.detail),
              text(value.server_reply), text(value.transcript));
}

void tables::erase_when_final(std::int64_t event, time_ms at) {
  {
    auto waiting = unfinished_.query(event);
    if (waiting.next()) {
      return;
    }
  }
  erase_.run(event, at);
}

void tables::save_pause(const endpoint_pause& pause) {
  save_pause_.run(names_.endpoint_number(pause.endpoint), pause.code, pause.detail, pause.since, pause.probe_at,
                  static_cast<std::int64_t>(pause.probes), static_cast<std::int64_t>(pause.server_fingerprint));
}

void tables::clear_pause(const endpoint_key& endpoint) {
  if (const auto number = names_.find_endpoint(endpoint)) {
    clear_pause_.run(*number);
  }
}

std::vector<endpoint_pause> tables::pauses() {
  std::vector<endpoint_pause> out;
  auto found = pauses_.query();
  while (found.next()) {
    endpoint_pause pause;
    pause.endpoint = names_.endpoint(found.integer(0));
    pause.code = found.text(1);
    pause.detail = found.text(2);
    pause.since = found.integer(3);
    pause.probe_at = found.integer(4);
    pause.probes = static_cast<std::uint32_t>(found.integer(5));
    pause.server_fingerprint = static_cast<std::uint64_t>(found.integer(6));
    out.push_back(std::move(pause));
  }
  return out;
}

}  // namespace tocsin
