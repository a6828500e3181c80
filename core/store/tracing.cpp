// What is known of an event and of endpoints, for those who ask why something went where it went.
#include "core/store/tables.hpp"

namespace tocsin {

event_record tables::read_event_record(const sqlite::rows& row) {
  event_record out;
  const auto id = row.integer(0);
  out.id = event_id{id};
  out.accepted = row.integer(1);
  out.remembered_until = row.integer(2);
  out.erased = row.optional_integer(3);
  out.duplicates = static_cast<std::uint64_t>(row.integer(4));
  out.last_duplicate = row.optional_integer(5);
  out.organization = names_.text(row.integer(6));
  out.source = row.text(7);
  out.external_id = row.text(8);
  out.type = row.text(9);
  out.severity = static_cast<severity>(row.integer(10));
  out.expires = row.optional_integer(11);
  out.sensitive = row.boolean(12);
  out.payload = read_event(row, 6, id);
  return out;
}

std::vector<event_record> tables::find_events(const event_query& which) {
  std::vector<event_record> out;
  std::optional<std::int64_t> organization;
  if (which.organization) {
    organization = names_.find(*which.organization);
    if (!organization) return out;
  }
  auto row = which.id ? read_one_event_.query(static_cast<std::int64_t>(*which.id))
                      : read_events_.query(which.external_id, which.source, organization);
  while (row.next()) {
    if (organization && row.integer(6) != *organization) continue;
    out.push_back(read_event_record(row));
  }
  return out;
}

std::vector<std::uint32_t> tables::waiting_on(const std::vector<endpoint_key>& endpoints, std::uint32_t most) {
  std::vector<std::uint32_t> out;
  out.reserve(endpoints.size());
  for (const auto& key : endpoints) {
    const auto number = names_.find_endpoint(key);
    auto counted = count_waiting_.query(number.value_or(-1), static_cast<std::int64_t>(most));
    out.push_back(counted.next() ? static_cast<std::uint32_t>(counted.integer(0)) : 0);
  }
  return out;
}

}  // namespace tocsin
