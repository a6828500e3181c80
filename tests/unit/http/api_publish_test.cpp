// Events come in over HTTP: what is taken, what is refused, and in which words.
#include "tests/unit/http/api_fixture.hpp"

namespace tocsin::test {
namespace {

using ApiPublish = Api;

constexpr const char* one_event =
    R"({"specversion":"1.0","id":"42","source":"/license","type":"tocsin.license.expiring","organization":"acme"})";
constexpr const char* batch_type = "application/cloudevents-batch+json";

TEST_F(ApiPublish, TakesAnEvent) {
  const auto answer = call("POST", "/v1/events", one_event);
  EXPECT_EQ(202, answer.status);
  EXPECT_EQ("application/json", answer.content_type);
  EXPECT_EQ(R"({"accepted":1,"duplicates":0,"events":[{"id":")" + to_text(event_id{1}) +
                R"(","duplicate":false,"deliveries":0}]})",
            answer.body);
  ASSERT_EQ(1u, published_.size());
  EXPECT_EQ("42", published_.front().id);
  EXPECT_EQ("acme", published_.front().organization);
}

TEST_F(ApiPublish, TakesABatchAndTellsItsDuplicates) {
  publish_answers_ = {{event_id{5}, false}, {event_id{3}, true}};
  const auto answer = call("POST", "/v1/events", std::string("[") + one_event + "," + one_event + "]", batch_type);
  EXPECT_EQ(202, answer.status);
  const auto body = json(answer);
  EXPECT_EQ(1, body.at("accepted").as_int64());
  EXPECT_EQ(1, body.at("duplicates").as_int64());
  EXPECT_EQ(to_text(event_id{3}), std::string(body.at("events").as_array()[1].at("id").as_string()));
  EXPECT_TRUE(body.at("events").as_array()[1].at("duplicate").as_bool());
}

TEST_F(ApiPublish, TakesAnEmptyBatchWithoutTroublingTheBus) {
  publish_failure_ = fault{"BUS_BUSY", "full", "", {}};
  const auto answer = call("POST", "/v1/events", "[]", batch_type);
  EXPECT_EQ(202, answer.status);
  EXPECT_EQ(R"({"accepted":0,"duplicates":0,"events":[]})", answer.body);
}

TEST_F(ApiPublish, RefusesABatchWholeAndNamesTheIndexOfItsFault) {
  const auto answer =
      call("POST", "/v1/events", std::string("[") + one_event + R"(,{"specversion":"1.0"}])", batch_type);
  EXPECT_EQ(400, answer.status);
  EXPECT_EQ("EVENT_INVALID", code(answer));
  EXPECT_NE(std::string::npos, answer.body.find("event 1")) << answer.body;
  EXPECT_TRUE(published_.empty());
}

TEST_F(ApiPublish, RefusesWhatIsNoJson) {
  const auto answer = call("POST", "/v1/events", "{");
  EXPECT_EQ(400, answer.status);
  EXPECT_FALSE(code(answer).empty());
}

TEST_F(ApiPublish, RefusesOtherContentTypes) {
  for (const char* type : {"", "application/json", "text/plain"}) {
    const auto answer = call("POST", "/v1/events", one_event, type);
    EXPECT_EQ(415, answer.status);
    EXPECT_EQ("CONTENT_TYPE_UNSUPPORTED", code(answer));
    EXPECT_NE(std::string::npos, answer.headers.at("Accept").find("application/cloudevents+json"));
  }
  EXPECT_TRUE(published_.empty());
}

TEST_F(ApiPublish, SaysWhyAnEventCannotBeKeptNow) {
  struct expectation {
    const char* code;
    int status;
    bool retry_after;
  };
  for (const auto& want : {expectation{"BUS_BUSY", 429, true}, expectation{"BUS_STOPPED", 503, true},
                           expectation{"STORE_FAILED", 503, true}, expectation{"STORE_CLOSED", 503, true},
                           expectation{"STORE_FULL", 507, true}, expectation{"STORE_REFUSED", 500, false},
                           expectation{"EVENT_INVALID", 400, false}}) {
    publish_failure_ = fault{want.code, "what", "remedy", {}};
    const auto answer = call("POST", "/v1/events", one_event);
    EXPECT_EQ(want.status, answer.status) << want.code;
    EXPECT_EQ(want.code, code(answer));
    EXPECT_EQ(want.retry_after, answer.headers.contains("Retry-After")) << want.code;
    EXPECT_EQ(want.status, json(answer).at("status").as_int64());
    EXPECT_EQ("remedy", json(answer).at("remedy").as_string());
  }
}

TEST_F(ApiPublish, WantsAToken) {
  struct expectation {
    std::string authorization;
    const char* code;
  };
  for (const auto& sent : {expectation{"", "TOKEN_MISSING"}, expectation{"Basic dXNlcjpwYXNz", "TOKEN_MISSING"},
                           expectation{"Bearer", "TOKEN_MISSING"}, expectation{"Bearer ", "TOKEN_INVALID"},
                           expectation{"Bearer c2VjcmV0LXRva2V", "TOKEN_INVALID"},
                           expectation{"Bearer c2VjcmV0LXRva2Vuc2VjcmV0LXRva2Vu", "TOKEN_INVALID"},
                           expectation{"Bearer C2VjcmV0LXRva2Vu", "TOKEN_INVALID"}}) {
    const auto answer = call("POST", "/v1/events", one_event, "application/cloudevents+json", sent.authorization);
    EXPECT_EQ(401, answer.status) << sent.authorization;
    EXPECT_EQ(sent.code, code(answer)) << sent.authorization;
    EXPECT_TRUE(answer.headers.at("WWW-Authenticate").starts_with("Bearer"));
    EXPECT_EQ(std::string::npos, answer.body.find("c2VjcmV0")) << "an answer never tells a token";
  }
  EXPECT_TRUE(published_.empty());
  EXPECT_EQ(
      202,
      call("POST", "/v1/events", one_event, "application/cloudevents+json", std::string("bearer  ") + token).status);
}

TEST_F(ApiPublish, TakesNoTokenWhereTheHostHasNone) {
  auto without = parts();
  without.admin_token = "";
  api open(std::move(without));
  int status = 0;
  ask(open, {"GET", "/v1/queue", "", "Bearer ", ""}, [&status](http_answer answer) { status = answer.status; });
  EXPECT_EQ(401, status);
}

TEST_F(ApiPublish, SaysWhichMethodsAnAddressTakes) {
  auto answer = call("GET", "/v1/events");
  EXPECT_EQ(405, answer.status);
  EXPECT_EQ("POST", answer.headers.at("Allow"));
  answer = call("DELETE", "/v1/queue");
  EXPECT_EQ(405, answer.status);
  EXPECT_EQ("GET, HEAD", answer.headers.at("Allow"));
  answer = call("POST", "/healthz");
  EXPECT_EQ(405, answer.status);
}

TEST_F(ApiPublish, KnowsNothingElse) {
  for (const char* target : {"/", "/v1", "/v1/", "/v1/event", "/v1/events/", "/v1/deliveries/1/fly", "*", "", "?x"}) {
    const auto answer = call("GET", target);
    EXPECT_EQ(404, answer.status) << target;
    EXPECT_EQ("NOT_FOUND", code(answer));
  }
  EXPECT_EQ(401, call("GET", "/v1/secret-thing", "", "", "").status) << "what is there is no stranger's business";
}

TEST_F(ApiPublish, TakesNoQueryParameters) {
  const auto answer = call("POST", "/v1/events?wait=1", one_event);
  EXPECT_EQ(400, answer.status);
  EXPECT_NE(std::string::npos, answer.body.find("wait"));
}

}  // namespace
}  // namespace tocsin::test
