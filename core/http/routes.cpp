// What each address of the API needs; all of it is known from a request's header, before a body is read.
#include "core/http/routes.hpp"

#include <algorithm>
#include <array>

namespace tocsin {
namespace {

constexpr std::array<std::string_view, 2> get_or_head{"GET", "HEAD"};
constexpr std::array<std::string_view, 1> post{"POST"};
constexpr std::array<std::string_view, 1> delete_{"DELETE"};
constexpr std::array<std::string_view, 1> json{"application/json"};
constexpr std::array<std::string_view, 2> json_or_none{"application/json", ""};  // no body needs no content type
constexpr std::array<std::string_view, 2> cloudevents{"application/cloudevents+json",
                                                      "application/cloudevents-batch+json"};

// One row a call; a new one goes to the end, before the sources.
constexpr auto routes = std::to_array<api_route>({
    {"/healthz", get_or_head, api_call::live, scope::open, callers::all, {}},
    {"/readyz", get_or_head, api_call::ready, scope::open, callers::all, {}},
    {"/metrics", get_or_head, api_call::metrics, scope::open, callers::all, {}},
    {"/v1/events", post, api_call::publish, scope::publish, callers::all, cloudevents},
    {"/v1/deliveries", get_or_head, api_call::list, scope::read, callers::all, {}},
    {"/v1/deliveries/{}", get_or_head, api_call::show, scope::read, callers::all, {}},
    {"/v1/queue", get_or_head, api_call::queue, scope::read, callers::all, {}},
    {"/v1/plugins", get_or_head, api_call::plugins, scope::read, callers::all, {}},
    {"/v1/tokens", get_or_head, api_call::list_tokens, scope::admin, callers::host, {}},
    {"/v1/tokens", post, api_call::create_token, scope::admin, callers::host, json},
    {"/v1/tokens/{}", delete_, api_call::revoke_token, scope::admin, callers::host, {}},
    {"/v1/channels", get_or_head, api_call::channels, scope::read, callers::all, {}},
    {"/v1/channels/{}/test", post, api_call::test_channel, scope::operate, callers::all, json},
    {"/v1/channels/{}/doctor", post, api_call::diagnose_channel, scope::operate, callers::all, json_or_none},
    {"/v1/reload", post, api_call::reload, scope::admin, callers::host, json_or_none},
    {"/v1/openapi.json", get_or_head, api_call::openapi, scope::open, callers::all, {}},
    {"/v1/deliveries/retry", post, api_call::alter_many, scope::operate, callers::all, {}},
    {"/v1/deliveries/drop", post, api_call::alter_many, scope::operate, callers::all, {}},
    {"/v1/deliveries/replay", post, api_call::alter_many, scope::operate, callers::all, {}},
    {"/v1/deliveries/{}/retry", post, api_call::alter_one, scope::operate, callers::all, {}},
    {"/v1/deliveries/{}/drop", post, api_call::alter_one, scope::operate, callers::all, {}},
    {"/v1/deliveries/{}/replay", post, api_call::alter_one, scope::operate, callers::all, {}},
    {"/v1/events/trace", get_or_head, api_call::trace_by_name, scope::read, callers::all, {}},
    {"/v1/events/{}/trace", get_or_head, api_call::trace, scope::read, callers::all, {}},
    {"/v1/queue/endpoints", get_or_head, api_call::queue_endpoints, scope::read, callers::host, {}},
    {"/v1/store/check", post, api_call::check_store, scope::admin, callers::host, {}},
    {"/v1/store/backup", post, api_call::back_up_store, scope::admin, callers::host, {}},
    // What its plugin takes, and what the token must allow for it, is in the plugin's manifest.
    {"/v1/sources/{}/*", {}, api_call::source, scope::publish, callers::all, {}},
});

// Up to the next '/', which is taken away, too.
std::string_view take_segment(std::string_view& path) {
  const auto end = std::min(path.find('/'), path.size());
  const auto segment = path.substr(0, end);
  path.remove_prefix(std::min(end + 1, path.size()));
  return segment;
}

}  // namespace

bool matches_path(std::string_view pattern, std::string_view path) {
  if (path.ends_with('/') && !pattern.ends_with('*')) return false;
  while (!pattern.empty() && !path.empty()) {
    const auto wanted = take_segment(pattern);
    if (wanted == "*" && pattern.empty()) return true;
    const auto given = take_segment(path);
    if (wanted == "{}" ? given.empty() : wanted != given) return false;
  }
  return pattern.empty() && path.empty();
}

std::span<const api_route> all_routes() { return routes; }

std::vector<const api_route*> routes_at(std::string_view path) {
  std::vector<const api_route*> found;
  for (const auto& one : routes) {
    if (matches_path(one.path, path)) found.push_back(&one);
  }
  return found;
}

const api_route* route_for(const std::vector<const api_route*>& at_path, std::string_view method) {
  for (const auto* one : at_path) {
    if (std::find(one->methods.begin(), one->methods.end(), method) != one->methods.end()) return one;
  }
  return nullptr;
}

std::string methods_of(const std::vector<const api_route*>& at_path) {
  std::string out;
  for (const auto* one : at_path) {
    for (const auto method : one->methods) {
      if (!out.empty()) out += ", ";
      out += method;
    }
  }
  return out;
}

}  // namespace tocsin
