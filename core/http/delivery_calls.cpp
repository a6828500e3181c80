// Calls of the API that show deliveries and count them.
#include "core/http/api_exchange.hpp"
#include "core/http/delivery_filter.hpp"
#include "core/http/delivery_json.hpp"

#include <boost/json/array.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tocsin {
namespace {

namespace json = boost::json;

http_answer page_of(std::vector<delivery_record> found, std::uint32_t limit, const delivery_words& words) {
  const bool more = found.size() > limit;
  found.resize(std::min<std::size_t>(found.size(), limit));
  json::array deliveries;
  for (const auto& each : found) deliveries.push_back(words.of(each));
  json::object body;
  body["deliveries"] = std::move(deliveries);
  body["next"] = more ? json::value(to_text(found.back().id)) : json::value(nullptr);
  return ok(std::move(body));
}

// Paused ones first, then those that send most: what somebody who watches wants to see.
constexpr std::size_t endpoints_shown = 20;
constexpr std::uint32_t most_counted = 1'000;

std::vector<dispatcher::endpoint_status> endpoints_to_show(std::vector<dispatcher::endpoint_status> all) {
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return a.pause.has_value() != b.pause.has_value() ? a.pause.has_value() : a.in_flight > b.in_flight;
  });
  all.resize(std::min(all.size(), endpoints_shown));
  return all;
}

json::object to_json_object(const dispatcher::endpoint_status& endpoint, std::uint32_t waiting) {
  json::object out;
  out["channel"] = endpoint.key.channel;
  out["organization"] =
      endpoint.key.organization.empty() ? json::value(nullptr) : json::value(endpoint.key.organization);
  out["in_flight"] = endpoint.in_flight;
  out["slots"] = endpoint.slots;
  out["waiting"] = std::min(waiting, most_counted);
  out["waiting_more"] = waiting > most_counted;
  out["paused"] = endpoint.pause ? json::value(tocsin::to_json_object(*endpoint.pause)) : json::value(nullptr);
  return out;
}

http_answer endpoints_answer(const std::vector<dispatcher::endpoint_status>& shown,
                             const std::vector<std::uint32_t>& waiting, std::size_t all) {
  json::array list;
  for (std::size_t at = 0; at < shown.size(); ++at) list.push_back(to_json_object(shown[at], waiting[at]));
  json::object body;
  body["endpoints"] = std::move(list);
  body["in_use"] = all;
  return ok(std::move(body));
}

}  // namespace

void api_exchange::queue_endpoints() {
  auto all = parts.endpoints ? parts.endpoints() : std::vector<dispatcher::endpoint_status>();
  const auto in_use = all.size();
  auto shown = endpoints_to_show(std::move(all));
  std::vector<endpoint_key> keys;
  keys.reserve(shown.size());
  for (const auto& each : shown) keys.push_back(each.key);
  auto self = std::make_shared<api_exchange>(std::move(*this));
  self->parts.store->waiting_on(
      std::move(keys), most_counted + 1,
      [self, in_use, shown = std::move(shown)](result<std::vector<std::uint32_t>> waiting) mutable {
        self->answer_with([in_use, shown = std::move(shown), waiting = std::move(waiting)] {
          return waiting ? endpoints_answer(shown, *waiting, in_use) : refusal(waiting.error());
        });
      });
}

void api_exchange::list(std::string_view query) {
  auto filter = parse_delivery_filter(query, filter_use::page);
  if (!filter) return done(bad_request(filter.error()));
  if (auto refused = restrict_to(*by, filter->organization)) return done(std::move(*refused));
  const auto limit = filter->limit++;  // one more, to see whether there is a next page
  auto self = std::make_shared<api_exchange>(std::move(*this));
  self->parts.store->list(std::move(*filter), [self, limit](result<std::vector<delivery_record>> found) {
    self->answer_with([words = delivery_words(self->parts), limit, found = std::move(found)] {
      return found ? page_of(*found, limit, words) : refusal(found.error());
    });
  });
}

void api_exchange::show(std::string_view id) {
  const auto wanted = parse_delivery_id(id);
  const auto unknown = not_found("There is no delivery \"" + std::string(id) + "\".");
  if (!wanted) return done(unknown);
  auto self = std::make_shared<api_exchange>(std::move(*this));
  self->parts.store->get(*wanted, [self, unknown](result<std::optional<delivery_record>> found) {
    self->answer_with([words = delivery_words(self->parts), by = self->by, unknown, found = std::move(found)] {
      if (!found) return refusal(found.error());
      return *found && by->reaches((*found)->organization) ? ok(words.of(**found)) : unknown;
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
