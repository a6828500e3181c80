// The HTTP API: which call is meant, whether it may be made, and its answer.
#include "core/http/api.hpp"

#include "core/http/delivery_json.hpp"
#include "core/http/plugin_json.hpp"
#include "core/http/query.hpp"
#include "core/http/routes.hpp"
#include "core/http/source_route.hpp"
#include "core/model/cloudevents.hpp"
#include "core/model/utf8.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <charconv>
#include <utility>

namespace tocsin {
namespace {

namespace json = boost::json;
using answer_callback = std::function<void(http_answer)>;

constexpr std::string_view batch_type = "application/cloudevents-batch+json";
constexpr std::uint32_t longest_page = 1'000;

http_answer ok(json::value body) {
  http_answer answer;
  answer.body = json::serialize(body);
  return answer;
}

http_answer metrics_answer(std::string text) {
  http_answer answer;
  answer.content_type = "text/plain; version=0.0.4; charset=utf-8";
  answer.body = std::move(text);
  return answer;
}

http_answer bad_request(const fault& why) { return problem(400, why, "Bad Request"); }

http_answer with_header(http_answer answer, const char* name, std::string value) {
  answer.headers[name] = std::move(value);
  return answer;
}

// What a fault of bus or store is in HTTP. A publisher that gets 429, 503 or 507 keeps the event and tries again.
http_answer refusal(const fault& why) {
  if (why.code == "BUS_BUSY") return with_header(problem(429, why, "Too Many Requests"), "Retry-After", "1");
  if (why.code == "STORE_FULL") return with_header(problem(507, why, "Insufficient Storage"), "Retry-After", "60");
  if (why.code == "EVENT_INVALID") return bad_request(why);
  if (why.code == "STORE_REFUSED") return problem(500, why, "Internal Server Error");
  return with_header(problem(503, why, "Service Unavailable"), "Retry-After", "10");
}

std::string joined(std::span<const std::string_view> words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : ", ") + std::string(word);
  return out;
}

bool is_one_of(std::string_view word, std::span<const std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

http_answer not_allowed(const std::string& method, const std::string& allowed) {
  return with_header(problem(405, "METHOD_NOT_ALLOWED", "Method Not Allowed",
                             "This address does not take " + method + ". It takes " + allowed + "."),
                     "Allow", allowed);
}

http_answer unsupported(const std::string& accepted) {
  return with_header(problem(415, "CONTENT_TYPE_UNSUPPORTED", "Unsupported Media Type",
                             "The body comes as one of these content types: " + accepted + "."),
                     "Accept", accepted);
}

http_answer not_found(const std::string& detail) { return problem(404, "NOT_FOUND", "Not Found", detail); }

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

std::string accepted_body(const std::vector<accept_answer>& answers) {
  const auto duplicates =
      std::count_if(answers.begin(), answers.end(), [](const accept_answer& answer) { return answer.duplicate; });
  std::string body = R"({"accepted":)" + std::to_string(static_cast<std::ptrdiff_t>(answers.size()) - duplicates) +
                     R"(,"duplicates":)" + std::to_string(duplicates) + R"(,"events":[)";
  for (const auto& answer : answers) {
    body += body.back() == '[' ? R"({"id":")" : R"(,{"id":")";
    body += to_text(answer.id);
    body += answer.duplicate ? R"(","duplicate":true,"deliveries":)" : R"(","duplicate":false,"deliveries":)";
    body += std::to_string(answer.deliveries) + "}";
  }
  return body + "]}";
}

http_answer accepted(const std::vector<accept_answer>& answers) {
  http_answer answer;
  answer.status = 202;
  answer.body = accepted_body(answers);
  return answer;
}

result<std::vector<event>> parse_events(const http_request& request) {
  if (request.content_type == batch_type) return parse_cloudevent_batch(request.body);
  auto one = parse_cloudevent(request.body);
  if (!one) return one.error();
  std::vector<event> events;
  events.push_back(std::move(*one));
  return events;
}

fault bad_value(const std::string& name, const std::string& value, const std::string& taken) {
  return fault{"REQUEST_INVALID",
               "\"" + value + "\" is no value for the query parameter \"" + name + "\".",
               "It takes " + taken + ".",
               {{}, 0, 0, name}};
}

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

http_answer readiness(const faults& found) {
  if (found.empty()) return ok({{"status", "ready"}});
  json::array list;
  for (const auto& each : found) {
    list.push_back(json::object{{"code", each.code}, {"detail", each.what}, {"remedy", each.remedy}});
  }
  json::object body{{"type", "about:blank"}, {"title", "Service Unavailable"}, {"status", 503}};
  body["detail"] = found.front().what;
  body["code"] = "NOT_READY";
  body["faults"] = std::move(list);
  auto answer = ok(std::move(body));
  answer.status = 503;
  answer.content_type = "application/problem+json";
  return answer;
}

}  // namespace

api::api(api_parts parts) : parts_(std::move(parts)) {}

// One call of the API under way. Lives in the callbacks that it waits for.
struct api::exchange {
  const api_parts& parts;
  http_request request;
  answer_callback done;

  // make() gives the answer, on the pool where there is one: the thread that has the facts is the store's, and has
  // better things to do.
  template <class Make>
  void answer_with(Make make) {
    if (parts.pool == nullptr) return done(make());
    parts.pool->post([done = std::move(done), make = std::move(make)]() mutable { done(make()); });
  }

  void publish();
  void list(std::string_view query);
  void show(std::string_view id);
  void queue();
  void plugins();
  void ready();
  void metrics();
  void source(std::string_view path, std::string_view query);
};

void api::exchange::publish() {
  auto events = parse_events(request);
  if (!events) return done(bad_request(events.error()));
  if (events->empty()) return done(accepted({}));
  auto self = std::make_shared<exchange>(std::move(*this));
  self->request.body = {};
  self->parts.publish({std::move(*events), {}}, [self](result<std::vector<accept_answer>> answers) {
    self->answer_with(
        [answers = std::move(answers)] { return answers ? accepted(*answers) : refusal(answers.error()); });
  });
}

void api::exchange::list(std::string_view query) {
  auto filter = parse_filter(query);
  if (!filter) return done(bad_request(filter.error()));
  const auto limit = filter->limit++;  // one more, to see whether there is a next page
  auto self = std::make_shared<exchange>(std::move(*this));
  self->parts.store->list(std::move(*filter), [self, limit](result<std::vector<delivery_record>> found) {
    self->answer_with([codes = self->parts.codes, limit, found = std::move(found)] {
      return found ? page_of(*found, limit, *codes) : refusal(found.error());
    });
  });
}

void api::exchange::show(std::string_view id) {
  const auto wanted = parse_delivery_id(id);
  const auto unknown = not_found("There is no delivery \"" + std::string(id) + "\".");
  if (!wanted) return done(unknown);
  auto self = std::make_shared<exchange>(std::move(*this));
  self->parts.store->get(*wanted, [self, unknown](result<std::optional<delivery_record>> found) {
    self->answer_with([codes = self->parts.codes, unknown, found = std::move(found)] {
      if (!found) return refusal(found.error());
      return *found ? ok(to_json_object(**found, *codes)) : unknown;
    });
  });
}

void api::exchange::queue() {
  auto self = std::make_shared<exchange>(std::move(*this));
  self->parts.store->counts({}, [self](result<state_counts> counts) {
    self->answer_with(
        [counts = std::move(counts)] { return counts ? ok(to_json_object(*counts)) : refusal(counts.error()); });
  });
}

void api::exchange::plugins() {
  answer_with([plugins = parts.plugins] {
    json::array list;
    for (const plugin_info& plugin : plugins ? plugins() : std::vector<plugin_info>())
      list.push_back(to_json_object(plugin));
    return ok({{"plugins", std::move(list)}});
  });
}

// Asks the store for something small: one that failed says so.
void api::exchange::ready() {
  auto self = std::make_shared<exchange>(std::move(*this));
  self->parts.store->counts({}, [self](result<state_counts> counts) {
    self->answer_with([&parts = self->parts, counts = std::move(counts)] {
      faults found = parts.not_ready ? parts.not_ready() : faults();
      if (!counts) found.push_back(counts.error());
      return readiness(found);
    });
  });
}

void api::exchange::metrics() {
  auto self = std::make_shared<exchange>(std::move(*this));
  self->parts.store->counts({}, [self](result<state_counts> counts) {
    self->answer_with([&parts = self->parts, counts = std::move(counts)] {
      return metrics_answer(parts.metrics ? parts.metrics(counts ? &*counts : nullptr) : std::string());
    });
  });
}

// It was admitted.
void api::exchange::source(std::string_view path, std::string_view query) {
  auto address = parse_source_address(path);
  source_request asked;
  asked.source = std::move(address->source);
  asked.path = std::move(address->path);
  asked.method = request.method == "HEAD" ? "GET" : std::move(request.method);
  asked.query = make_utf8(query);
  asked.body = std::move(request.body);
  asked.headers.reserve(request.headers.size());
  for (auto& [name, value] : request.headers) {
    if (name == "authorization" || name == "proxy-authorization" || name == "cookie") continue;
    asked.headers.emplace_back(std::move(name), make_utf8(value));
  }
  parts.ask_source(std::move(asked),
                   [done = std::move(done)](result<source_answer> answer) { done(to_http(std::move(answer))); });
}

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
  exchange call{parts_, std::move(request), std::move(done)};
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
