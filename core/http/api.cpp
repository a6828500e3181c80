// The HTTP API: which call is meant, and whether it may be made.
#include "core/http/api.hpp"

#include "core/http/answers.hpp"
#include "core/http/api_exchange.hpp"
#include "core/http/query.hpp"
#include "core/http/routes.hpp"
#include "core/http/source_route.hpp"

#include <algorithm>
#include <utility>

namespace tocsin {
namespace {

bool is_one_of(std::string_view word, std::span<const std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// The time depends on the length of what was sent alone.
bool same_token(std::string_view sent, std::string_view token) {
  if (token.empty()) return false;
  unsigned difference = sent.size() == token.size() ? 0 : 1;
  for (std::size_t at = 0; at < sent.size(); ++at) {
    difference |= static_cast<unsigned char>(sent[at]) ^ static_cast<unsigned char>(token[at % token.size()]);
  }
  return difference == 0;
}

bool equal_without_case(std::string_view one, std::string_view other) {
  return std::equal(one.begin(), one.end(), other.begin(), other.end(), [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? a + 32 : a) == (b >= 'A' && b <= 'Z' ? b + 32 : b);
  });
}

// Nothing: the token is right.
std::optional<http_answer> check_token(std::string_view authorization, std::string_view token) {
  constexpr std::string_view scheme = "Bearer ";
  const bool sent = equal_without_case(authorization.substr(0, scheme.size()), scheme);
  if (sent) {
    authorization.remove_prefix(scheme.size());
    authorization.remove_prefix(std::min(authorization.find_first_not_of(' '), authorization.size()));
    if (same_token(authorization, token)) return std::nullopt;
  }
  const fault why = sent ? fault{"TOKEN_INVALID",
                                 "The token is not one of this host's.",
                                 "Send the token from <state_dir>/admin.token.",
                                 {}}
                         : fault{"TOKEN_MISSING",
                                 "This call needs a token.",
                                 "Send it in the header `Authorization: Bearer TOKEN`.",
                                 {}};
  return with_header(problem(401, why, "Unauthorized"), "WWW-Authenticate",
                     sent ? R"(Bearer realm="tocsin", error="invalid_token")" : R"(Bearer realm="tocsin")");
}

}  // namespace

api::api(api_parts parts) : parts_(std::move(parts)) {}

// The plugin's manifest says what it takes, so that no plugin runs for this.
std::optional<http_answer> api::refuse_to_source(const http_request& head, std::string_view path,
                                                 bool& takes_body) const {
  const auto address = parse_source_address(path);
  auto routes = address && parts_.source_routes
                    ? parts_.source_routes(address->source)
                    : result<std::vector<manifest_http_route>>(fault{"NOT_FOUND", {}, {}, {}});
  const auto at_path = routes ? routes_at(*routes, address->path) : std::vector<manifest_http_route>();
  const auto* route = route_for(at_path, head.method);
  if (route == nullptr || route->scope != "open") {
    if (auto refused = check_token(head.authorization, parts_.admin_token)) return refused;
  }
  if (!routes && routes.error().code != "NOT_FOUND") return to_http(routes.error());
  if (!routes) return not_found("There is no source at " + std::string(path) + ".");
  if (at_path.empty()) return not_found("The source takes nothing at " + std::string(path) + ".");
  if (route == nullptr) return not_allowed(head.method, methods_of(at_path));
  takes_body = route->takes_body();
  if (!takes_body || takes_content_type(*route, head.content_type)) return std::nullopt;
  const std::vector<std::string_view> types(route->content_types.begin(), route->content_types.end());
  return unsupported(joined(types));
}

std::optional<http_answer> api::refuse(const http_request& head, std::string_view path, const api_route* route) const {
  if (route == nullptr || route->needs != scope::open) {
    if (auto refused = check_token(head.authorization, parts_.admin_token)) return refused;
  }
  if (route == nullptr) return not_found("There is nothing at " + std::string(path) + ".");
  if (!is_one_of(head.method, route->methods)) return not_allowed(head.method, joined(route->methods));
  if (!route->content_types.empty() && !is_one_of(head.content_type, route->content_types))
    return unsupported(joined(route->content_types));
  return std::nullopt;
}

admission api::admit(const http_request& head) const {
  const auto path = split_target(head.target).path;
  const auto* const route = find_route(path);
  admission made;
  made.to_source = route != nullptr && route->call == api_call::source;
  made.takes_body = route != nullptr && !route->content_types.empty();
  made.refusal = made.to_source ? refuse_to_source(head, path, made.takes_body) : refuse(head, path, route);
  if (!made.refusal) made.route = route;
  return made;
}

void api::handle(http_request request, const api_route& route, std::function<void(http_answer)> done) {
  api_exchange call{parts_, std::move(request), std::move(done)};
  const std::string target = call.request.target;
  const auto [path, query] = split_target(target);
  if (route.call == api_call::list) return call.list(query);
  if (route.call == api_call::source) return call.source(path, query);
  if (auto none = parse_query(query, {}); !none) return call.done(bad_request(none.error()));
  switch (route.call) {
    case api_call::publish:
      return call.publish();
    case api_call::show:
      return call.show(path.substr(path.rfind('/') + 1));
    case api_call::queue:
      return call.queue();
    case api_call::plugins:
      return call.plugins();
    case api_call::metrics:
      return call.metrics();
    case api_call::ready:
      return call.ready();
    default:
      return call.done(ok({{"status", "ok"}}));
  }
}

}  // namespace tocsin
