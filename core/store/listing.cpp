// Deliveries for those who ask: filters, the cursor, the history.
#include "core/store/tables.hpp"

#include <algorithm>
#include <limits>

namespace tocsin {
namespace {

constexpr std::uint32_t longest_page = 1'001;
constexpr int rows_a_slice = 5'000;
constexpr std::uint64_t few = 10'000;

// The columns of record_columns in tables.cpp.
namespace column {
enum : int {
  id,
  event,
  source,
  external_id,
  type,
  organization,
  endpoint,
  recipient,
  route,
  state,
  attempts,
  uncertain,
  code,
  detail,
  server_reply,
  message_id,
  parent,
  superseded_by,
  due,
  created,
  tried_at,
};
}  // namespace column

bool listed_by_state(const delivery_filter& filter) {
  return filter.state && *filter.state != delivery_state::delivered && *filter.state != delivery_state::sending;
}

std::int64_t below(const delivery_filter& filter) {
  return filter.after ? static_cast<std::int64_t>(*filter.after) : std::numeric_limits<std::int64_t>::max();
}

}  // namespace

std::shared_ptr<const std::vector<std::int64_t>> tables::hits_of(const delivery_filter& filter) {
  auto hits = std::make_shared<std::vector<std::int64_t>>();
  if (filter.own_event) {
    auto row = list_own_event_.query(below(filter), static_cast<std::int64_t>(*filter.own_event));
    while (row.next()) hits->push_back(row.integer(0));
    return hits;
  }
  const auto organization = filter.organization ? names_.find(*filter.organization).value_or(-1) : -1;
  auto row = filter.source && filter.organization
                 ? list_key_.query(below(filter), *filter.event_id, *filter.source, organization)
             : filter.source ? list_event_of_source_.query(below(filter), *filter.event_id, *filter.source)
                             : list_event_.query(below(filter), *filter.event_id);
  while (row.next()) hits->push_back(row.integer(0));
  return hits;
}

void tables::list_some_hits(listing& what, std::uint32_t limit) {
  if (!what.hits) what.hits = hits_of(what.filter);
  for (int seen = 0; seen < rows_a_slice && !what.finished; ++seen) {
    what.finished = what.next_hit == what.hits->size() || what.size() >= limit;
    if (what.finished) return;
    auto row = get_.query((*what.hits)[what.next_hit++]);
    if (row.next() && matches(what.filter, row)) add(what, row);
  }
}

// What narrows most leads the search; the rest is looked at row by row. How many a state has is known, so that one with
// few goes before a recipient who may have had many.
sqlite::rows tables::start_listing(const delivery_filter& filter) {
  const auto first = below(filter);
  if (filter.state == delivery_state::sending) {
    return list_sending_.query(first);
  }
  const bool by_state = listed_by_state(filter);
  const bool by_text = filter.recipient || filter.source;
  if (by_state && (!by_text || counts({})[static_cast<std::size_t>(*filter.state)] <= few)) {
    return list_state_.query(first, static_cast<int>(*filter.state));
  }
  if (filter.recipient) {
    return list_recipient_.query(first, *filter.recipient);
  }
  if (filter.source) {
    return list_source_.query(first, sqlite::text_hash(*filter.source));
  }
  if (filter.organization) {
    return list_organization_.query(first, names_.find(*filter.organization).value_or(-1));
  }
  return list_all_.query(first);
}

bool tables::matches(const delivery_filter& filter, const sqlite::rows& row) {
  return (!filter.own_event || row.integer(column::event) == static_cast<std::int64_t>(*filter.own_event)) &&
         (!filter.event_id ||
          (!row.is_null(column::external_id) && row.text(column::external_id) == *filter.event_id)) &&
         (!filter.state || row.integer(column::state) == static_cast<int>(*filter.state)) &&
         (!filter.source || (!row.is_null(column::source) && row.text(column::source) == *filter.source)) &&
         (!filter.recipient || row.text(column::recipient) == *filter.recipient) &&
         (!filter.organization || row.integer(column::organization) == names_.find(*filter.organization).value_or(-1));
}

void tables::add(listing& what, const sqlite::rows& row) {
  if (what.only_ids) {
    what.ids.push_back(row.integer(column::id));
  } else {
    what.found.push_back(read_record(row));
  }
}

void tables::list_some(listing& what) {
  const auto limit = std::clamp<std::uint32_t>(what.filter.limit, 1, longest_page);
  if (what.filter.event_id || what.filter.own_event) return list_some_hits(what, limit);
  auto row = start_listing(what.filter);
  for (int seen = 0; seen < rows_a_slice; ++seen) {
    if (!row.next()) {
      what.finished = true;
      return;
    }
    what.filter.after = delivery_id{row.integer(column::id)};
    if (matches(what.filter, row)) add(what, row);
    if (what.size() >= limit) {
      what.finished = true;
      return;
    }
  }
}

delivery_record tables::read_record(const sqlite::rows& row) {
  delivery_record out;
  out.id = delivery_id{row.integer(column::id)};
  out.event = event_id{row.integer(column::event)};
  out.event_source = row.text(column::source);
  out.event_external_id = row.text(column::external_id);
  out.event_type = row.text(column::type);
  out.organization = names_.text(row.integer(column::organization));
  out.endpoint = names_.endpoint(row.integer(column::endpoint));
  out.recipient = row.text(column::recipient);
  out.route = names_.text(row.integer(column::route));
  out.state = static_cast<delivery_state>(row.integer(column::state));
  out.attempts = static_cast<std::uint32_t>(row.integer(column::attempts));
  out.uncertain = row.boolean(column::uncertain);
  out.code = row.text(column::code);
  out.detail = row.text(column::detail);
  out.server_reply = row.text(column::server_reply);
  out.message_id = row.text(column::message_id);
  if (const auto number = row.optional_integer(column::parent)) {
    out.parent = delivery_id{*number};
  }
  if (const auto number = row.optional_integer(column::superseded_by)) {
    out.superseded_by = delivery_id{*number};
  }
  out.next_attempt = row.optional_integer(column::due);
  out.created = row.integer(column::created);
  auto earlier = history_.query(row.integer(column::id));
  while (earlier.next()) {
    out.history.push_back(
        {earlier.integer(0), std::string(earlier.text(1)), std::string(earlier.text(2)), std::string(earlier.text(3))});
  }
  if (const auto at = row.optional_integer(column::tried_at)) {
    out.history.push_back({*at, out.code, out.detail, out.server_reply});
  }
  return out;
}

std::optional<delivery_record> tables::get(delivery_id wanted) {
  auto row = get_.query(static_cast<std::int64_t>(wanted));
  return row.next() ? std::optional(read_record(row)) : std::nullopt;
}

}  // namespace tocsin
