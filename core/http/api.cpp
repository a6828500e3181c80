// The HTTP API: which call is meant, and whether it may be made.
#include "core/http/api.hpp"

#include "core/http/answers.hpp"
#include "core/http/api_exchange.hpp"
#include "core/http/query.hpp"
#include "core/http/routes.hpp"
#include "core/http/source_route.hpp"
#include "core/http/token_registry.hpp"

#include <algorithm>
#include <utility>

namespace tocsin {
namespace {

bool is_one_of(std::string_view word, std::span<const std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool equal_without_case(std::string_view one, std::string_view other) {
  return std::equal(one.begin(), one.end(), other.begin(), other.end(), [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? a + 32 : a) == (b >= 'A' && b <= 'Z' ? b + 32 : b);
  });
}

// What the token is, out of `Authorization: Bearer TOKEN`. Nothing: another scheme, or none.
std::optional<std::string_view> bearer_token(std::string_view authorization) {
  constexpr std::string_view scheme = "Bearer ";
  if (!equal_without_case(authorization.substr(0, scheme.size()), scheme)) return std::nullopt;
  authorization.remove_prefix(scheme.size());
  authorization.remove_prefix(std::min(authorization.find_first_not_of(' '), authorization.size()));
  return authorization;
}

http_answer unauthorized(bool sent) {
  const fault why = sent ? fault{"TOKEN_INVALID",
                                 "The token is not one of this host's.",
                                 "Send the token from <state_dir>/admin.token, or one that `tocsin token create` made "
                                 "and nobody revoked.",
                                 {}}
                         : fault{"TOKEN_MISSING",
                                 "This call needs a token.",
                                 "Send it in the header `Authorization: Bearer TOKEN`.",
                                 {}};
  return with_header(problem(401, why, "Unauthorized"), "WWW-Authenticate",
                     sent ? R"(Bearer realm="tocsin", error="invalid_token")" : R"(Bearer realm="tocsin")");
}

// What the token is not enough for. Nothing: it is.
std::optional<http_answer> check_rights(const principal_ptr& by, scope needed, callers whose) {
  if (needed == scope::open) return std::nullopt;
  if (!by->may(needed)) {
    return problem(403,
                   {"SCOPE_MISSING",
                    "The token \"" + by->name + "\" allows " + std::string(to_text(by->allows)) +
                        ", and this call needs " + std::string(to_text(needed)) + ".",
                    "Use a token with the scope " + std::string(to_text(needed)) + ".",
                    {}},
                   "Forbidden");
  }
  if (whose == callers::host && by->is_bound()) {
    return problem(
        403,
        {"ORGANIZATION_FORBIDDEN",
         "The token \"" + by->name + "\" is bound to an organization, and this call is about the whole host.",
         "Use a token that is bound to none.",
         {}},
        "Forbidden");
  }
  return std::nullopt;
}

scope scope_of(const manifest_http_route* route) {
  if (route == nullptr) return scope::publish;
  return route->scope == "open" ? scope::open : parse_scope(route->scope).value_or(scope::admin);
}

}  // namespace

api::api(api_parts parts)
    : parts_(std::move(parts)), tokens_(std::make_unique<token_registry>(parts_.admin_token, parts_.tokens)) {
  parts_.tokens.clear();
}

api::~api() = default;

// Nothing: it is the token of made.by.
std::optional<http_answer> api::check_token(std::string_view authorization, admission& made) const {
  const auto sent = bearer_token(authorization);
  if (sent) made.by = tokens_->find(*sent);
  if (made.by != nullptr) return std::nullopt;
  return unauthorized(sent.has_value());
}

// The plugin's manifest says what it takes, so that no plugin runs for this.
void api::admit_to_source(const http_request& head, std::string_view path, admission& made) const {
  const auto address = parse_source_address(path);
  auto routes = address && parts_.source_routes
                    ? parts_.source_routes(address->source)
                    : result<std::vector<manifest_http_route>>(fault{"NOT_FOUND", {}, {}, {}});
  const auto at_path = routes ? routes_at(*routes, address->path) : std::vector<manifest_http_route>();
  const auto* route = route_for(at_path, head.method);
  const auto needs = scope_of(route);
  if (needs != scope::open && (made.refusal = check_token(head.authorization, made))) return;
  const auto refuse = [&made](http_answer answer) { made.refusal = std::move(answer); };
  // Another organization's is as unknown as one that is not there.
  const auto owner =
      address && parts_.source_organization ? parts_.source_organization(address->source) : std::string();
  const bool foreign = made.by != nullptr && !owner.empty() && !made.by->reaches(owner);
  if (foreign || (!routes && routes.error().code == "NOT_FOUND"))
    return refuse(not_found("There is no source at " + std::string(path) + "."));
  if (!routes) return refuse(to_http(routes.error()));
  if (at_path.empty()) return refuse(not_found("The source takes nothing at " + std::string(path) + "."));
  if (route == nullptr) return refuse(not_allowed(head.method, methods_of(at_path)));
  if ((made.refusal = check_rights(made.by, needs, callers::all))) return;
  made.takes_body = route->takes_body();
  if (!made.takes_body || takes_content_type(*route, head.content_type)) return;
  const std::vector<std::string_view> types(route->content_types.begin(), route->content_types.end());
  refuse(unsupported(joined(types)));
}

void api::admit_to_host(const http_request& head, const std::vector<const api_route*>& at_path, admission& made) const {
  const auto* const route = route_for(at_path, head.method);
  const bool open =
      route != nullptr ? route->needs == scope::open : !at_path.empty() && at_path.front()->needs == scope::open;
  if (!open && (made.refusal = check_token(head.authorization, made))) return;
  const auto refuse = [&made](http_answer answer) { made.refusal = std::move(answer); };
  const std::string path(split_target(head.target).path);
  if (at_path.empty()) return refuse(not_found("There is nothing at " + path + "."));
  if (route == nullptr) return refuse(not_allowed(head.method, methods_of(at_path)));
  if ((made.refusal = check_rights(made.by, route->needs, route->whose))) return;
  made.takes_body = !route->content_types.empty();
  if (made.takes_body && !is_one_of(head.content_type, route->content_types))
    return refuse(unsupported(joined(route->content_types)));
  made.route = route;
}

admission api::admit(const http_request& head) const {
  const auto path = split_target(head.target).path;
  const auto at_path = routes_at(path);
  admission made;
  made.to_source = !at_path.empty() && at_path.front()->call == api_call::source;
  if (made.to_source) {
    admit_to_source(head, path, made);
    if (!made.refusal) made.route = at_path.front();
  } else {
    admit_to_host(head, at_path, made);
  }
  if (made.refusal && parts_.answered)
    parts_.answered(at_path.empty() ? "none" : at_path.front()->path, made.refusal->status);
  return made;
}

void api::handle(http_request request, const admission& admitted, std::function<void(http_answer)> done) {
  const auto& route = *admitted.route;
  if (parts_.answered) {
    done = [this, path = route.path, answer_to = std::move(done)](http_answer answer) {
      parts_.answered(path, answer.status);
      answer_to(std::move(answer));
    };
  }
  api_exchange call{parts_, std::move(request), *tokens_, admitted.by, std::move(done)};
  const std::string target = call.request.target;
  const auto [path, query] = split_target(target);
  if (route.call == api_call::list) return call.list(query);
  if (route.call == api_call::alter_many) return call.alter_many(path, query);
  if (route.call == api_call::trace_by_name) return call.trace_by_name(query);
  if (route.call == api_call::back_up_store) return call.back_up_store(query);
  if (route.call == api_call::source) return call.source(path, query);
  if (auto none = parse_query(query, {}); !none) return call.done(bad_request(none.error()));
  switch (route.call) {
    case api_call::publish:
      return call.publish();
    case api_call::show:
      return call.show(path.substr(path.rfind('/') + 1));
    case api_call::alter_one:
      return call.alter_one(path);
    case api_call::trace:
      return call.trace(path);
    case api_call::check_store:
      return call.check_store();
    case api_call::queue_endpoints:
      return call.queue_endpoints();
    case api_call::queue:
      return call.queue();
    case api_call::plugins:
      return call.plugins();
    case api_call::list_tokens:
      return call.list_tokens();
    case api_call::create_token:
      return call.create_token();
    case api_call::revoke_token:
      return call.revoke_token(path.substr(path.rfind('/') + 1));
    case api_call::channels:
      return call.channels();
    case api_call::test_channel:
      return call.test_channel(path);
    case api_call::diagnose_channel:
      return call.diagnose_channel(path);
    case api_call::reload:
      return call.reload();
    case api_call::openapi:
      return call.openapi();
    case api_call::metrics:
      return call.metrics();
    case api_call::ready:
      return call.ready();
    default:
      return call.done(ok({{"status", "ok"}}));
  }
}

}  // namespace tocsin
