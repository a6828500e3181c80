// The OpenAPI 3.1 document of the API: paths, methods, scopes and content types from the routes table, words from here.
#include "core/http/openapi.hpp"

#include "core/http/openapi_schemas.hpp"
#include "core/http/routes.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <vector>

namespace tocsin {
namespace {

namespace json = boost::json;

// A call in words. Schemas are named as in openapi_schemas.cpp.
struct description {
  api_call call;
  const char* id;             // operationId
  const char* summary;        // one sentence
  int status;                 // when all is well
  const char* answer;         // schema of the answer; empty: it is no JSON
  const char* body;           // schema of the body; empty: none, or CloudEvents
  std::vector<int> refusals;  // beside 401 and 403
  std::vector<const char*> query;
};

const std::vector<description>& descriptions() {
  static const std::vector<description> all{
      {api_call::live, "live", "Whether the process lives.", 200, "Status", "", {}, {}},
      {api_call::ready,
       "ready",
       "Whether the host is ready: its store answers, its plugins run.",
       200,
       "Status",
       "",
       {503},
       {}},
      {api_call::metrics,
       "metrics",
       "The numbers of the host and of its plugins, as Prometheus text.",
       200,
       "",
       "",
       {503},
       {}},
      {api_call::publish,
       "publish",
       "Takes an event, or a batch of events as a whole, and answers when they are on disk.",
       202,
       "Accepted",
       "",
       {400, 413, 415, 429, 503, 507},
       {}},
      {api_call::list,
       "listDeliveries",
       "Deliveries, newest first, a page at a time.",
       200,
       "Deliveries",
       "",
       {400, 503},
       {"event_id", "source", "organization", "state", "recipient", "cursor", "limit"}},
      {api_call::show,
       "showDelivery",
       "One delivery with the history of its attempts.",
       200,
       "Delivery",
       "",
       {400, 404, 503},
       {}},
      {api_call::queue, "countDeliveries", "How many deliveries are in each state.", 200, "Counts", "", {400, 503}, {}},
      {api_call::plugins, "listPlugins", "Each plugin file with its state.", 200, "Plugins", "", {400}, {}},
      {api_call::list_tokens,
       "listTokens",
       "Every token with what it allows; never a token itself.",
       200,
       "Tokens",
       "",
       {400, 503},
       {}},
      {api_call::create_token,
       "createToken",
       "Makes a token. The answer is the one time that it is told.",
       201,
       "NewToken",
       "TokenRequest",
       {400, 409, 413, 415, 503, 507},
       {}},
      {api_call::revoke_token,
       "revokeToken",
       "Takes a token's rights away, at once and for good.",
       200,
       "RevokedToken",
       "",
       {400, 404, 503, 507},
       {}},
      {api_call::channels,
       "listChannels",
       "Each endpoint: a channel as one level configures it.",
       200,
       "Channels",
       "",
       {400, 503},
       {}},
      {api_call::test_channel,
       "testChannel",
       "Sends a test message past the queue and tells what became of it.",
       200,
       "TestResult",
       "TestRequest",
       {400, 404, 413, 415, 503},
       {}},
      {api_call::diagnose_channel,
       "diagnoseChannel",
       "Diagnoses a channel stage by stage.",
       200,
       "Diagnosis",
       "DoctorRequest",
       {400, 404, 413, 415, 503},
       {}},
      {api_call::reload,
       "reload",
       "Reads the settings again; wrong ones are refused and the old ones stay in force.",
       200,
       "Reloaded",
       "",
       {400, 422, 503},
       {}},
      {api_call::alter_one,
       "alterDelivery",
       "Acts on one delivery: retry goes on with it now, replay begins it anew, drop ends it.",
       200,
       "Delivery",
       "",
       {400, 404, 409, 503, 507},
       {}},
      {api_call::alter_many,
       "alterDeliveries",
       "Acts on every delivery that the filter matches, and tells how many there were.",
       200,
       "Altered",
       "",
       {400, 503, 507},
       {"event_id", "source", "organization", "state", "recipient", "all"}},
      {api_call::trace,
       "traceEvent",
       "Why somebody did, or did not, get this event.",
       200,
       "Trace",
       "",
       {400, 404, 503},
       {}},
      {api_call::trace_by_name,
       "traceEventByName",
       "The same, found by the event's own id.",
       200,
       "Trace",
       "",
       {400, 404, 503},
       {"event_id", "source", "organization"}},
      {api_call::queue_endpoints,
       "listWaitingEndpoints",
       "Where something waits, and what is paused.",
       200,
       "Anything",
       "",
       {400, 503},
       {}},
      {api_call::check_store,
       "checkStore",
       "Checks a copy of the store, page by page and promise by promise.",
       200,
       "Anything",
       "",
       {400, 503, 507},
       {}},
      {api_call::back_up_store,
       "backUpStore",
       "Writes a backup of the store to a file on the host's machine, without sensitive content.",
       200,
       "Anything",
       "",
       {400, 409, 503, 507},
       {"file"}},
      {api_call::openapi, "openapi", "This document.", 200, "Document", "", {}, {}},
      {api_call::source,
       "askSource",
       "What the source takes: its plugin's manifest says which paths, methods, scopes and content types.",
       200,
       "",
       "",
       {400, 404, 405, 413, 415, 500, 503, 504},
       {}},
  };
  return all;
}

const description* describe(api_call call) {
  const auto& all = descriptions();
  const auto found = std::find_if(all.begin(), all.end(), [call](const auto& one) { return one.call == call; });
  return found == all.end() ? nullptr : &*found;
}

json::object reference(const char* kind, std::string_view name) {
  return {{"$ref", std::string("#/components/") + kind + "/" + std::string(name)}};
}

json::object content(std::string_view type, std::string_view schema) {
  return {{type, json::object{{"schema", schema.empty() ? json::object() : reference("schemas", schema)}}}};
}

// "/v1/deliveries/{}" is "/v1/deliveries/{id}"; names is what the segments are called, in order.
std::string named_path(const api_route& route, std::vector<std::string>& names) {
  std::string out;
  for (std::size_t at = 0; at < route.path.size(); ++at) {
    const bool rest = route.path[at] == '*';
    if (!rest && route.path.substr(at, 2) != "{}") {
      out += route.path[at];
      continue;
    }
    const bool by_id = out.ends_with("/deliveries/") || out.ends_with("/events/");
    names.emplace_back(rest ? "path" : by_id ? "id" : "name");
    out += "{" + names.back() + "}";
    if (!rest) ++at;
  }
  return out;
}

json::array parameters_of(const std::vector<std::string>& in_path, const description* words) {
  json::array out;
  for (const auto& name : in_path) {
    json::object one{{"name", name}, {"in", "path"}, {"required", true}, {"schema", {{"type", "string"}}}};
    out.push_back(std::move(one));
  }
  if (words == nullptr) return out;
  for (const auto* name : words->query) {
    json::object one{{"name", name}, {"in", "query"}};
    one["schema"] = std::string_view(name) == "limit"
                        ? json::object{{"type", "integer"}, {"minimum", 1}, {"maximum", 1000}, {"default", 100}}
                    : std::string_view(name) == "state" ? reference("schemas", "DeliveryState")
                                                        : json::object{{"type", "string"}};
    out.push_back(std::move(one));
  }
  return out;
}

// A content type's body is what its name says, or what the call takes.
json::object body_of(const api_route& route, const description* words) {
  json::object types;
  bool required = true;
  for (const auto type : route.content_types) {
    if (type.empty()) {
      required = false;
      continue;
    }
    const std::string_view schema = words != nullptr && *words->body != '\0' ? words->body
                                    : type.ends_with("-batch+json")          ? "EventBatch"
                                    : type.ends_with("cloudevents+json")     ? "Event"
                                                                             : "Anything";
    types[type] = json::object{{"schema", reference("schemas", schema)}};
  }
  return {{"required", required}, {"content", std::move(types)}};
}

json::object responses_of(const api_route& route, const description* words) {
  json::object out;
  json::object good{{"description", words != nullptr ? words->summary : "It is done."}};
  if (route.call == api_call::metrics) {
    good["content"] = json::object{{"text/plain", {{"schema", {{"type", "string"}}}}}};
  } else if (route.call != api_call::source) {
    good["content"] = content("application/json", words != nullptr ? words->answer : "Anything");
  }
  out[std::to_string(words != nullptr ? words->status : 200)] = std::move(good);
  std::vector<int> refusals = words != nullptr ? words->refusals : std::vector<int>{400, 404, 503};
  if (route.needs != scope::open) refusals.insert(refusals.end(), {401, 403});
  std::sort(refusals.begin(), refusals.end());
  for (const int status : refusals) out[std::to_string(status)] = reference("responses", "Problem");
  return out;
}

json::object operation_of(const api_route& route, std::string_view method, const std::string& path,
                          const std::vector<std::string>& names) {
  const auto* words = describe(route.call);
  std::string id = words != nullptr ? words->id : std::string(method) + path;
  if (route.call == api_call::source) id += "_" + std::string(method);
  if (route.call == api_call::alter_one || route.call == api_call::alter_many)
    id += "_" + path.substr(path.rfind('/') + 1);
  if (method == "HEAD") id += "_head";
  json::object out{{"operationId", id}, {"summary", words != nullptr ? words->summary : id}};
  auto parameters = parameters_of(names, words);
  if (!parameters.empty()) out["parameters"] = std::move(parameters);
  if (!route.content_types.empty()) out["requestBody"] = body_of(route, words);
  out["responses"] = responses_of(route, words);
  if (route.needs == scope::open) {
    out["security"] = json::array();
  } else {
    out["security"] = json::array{json::object{{"token", json::array()}}};
    out["x-scope"] = to_text(route.needs);
    out["x-organization-tokens"] = route.whose == callers::all;
  }
  return out;
}

std::string make_document() {
  json::object paths;
  constexpr std::array<std::string_view, 5> any{"GET", "POST", "PUT", "PATCH", "DELETE"};
  for (const auto& route : all_routes()) {
    std::vector<std::string> names;
    const auto path = named_path(route, names);
    auto& item = paths[path];
    if (!item.is_object()) item = json::object();
    const bool to_source = route.call == api_call::source;
    for (const auto method : to_source ? std::span<const std::string_view>(any) : route.methods) {
      std::string key(method);
      std::transform(key.begin(), key.end(), key.begin(), [](char c) { return static_cast<char>(c + 32); });
      item.get_object()[key] = operation_of(route, method, path, names);
    }
  }
  json::object components = json::parse(openapi_components).as_object();
  json::object document{{"openapi", "3.1.0"}};
  document["info"] = {{"title", "Tocsin"},
                      {"version", TOCSIN_VERSION},
                      {"description", "Events in, deliveries out; see docs/http-api.md."}};
  document["servers"] = json::array{json::object{{"url", "/"}}};
  document["paths"] = std::move(paths);
  document["components"] = std::move(components);
  return json::serialize(document);
}

}  // namespace

const std::string& openapi_document() {
  static const std::string document = make_document();
  return document;
}

}  // namespace tocsin
