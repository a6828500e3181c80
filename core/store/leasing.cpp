// Leases: which deliveries are due, who has them, and what becomes of leases that a host left behind.
#include "core/store/payload_codec.hpp"
#include "core/store/tables.hpp"
#include "core/store/tables_detail.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include <algorithm>

namespace tocsin {
namespace {

constexpr int most_severe = static_cast<int>(severity::fatal);

std::vector<std::string> text_list(std::string_view json) {
  std::vector<std::string> out;
  if (json.empty()) {
    return out;
  }
  boost::system::error_code error;
  const auto value = boost::json::parse(json, error);
  if (const auto* list = error ? nullptr : value.if_array()) {
    for (const auto& each : *list) {
      if (const auto* text = each.if_string()) {
        out.emplace_back(text->data(), text->size());
      }
    }
  }
  return out;
}

std::string_view as_text(sqlite::bytes blob) { return {reinterpret_cast<const char*>(blob.data()), blob.size()}; }

}  // namespace

// Columns from first_column: organization, source, external_id, type, severity, expires, sensitive, payload. Null: the
// payload cannot be read.
std::shared_ptr<const event> tables::read_event(const sqlite::rows& row, int first_column, std::int64_t id) {
  if (row.is_null(first_column + 7)) {
    return nullptr;
  }
  auto out = std::make_shared<event>();
  out->organization = names_.text(row.integer(first_column));
  out->source = row.text(first_column + 1);
  out->id = row.text(first_column + 2);
  out->type = row.text(first_column + 3);
  out->severity = static_cast<severity>(row.integer(first_column + 4));
  out->expires = row.optional_integer(first_column + 5);
  const auto payload = as_text(row.blob(first_column + 7));
  if (!row.boolean(first_column + 6)) {
    return decode_payload(payload, *out) ? out : nullptr;
  }
  const auto opened = key_.open(payload, id);
  return opened && decode_payload(*opened, *out) ? out : nullptr;
}

// Until the organization has been given `limit`, the more severe first, of equal ones what is due longest.
void tables::lease_turn(const lease_request& request, std::int64_t endpoint, std::size_t limit, turn& whose) {
  for (int severity = most_severe; severity >= 0; --severity) {
    if (whose.leased.size() < limit) lease_severity(request, endpoint, severity, limit, whose);
  }
  whose.exhausted = whose.leased.size() < limit;
}

void tables::lease_severity(const lease_request& request, std::int64_t endpoint, int severity, std::size_t limit,
                            turn& whose) {
  struct due_row {
    delivery_id id;
    delivery_state state;
  };
  std::vector<due_row> taken;
  std::shared_ptr<const event> last;
  std::int64_t last_id = 0;
  auto due = due_.query(endpoint, whose.organization, severity, request.now,
                        static_cast<std::int64_t>(limit - whose.leased.size()));
  while (due.next()) {
    const auto event_number = due.integer(1);
    if (last_id != event_number) {
      last = read_event(due, 14, event_number);
      last_id = event_number;
    }
    taken.push_back({delivery_id{due.integer(0)}, static_cast<delivery_state>(due.integer(3))});
    leased_delivery out;
    out.id = taken.back().id;
    out.event = event_id{event_number};
    out.endpoint = request.endpoint;
    out.organization = names_.text(due.integer(2));
    out.recipient = due.text(4);
    out.template_name = names_.text(due.integer(5));
    out.language = names_.text(due.integer(6));
    out.message_id = due.text(7);
    out.next_channels = text_list(due.text(8));
    out.attempts = static_cast<std::uint32_t>(due.integer(9));
    out.uncertain = due.boolean(10);
    out.created = due.integer(11);
    out.expires = due.optional_integer(12);
    out.last_code = due.text(13);
    out.payload = last;
    out.route = names_.text(due.integer(22));
    out.interrupted = static_cast<std::uint32_t>(due.integer(23));
    whose.leased.push_back(std::move(out));
  }
  // Only now: a row that changes while its index is read could be met twice.
  for (const auto& row : taken) {
    lease_.run(static_cast<std::int64_t>(row.id), owner_, request.until);
    count(whose.organization, row.state, -1);
    count(whose.organization, delivery_state::sending, 1);
  }
}

recovery tables::recover(const recover_request& request) {
  recovery out;
  struct left_row {
    std::int64_t delivery, organization, endpoint;
  };
  std::vector<left_row> left;
  {
    auto found = leased_.query();
    while (found.next()) {
      left.push_back({found.integer(0), found.integer(1), found.integer(2)});
    }
  }
  for (const auto& [delivery, organization, endpoint] : left) {
    const bool named = request.named == delivery_id{delivery};
    interrupt_.run(delivery, request.now, request.crashed && named, request.crashed);
    waits(endpoint, organization, request.now);
    count(organization, delivery_state::sending, -1);
    count(organization, delivery_state::pending, 1);
  }
  out.interrupted = left.size();
  out.last_identifier =
      std::max({database_.value_of("SELECT max(id) FROM event"), database_.value_of("SELECT max(id) FROM delivery"),
                database_.value_of("SELECT CAST(value AS INTEGER) FROM meta"
                                   " WHERE name = 'last_identifier'")});
  out.message_host = database_.text_of("SELECT value FROM meta WHERE name = 'message_host'");
  out.pauses = pauses();
  return out;
}

}  // namespace tocsin
