// Tokens: what each scope and organization may do, over every call that there is; how tokens are made and revoked.
#include "core/http/routes.hpp"
#include "core/http/token_registry.hpp"
#include "tests/unit/http/api_fixture.hpp"

namespace tocsin::test {
namespace {

class ApiToken : public Api {
 protected:
  // A token of this scope, made through the API.
  std::string make(const std::string& name, const std::string& scope, const std::string& more = "") {
    const auto answer = call("POST", "/v1/tokens", R"({"name":")" + name + R"(","scope":")" + scope + "\"" + more + "}",
                             "application/json");
    EXPECT_EQ(201, answer.status) << answer.body;
    return std::string(json(answer).at("token").as_string());
  }
  std::string bound(const std::string& name, const std::string& scope, const std::string& organization = "acme") {
    return make(name, scope, R"(,"organization":")" + organization + "\"");
  }
  http_answer with(const std::string& token, std::string method, std::string target, std::string body = {},
                   std::string content_type = "application/cloudevents+json") {
    return call(std::move(method), std::move(target), std::move(body), std::move(content_type), "Bearer " + token);
  }
  static std::string event(const std::string& organization, const std::string& type = "tocsin.job.faulted") {
    return R"({"specversion":"1.0","id":"1","source":"/jobs","type":")" + type + "\"" +
           (organization.empty() ? "" : R"(,"organization":")" + organization + "\"") + "}";
  }
  // The source takes POST /heartbeat.
  void take_heartbeats() {
    manifest_http_route route;
    route.method = "POST";
    route.path = "/heartbeat";
    routes_ = {route};
  }
  static delivery_record of(const std::string& organization) {
    delivery_record one;
    one.id = delivery_id{7};
    one.event = event_id{1};
    one.organization = organization;
    one.endpoint = {"email", ""};
    return one;
  }
};

constexpr const char* batch_type = "application/cloudevents-batch+json";

// A path of this form, as somebody would ask for it.
std::string concrete(std::string_view pattern) {
  std::string out;
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    if (pattern.substr(at, 2) == "{}") {
      out += "robots";
      ++at;
    } else {
      out += pattern[at] == '*' ? "heartbeat" : std::string(1, pattern[at]);
    }
  }
  return out;
}

bool allowed(const std::string& scope, tocsin::scope needed) {
  if (needed == tocsin::scope::open || scope == "admin") return true;
  if (needed == tocsin::scope::publish) return scope == "publish";
  if (needed == tocsin::scope::read) return scope == "read" || scope == "operate";
  return needed == tocsin::scope::operate && scope == "operate";
}

TEST_F(ApiToken, AllowsEachScopeOnEveryCallWhatItIsForAndNothingElse) {
  take_heartbeats();
  for (const std::string scope : {"publish", "read", "operate", "admin"}) {
    for (const bool is_bound : {false, true}) {
      const auto token = is_bound ? bound(scope + "-bound", scope) : make(scope, scope);
      for (const auto& route : all_routes()) {
        const bool to_source = route.call == api_call::source;
        for (const std::string_view method :
             to_source ? std::vector<std::string_view>{"POST"}
                       : std::vector<std::string_view>(route.methods.begin(), route.methods.end())) {
          http_request head;
          head.method = method;
          head.target = concrete(route.path);
          head.authorization = "Bearer " + token;
          head.content_type = to_source                     ? "application/json"
                              : route.content_types.empty() ? ""
                                                            : std::string(route.content_types.front());
          const auto admitted = api_.admit(head);
          const bool expected = allowed(scope, route.needs) &&
                                (route.needs == tocsin::scope::open || route.whose == callers::all || !is_bound);
          const std::string what = scope + (is_bound ? ", bound: " : ": ") + head.method + " " + head.target;
          EXPECT_EQ(expected, !admitted.refusal) << what;
          if (!expected && admitted.refusal) {
            EXPECT_EQ(403, admitted.refusal->status) << what;
          }
          head.authorization = "Bearer nonsense";
          const auto unknown = api_.admit(head);
          if (route.needs != tocsin::scope::open) {
            ASSERT_TRUE(unknown.refusal) << what;
            EXPECT_EQ(401, unknown.refusal->status) << what;
          }
        }
      }
    }
  }
}

TEST_F(ApiToken, KeepsPublishersReadersAndOperatorsApart) {
  const std::string publisher = make("p", "publish"), reader = make("r", "read"), operator_ = make("o", "operate");
  EXPECT_EQ(202, with(publisher, "POST", "/v1/events", event("")).status);
  for (const auto* target : {"/v1/deliveries", "/v1/queue", "/v1/plugins", "/v1/tokens"}) {
    EXPECT_EQ(403, with(publisher, "GET", target).status) << target;
  }
  for (const auto& token : {reader, operator_}) {
    EXPECT_EQ("SCOPE_MISSING", code(with(token, "POST", "/v1/events", event(""))));
    EXPECT_EQ(200, with(token, "GET", "/v1/deliveries").status);
    EXPECT_EQ(200, with(token, "GET", "/v1/queue").status);
    EXPECT_EQ(200, with(token, "GET", "/v1/plugins").status);
    EXPECT_EQ(403, with(token, "GET", "/v1/tokens").status);
    EXPECT_EQ(403, with(token, "POST", "/v1/tokens", "{}", "application/json").status);
  }
}

TEST_F(ApiToken, GivesEventsWithoutAnOrganizationTheTokensOwnAndRefusesAnothers) {
  const auto token = bound("acme", "publish");
  ASSERT_EQ(202, with(token, "POST", "/v1/events", event("")).status);
  EXPECT_EQ("acme", published_.front().organization);
  ASSERT_EQ(202, with(token, "POST", "/v1/events", event("acme")).status);
  published_.clear();
  const auto refused = with(token, "POST", "/v1/events", event("globex"));
  EXPECT_EQ(403, refused.status);
  EXPECT_EQ("ORGANIZATION_FORBIDDEN", code(refused));
  EXPECT_EQ("organization", json(refused).at("key").as_string());
  const auto batch = with(token, "POST", "/v1/events", "[" + event("") + "," + event("globex") + "]", batch_type);
  EXPECT_EQ(403, batch.status);
  EXPECT_NE(std::string::npos, batch.body.find("Event 1 ")) << batch.body;
  EXPECT_TRUE(published_.empty()) << "a batch is refused whole";
}

TEST_F(ApiToken, PublishesOnlyEventsOfItsTypes) {
  const auto token = make("jobs", "publish", R"(,"types":["tocsin.job.*","acme.exact"])");
  EXPECT_EQ(202, with(token, "POST", "/v1/events", event("", "tocsin.job.faulted")).status);
  EXPECT_EQ(202, with(token, "POST", "/v1/events", event("", "acme.exact")).status);
  published_.clear();
  const auto refused = with(token, "POST", "/v1/events", event("", "tocsin.password.recovery"));
  EXPECT_EQ(403, refused.status);
  EXPECT_EQ("TYPE_FORBIDDEN", code(refused));
  EXPECT_TRUE(published_.empty());
}

TEST_F(ApiToken, ListsAndCountsOnlyWhatIsItsOrganizations) {
  const auto token = bound("acme", "read");
  ASSERT_EQ(200, with(token, "GET", "/v1/deliveries").status);
  EXPECT_EQ("acme", store_.last_filter.organization);
  ASSERT_EQ(200, with(token, "GET", "/v1/deliveries?organization=acme").status);
  for (const auto* other : {"globex", ""}) {
    const auto answer = with(token, "GET", std::string("/v1/deliveries?organization=") + other);
    EXPECT_EQ(403, answer.status) << other;
    EXPECT_EQ("ORGANIZATION_FORBIDDEN", code(answer));
  }
  ASSERT_EQ(200, with(token, "GET", "/v1/queue").status);
  EXPECT_EQ("acme", store_.counted);
  ASSERT_EQ(200, call("GET", "/v1/queue").status);
  EXPECT_FALSE(store_.counted) << "the host's token counts all";
}

TEST_F(ApiToken, AnswersAnothersIdAsOneThatIsNotThere) {
  const auto token = bound("acme", "read");
  const std::string target = "/v1/deliveries/" + to_text(delivery_id{7});
  store_.records = {of("globex")};
  const auto others = with(token, "GET", target);
  store_.records = {of("")};
  const auto hosts = with(token, "GET", target);
  store_.records = {};
  const auto unknown = with(token, "GET", target);
  EXPECT_EQ(404, unknown.status);
  for (const auto& answer : {others, hosts}) {
    EXPECT_EQ(unknown.status, answer.status);
    EXPECT_EQ(unknown.body, answer.body) << "not a byte tells them apart";
    EXPECT_EQ(unknown.headers, answer.headers);
  }
  store_.records = {of("acme")};
  EXPECT_EQ(200, with(token, "GET", target).status);
}

TEST_F(ApiToken, ReachesNoSourceOfAnotherOrganizationAndTellsThePluginWhoseItIs) {
  take_heartbeats();
  const auto token = bound("acme", "publish");
  const std::string target = "/v1/sources/robots/heartbeat";
  ASSERT_EQ(200, with(token, "POST", target, "{}", "application/json").status);
  EXPECT_EQ("acme", asked_.back().organization);
  ASSERT_EQ(200, call("POST", target, "{}", "application/json").status);
  EXPECT_EQ("", asked_.back().organization);
  asked_.clear();
  source_organization_ = "globex";
  const auto others = with(token, "POST", target, "{}", "application/json");
  EXPECT_EQ(404, others.status);
  EXPECT_NE(std::string::npos, others.body.find("There is no source at " + target)) << others.body;
  EXPECT_TRUE(asked_.empty());
  EXPECT_EQ(200, call("POST", target, "{}", "application/json").status) << "the host's token reaches every source";
}

TEST_F(ApiToken, StopsARevokedTokenAtOnce) {
  const auto token = make("jobs", "publish");
  ASSERT_EQ(202, with(token, "POST", "/v1/events", event("")).status);
  const auto revoked = call("DELETE", "/v1/tokens/jobs");
  EXPECT_EQ(200, revoked.status) << revoked.body;
  EXPECT_EQ(401, with(token, "POST", "/v1/events", event("")).status);
  EXPECT_EQ(404, call("DELETE", "/v1/tokens/jobs").status);
  EXPECT_EQ(404, call("DELETE", "/v1/tokens/admin.token").status) << "that one is a file, and no row";
  EXPECT_EQ(200, call("GET", "/v1/tokens").status);
}

TEST_F(ApiToken, StopsARevokedTokenEvenWhereTheStoreCannotWriteThatDown) {
  const auto token = make("jobs", "publish");
  store_.failure = fault{"STORE_FULL", "no space", "", {}};
  EXPECT_EQ(507, call("DELETE", "/v1/tokens/jobs").status);
  EXPECT_EQ(401, with(token, "POST", "/v1/events", event("")).status);
}

TEST_F(ApiToken, TellsATokenOnceAndKeepsItsHashAlone) {
  const auto token = bound("jobs", "operate");
  ASSERT_EQ(1u, store_.kept.size());
  EXPECT_EQ(hash_of_token(token), store_.kept.front().hash);
  EXPECT_EQ(32u, store_.kept.front().hash.size());
  const auto listed = call("GET", "/v1/tokens");
  EXPECT_EQ(std::string::npos, listed.body.find(token));
  const auto shown = json(listed).at("tokens").as_array().at(0).as_object();
  EXPECT_EQ("jobs", shown.at("name").as_string());
  EXPECT_EQ("operate", shown.at("scope").as_string());
  EXPECT_EQ("acme", shown.at("organization").as_string());
  EXPECT_EQ("2026-01-05T08:00:00Z", shown.at("created").as_string());
  EXPECT_TRUE(shown.at("revoked").is_null());
}

TEST_F(ApiToken, KnowsTheTokensOfAnEarlierRunButNotThoseThatWereRevoked) {
  token_record kept{"old", hash_of_token("tocsin_old"), "read", std::nullopt, {}, 1, std::nullopt};
  token_record gone{"gone", hash_of_token("tocsin_gone"), "read", std::nullopt, {}, 1, 2};
  token_record strange{"strange", hash_of_token("tocsin_strange"), "observe", std::nullopt, {}, 1, std::nullopt};
  const token_registry known("", {kept, gone, strange});
  ASSERT_NE(nullptr, known.find("tocsin_old"));
  EXPECT_EQ(scope::read, known.find("tocsin_old")->allows);
  EXPECT_EQ(nullptr, known.find("tocsin_gone"));
  EXPECT_EQ(nullptr, known.find("tocsin_strange")) << "a scope of a later version allows nothing here";
  EXPECT_EQ(nullptr, known.find("")) << "no admin token is no token";
}

TEST_F(ApiToken, RefusesATokenThatIsNotWellDescribedByKey) {
  struct expectation {
    const char* body;
    const char* key;
  };
  for (const auto& sent :
       {expectation{R"({"scope":"read"})", "name"}, expectation{R"({"name":"a b","scope":"read"})", "name"},
        expectation{R"({"name":"admin.token","scope":"read"})", "name"}, expectation{R"({"name":"a"})", "scope"},
        expectation{R"({"name":"a","scope":"open"})", "scope"}, expectation{R"({"name":"a","scope":7})", "scope"},
        expectation{R"({"name":"a","scope":"read","organization":""})", "organization"},
        expectation{R"({"name":"a","scope":"publish","types":[]})", "types"},
        expectation{R"({"name":"a","scope":"publish","types":["",7]})", "types"},
        expectation{R"({"name":"a","scope":"read","types":["x"]})", "types"},
        expectation{R"({"name":"a","scope":"read","colour":"red"})", "colour"}}) {
    const auto answer = call("POST", "/v1/tokens", sent.body, "application/json");
    EXPECT_EQ(400, answer.status) << sent.body;
    EXPECT_EQ("REQUEST_INVALID", code(answer)) << sent.body;
    EXPECT_EQ(sent.key, json(answer).at("key").as_string()) << sent.body;
  }
  EXPECT_EQ("JSON_INVALID", code(call("POST", "/v1/tokens", R"({"name":"a","name":"b"})", "application/json")));
  make("jobs", "read");
  const auto again = call("POST", "/v1/tokens", R"({"name":"jobs","scope":"read"})", "application/json");
  EXPECT_EQ(409, again.status);
  EXPECT_EQ("TOKEN_EXISTS", code(again));
}

}  // namespace
}  // namespace tocsin::test
