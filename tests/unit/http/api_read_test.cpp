// What the API shows: deliveries, counts, health.
#include "tests/unit/http/api_fixture.hpp"

#include <future>
#include <thread>

namespace tocsin::test {
namespace {

using ApiRead = Api;

delivery_record sample(std::int64_t id) {
  delivery_record out;
  out.id = delivery_id{id};
  out.event = event_id{1};
  out.event_source = "/license";
  out.event_external_id = "42";
  out.event_type = "tocsin.license.expiring";
  out.organization = "acme";
  out.endpoint = {"email", ""};
  out.recipient = "ops@example.org";
  out.route = "operators";
  out.message_id = "left@mail.example.org";
  out.next_attempt = 1'767'600'000'000;
  return out;
}

TEST_F(ApiRead, ShowsADeliveryThatWasNeverTried) {
  store_.records = {sample(7)};
  const auto answer = call("GET", "/v1/deliveries/" + to_text(delivery_id{7}));
  ASSERT_EQ(200, answer.status);
  EXPECT_EQ(R"({"id":")" + to_text(delivery_id{7}) +
                R"(","events":[{"source":"/license","id":"42","type":"tocsin.license.expiring",)"
                R"("event":"0000000000001"}],"organization":"acme","route":"operators","channel":"email",)"
                R"("recipient":"ops@example.org","state":"pending","attempts":0,"uncertain":false,)"
                R"("code":null,"explanation":null,"detail":null,"remedy":null,"server_reply":null,)"
                R"("message_id":"<left@mail.example.org>","parent":null,"superseded_by":null,)"
                R"("next_attempt":"2026-01-05T08:00:00Z","paused":null,"history":[]})",
            answer.body);
}

TEST_F(ApiRead, ShowsWhatBecameOfADelivery) {
  auto record = sample(7);
  record.organization = "";
  record.state = delivery_state::dead;
  record.attempts = 2;
  record.uncertain = true;
  record.code = "RECIPIENT_INVALID";
  record.server_reply = "550 caf\xe9";
  record.next_attempt = std::nullopt;
  record.superseded_by = delivery_id{8};
  record.history = {{1'767'600'000'123, "TCP_REFUSED", "", ""}, {1'767'600'060'000, "RECIPIENT_INVALID", "", "550 no"}};
  store_.records = {record};
  const auto body = json(call("GET", "/v1/deliveries/" + to_text(delivery_id{7})));
  EXPECT_TRUE(body.at("organization").is_null()) << "the host's own event";
  EXPECT_EQ("dead", body.at("state").as_string());
  EXPECT_TRUE(body.at("uncertain").as_bool());
  EXPECT_EQ("RECIPIENT_INVALID", body.at("code").as_string());
  EXPECT_EQ(codes_.find("RECIPIENT_INVALID").explanation, std::string(body.at("explanation").as_string()));
  EXPECT_EQ(codes_.find("RECIPIENT_INVALID").remedy, std::string(body.at("remedy").as_string()));
  EXPECT_EQ("550 caf\xef\xbf\xbd", body.at("server_reply").as_string()) << "JSON is UTF-8, whatever a server says";
  EXPECT_EQ(to_text(delivery_id{8}), std::string(body.at("superseded_by").as_string()));
  EXPECT_TRUE(body.at("next_attempt").is_null());
  const auto& history = body.at("history").as_array();
  ASSERT_EQ(2u, history.size());
  EXPECT_EQ("2026-01-05T08:00:00.123Z", history[0].at("at").as_string());
  EXPECT_EQ("TCP_REFUSED", history[0].at("code").as_string());
  EXPECT_TRUE(history[0].at("server_reply").is_null());
  EXPECT_EQ("550 no", history[1].at("server_reply").as_string());
}

TEST_F(ApiRead, KnowsNoOtherDelivery) {
  for (const auto& id : {to_text(delivery_id{9}), std::string("x"), std::string()}) {
    const auto answer = call("GET", "/v1/deliveries/" + id);
    EXPECT_EQ(404, answer.status) << id;
    EXPECT_EQ("NOT_FOUND", code(answer));
  }
}

TEST_F(ApiRead, HandsEachFilterOn) {
  ASSERT_EQ(200, call("GET",
                      "/v1/deliveries?event_id=a%2Fb&source=%2Flicense&organization=&state=dead"
                      "&recipient=ops+x@example.org&limit=7&cursor=" +
                          to_text(delivery_id{99}))
                     .status);
  EXPECT_EQ("a/b", store_.last_filter.event_id);
  EXPECT_EQ("/license", store_.last_filter.source);
  EXPECT_EQ("", store_.last_filter.organization) << "the host's own";
  EXPECT_EQ(delivery_state::dead, store_.last_filter.state);
  EXPECT_EQ("ops+x@example.org", store_.last_filter.recipient);
  EXPECT_EQ(delivery_id{99}, store_.last_filter.after);
  EXPECT_EQ(8u, store_.last_filter.limit) << "one more, to see whether there is a next page";
}

TEST_F(ApiRead, GivesACursorOnlyWhereThereIsMore) {
  store_.records = {sample(3), sample(2), sample(1)};
  auto body = json(call("GET", "/v1/deliveries?limit=2"));
  EXPECT_EQ(2u, body.at("deliveries").as_array().size());
  EXPECT_EQ(to_text(delivery_id{2}), std::string(body.at("next").as_string()));
  body = json(call("GET", "/v1/deliveries?limit=3"));
  EXPECT_EQ(3u, body.at("deliveries").as_array().size());
  EXPECT_TRUE(body.at("next").is_null());
}

TEST_F(ApiRead, RefusesUnknownParametersAndBadValuesByName) {
  struct expectation {
    const char* query;
    const char* named;
  };
  for (const auto& sent :
       {expectation{"colour=red", "colour"}, expectation{"state=lost", "state"}, expectation{"limit=0", "limit"},
        expectation{"limit=1001", "limit"}, expectation{"limit=ten", "limit"}, expectation{"limit=", "limit"},
        expectation{"cursor=!", "cursor"}, expectation{"source=a&source=b", "source"},
        expectation{"source=%zz", "source"}, expectation{"source=%ff", "source"}}) {
    const auto answer = call("GET", std::string("/v1/deliveries?") + sent.query);
    EXPECT_EQ(400, answer.status) << sent.query;
    EXPECT_EQ("REQUEST_INVALID", code(answer)) << sent.query;
    EXPECT_EQ(sent.named, json(answer).at("key").as_string()) << sent.query;
  }
}

TEST_F(ApiRead, CountsByState) {
  store_.all_counts[static_cast<std::size_t>(delivery_state::pending)] = 3;
  store_.all_counts[static_cast<std::size_t>(delivery_state::expired)] = 9;
  EXPECT_EQ(R"({"pending":3,"sending":0,"deferred":0,"held":0,"delivered":0,"dead":0,"dropped":0,"suppressed":0,)"
            R"("superseded":0,"expired":9})",
            call("GET", "/v1/queue").body);
}

TEST_F(ApiRead, PassesOnThatTheStoreFailed) {
  store_.failure = fault{"STORE_FAILED", "the disk", "replace it", {}};
  for (const std::string& target :
       {std::string("/v1/queue"), std::string("/v1/deliveries"), "/v1/deliveries/" + to_text(delivery_id{1})}) {
    const auto answer = call("GET", target);
    EXPECT_EQ(503, answer.status) << target;
    EXPECT_EQ("STORE_FAILED", code(answer));
  }
}

TEST_F(ApiRead, IsHealthyWithoutAToken) {
  const auto answer = call("GET", "/healthz", "", "", "");
  EXPECT_EQ(200, answer.status);
  EXPECT_EQ("ok", json(answer).at("status").as_string());
}

TEST_F(ApiRead, IsReadyWhenNothingIsMissingAndTheStoreAnswers) {
  EXPECT_EQ(200, call("GET", "/readyz", "", "", "").status);
  not_ready_ = {{"PLUGIN_MISSING", "smtp is not there", "install it", {}}};
  auto answer = call("GET", "/readyz", "", "", "");
  EXPECT_EQ(503, answer.status);
  EXPECT_EQ("NOT_READY", code(answer));
  EXPECT_EQ("PLUGIN_MISSING", json(answer).at("faults").as_array()[0].at("code").as_string());
  not_ready_.clear();
  store_.failure = fault{"STORE_FAILED", "the disk", "", {}};
  answer = call("GET", "/readyz", "", "", "");
  EXPECT_EQ(503, answer.status);
  EXPECT_EQ("STORE_FAILED", json(answer).at("faults").as_array()[0].at("code").as_string());
}

TEST_F(ApiRead, ServesMetricsAsTextWithoutATokenAndAlsoWhenTheStoreFailed) {
  auto with_metrics = parts();
  with_metrics.metrics = [](const state_counts* counts) {
    return counts != nullptr ? "pending " + std::to_string(counts->front()) + "\n" : std::string("none\n");
  };
  api metered(std::move(with_metrics));
  http_answer answer;
  const auto scrape = [&] {
    ask(metered, {"GET", "/metrics", "", "", ""}, [&answer](http_answer value) { answer = std::move(value); });
    return answer.body;
  };
  store_.all_counts.front() = 3;
  EXPECT_EQ("pending 3\n", scrape());
  EXPECT_EQ(200, answer.status);
  EXPECT_EQ("text/plain; version=0.0.4; charset=utf-8", answer.content_type);
  store_.failure = fault{"STORE_FAILED", "the disk", "", {}};
  EXPECT_EQ("none\n", scrape());
  EXPECT_EQ(200, answer.status);
}

TEST_F(ApiRead, WritesItsAnswersOnThePoolWhereItHasOne) {
  executor pool(1);
  auto with_pool = parts();
  with_pool.pool = &pool;
  api threaded(std::move(with_pool));
  std::promise<std::thread::id> answered;
  ask(threaded, {"GET", "/v1/queue", "", std::string("Bearer ") + token, ""},
      [&answered](http_answer) { answered.set_value(std::this_thread::get_id()); });
  EXPECT_NE(std::this_thread::get_id(), answered.get_future().get());
}

}  // namespace
}  // namespace tocsin::test
