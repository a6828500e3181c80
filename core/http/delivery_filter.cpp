// Which deliveries a call means, as its query says.
#include "core/http/delivery_filter.hpp"

#include "core/http/answers.hpp"
#include "core/http/query.hpp"

#include <charconv>
#include <string>

namespace tocsin {
namespace {

constexpr std::uint32_t longest_page = 1'000;

std::string all_states() {
  std::string out;
  for (std::size_t state = 0; state < delivery_state_count; ++state) {
    if (!out.empty()) out += ", ";
    out += to_text(static_cast<delivery_state>(state));
  }
  return out;
}

// What a listing and an action have in common.
result<void> take(delivery_filter& filter, const std::string& name, const std::string& value) {
  if (name == "event_id") filter.event_id = value;
  if (name == "source") filter.source = value;
  if (name == "organization") filter.organization = value;
  if (name == "recipient") filter.recipient = value;
  if (name == "state" && !(filter.state = parse_delivery_state(value))) {
    return bad_value(name, value, "one of " + all_states());
  }
  return {};
}

result<void> take_place(delivery_filter& filter, const std::string& name, const std::string& value) {
  if (name == "cursor" && !(filter.after = parse_delivery_id(value))) {
    return bad_value(name, value, "the \"next\" of an earlier answer");
  }
  if (name != "limit") return {};
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), filter.limit);
  if (error != std::errc() || end != value.data() + value.size() || filter.limit < 1 || filter.limit > longest_page) {
    return bad_value(name, value, "a number from 1 to 1000");
  }
  return {};
}

}  // namespace

result<delivery_filter> parse_delivery_filter(std::string_view query, filter_use use) {
  auto parsed =
      use == filter_use::page
          ? parse_query(query, {"event_id", "source", "organization", "state", "recipient", "cursor", "limit"})
          : parse_query(query, {"event_id", "source", "organization", "state", "recipient", "all"});
  if (!parsed) return parsed.error();
  delivery_filter filter;
  for (const auto& [name, value] : *parsed) {
    if (auto taken = take(filter, name, value); !taken) return taken.error();
    if (auto taken = take_place(filter, name, value); !taken) return taken.error();
    if (name == "all" && value != "true") return bad_value(name, value, "true");
  }
  if (use == filter_use::many && parsed->empty()) {
    return fault{"REQUEST_INVALID", "The call does not say which deliveries it means.",
                 "Name a state, an event, a recipient or an organization in the query; all=true means every one."};
  }
  return filter;
}

}  // namespace tocsin
