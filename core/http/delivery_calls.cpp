// Calls of the API that show deliveries and count them.
#include "core/http/api_exchange.hpp"
#include "core/http/delivery_json.hpp"
#include "core/http/query.hpp"

#include <boost/json/array.hpp>

#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tocsin {
namespace {

namespace json = boost::json;

constexpr std::uint32_t longest_page = 1'000;

std::string all_states() {
  std::string out;
  for (std::size_t state = 0; state < delivery_state_count; ++state) {
    out += (out.empty() ? "" : ", ") + std::string(to_text(static_cast<delivery_state>(state)));
  }
  return out;
}

result<delivery_filter> parse_filter(std::string_view query) {
  auto parsed = parse_query(query, {"event_id", "source", "organization", "state", "recipient", "cursor", "limit"});
  if (!parsed) return parsed.error();
  delivery_filter filter;
  for (auto& [name, value] : *parsed) {
    if (name == "event_id") filter.event_id = value;
    if (name == "source") filter.source = value;
    if (name == "organization") filter.organization = value;
    if (name == "recipient") filter.recipient = value;
    if (name == "state" && !(filter.state = parse_delivery_state(value))) {
      return bad_value(name, value, "one of " + all_states());
    }
    if (name == "cursor" && !(filter.after = parse_delivery_id(value))) {
      return bad_value(name, value, "the \"next\" of an earlier answer");
    }
    if (name == "limit") {
      const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), filter.limit);
      if (error != std::errc() || end != value.data() + value.size() || filter.limit < 1 ||
          filter.limit > longest_page) {
        return bad_value(name, value, "a number from 1 to 1000");
      }
    }
  }
  return filter;
}

http_answer page_of(std::vector<delivery_record> found, std::uint32_t limit, const code_table& codes) {
  const bool more = found.size() > limit;
  found.resize(std::min<std::size_t>(found.size(), limit));
  json::array deliveries;
  for (const auto& each : found) deliveries.push_back(to_json_object(each, codes));
  json::object body;
  body["deliveries"] = std::move(deliveries);
  body["next"] = more ? json::value(to_text(found.back().id)) : json::value(nullptr);
  return ok(std::move(body));
}

}  // namespace

void api_exchange::list(std::string_view query) {
  auto filter = parse_filter(query);
  if (!filter) return done(bad_request(filter.error()));
  if (auto refused = restrict_to(*by, filter->organization)) return done(std::move(*refused));
  const auto limit = filter->limit++;  // one more, to see whether there is a next page
  auto self = std::make_shared<api_exchange>(std::move(*this));
  self->parts.store->list(std::move(*filter), [self, limit](result<std::vector<delivery_record>> found) {
    self->answer_with([codes = self->parts.codes, limit, found = std::move(found)] {
      return found ? page_of(*found, limit, *codes) : refusal(found.error());
    });
  });
}

void api_exchange::show(std::string_view id) {
  const auto wanted = parse_delivery_id(id);
  const auto unknown = not_found("There is no delivery \"" + std::string(id) + "\".");
  if (!wanted) return done(unknown);
  auto self = std::make_shared<api_exchange>(std::move(*this));
  self->parts.store->get(*wanted, [self, unknown](result<std::optional<delivery_record>> found) {
    self->answer_with([codes = self->parts.codes, by = self->by, unknown, found = std::move(found)] {
      if (!found) return refusal(found.error());
      return *found && by->reaches((*found)->organization) ? ok(to_json_object(**found, *codes)) : unknown;
    });
  });
}

void api_exchange::queue() {
  auto self = std::make_shared<api_exchange>(std::move(*this));
  self->parts.store->counts(self->by->organization, [self](result<state_counts> counts) {
    self->answer_with(
        [counts = std::move(counts)] { return counts ? ok(to_json_object(*counts)) : refusal(counts.error()); });
  });
}

}  // namespace tocsin
