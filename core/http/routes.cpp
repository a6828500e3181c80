// What each address of the API needs; all of it is known from a request's header, before a body is read.
#include "core/http/routes.hpp"

#include <algorithm>
#include <array>

namespace tocsin {
namespace {

constexpr std::array<std::string_view, 2> get_or_head{"GET", "HEAD"};
constexpr std::array<std::string_view, 1> post{"POST"};
constexpr std::array<std::string_view, 2> cloudevents{"application/cloudevents+json",
                                                      "application/cloudevents-batch+json"};

constexpr std::array<api_route, 9> routes{{
    {"/healthz", api_call::live, scope::open, get_or_head, {}},
    {"/readyz", api_call::ready, scope::open, get_or_head, {}},
    {"/metrics", api_call::metrics, scope::open, get_or_head, {}},
    {"/v1/events", api_call::publish, scope::publish, post, cloudevents},
    {"/v1/deliveries", api_call::list, scope::read, get_or_head, {}},
    {"/v1/deliveries/{}", api_call::show, scope::read, get_or_head, {}},
    {"/v1/queue", api_call::queue, scope::read, get_or_head, {}},
    {"/v1/plugins", api_call::plugins, scope::read, get_or_head, {}},
    {"/v1/sources/{}/*", api_call::source, scope::publish, {}, {}},  // the source's plugin says what it takes
}};

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

const api_route* find_route(std::string_view path) {
  const auto* const found =
      std::find_if(routes.begin(), routes.end(), [path](const api_route& one) { return matches_path(one.path, path); });
  return found == routes.end() ? nullptr : found;
}

}  // namespace tocsin
