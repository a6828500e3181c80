// Calls by which an operator acts on deliveries.
#include "tests/unit/http/api_fixture.hpp"

namespace tocsin::test {
namespace {

class ApiAction : public Api {
 protected:
  void SetUp() override {
    delivery_record record;
    record.id = delivery_id{0x40};
    record.endpoint = {"email", ""};
    record.state = delivery_state::deferred;
    store_.records = {record};
    alteration_answer_ = alteration_result{.matched = 1, .changed = 1};
  }
};

TEST_F(ApiAction, OneDeliveryIsAlteredAndShownAsItIsThen) {
  for (const auto* word : {"retry", "drop", "replay"}) {
    const auto answer = call("POST", "/v1/deliveries/0000000000020/" + std::string(word));
    EXPECT_EQ(200, answer.status);
    EXPECT_EQ("deferred", json(answer).at("state").as_string());
    EXPECT_EQ(delivery_id{0x40}, altered_.back().id);
    EXPECT_EQ(word, to_text(altered_.back().action));
  }
}

TEST_F(ApiAction, AnUnknownDeliveryIs404) {
  alteration_answer_ = alteration_result();
  EXPECT_EQ(404, call("POST", "/v1/deliveries/0000000000021/retry").status);
  EXPECT_EQ(404, call("POST", "/v1/deliveries/nonsense/retry").status);
}

TEST_F(ApiAction, AWrongStateIs409WithItsReason) {
  alteration_answer_ =
      alteration_result{.matched = 1, .refusal = refuse(delivery_action::retry, {delivery_state::sending})};
  const auto answer = call("POST", "/v1/deliveries/0000000000020/retry");
  EXPECT_EQ(409, answer.status);
  EXPECT_EQ("DELIVERY_SENDING", code(answer));
}

TEST_F(ApiAction, ManyAreAlteredByTheFilterOfTheListing) {
  alteration_answer_ = alteration_result{.matched = 5, .changed = 3, .refused = {{"EVENT_ERASED", 2}}};
  const auto answer = call("POST", "/v1/deliveries/replay?state=dead&organization=acme&recipient=a%40b.example");
  EXPECT_EQ(200, answer.status);
  EXPECT_EQ(5, json(answer).at("matched").to_number<int>());
  EXPECT_EQ(3, json(answer).at("changed").to_number<int>());
  EXPECT_EQ(2, json(answer).at("refused").at("EVENT_ERASED").to_number<int>());
  EXPECT_EQ(delivery_action::replay, altered_.back().action);
  EXPECT_EQ(delivery_state::dead, altered_.back().filter.state);
  EXPECT_EQ("acme", altered_.back().filter.organization);
  EXPECT_EQ("a@b.example", altered_.back().filter.recipient);
}

TEST_F(ApiAction, WhoeverMeansEveryDeliverySaysSo) {
  const auto answer = call("POST", "/v1/deliveries/drop");
  EXPECT_EQ(400, answer.status);
  EXPECT_TRUE(altered_.empty());
  EXPECT_EQ(200, call("POST", "/v1/deliveries/drop?all=true").status);
  EXPECT_EQ(400, call("POST", "/v1/deliveries/drop?all=perhaps").status);
}

TEST_F(ApiAction, AStateThatTheActionDoesNotTakeIs400) {
  EXPECT_EQ("DELIVERY_WAITS", code(call("POST", "/v1/deliveries/replay?state=pending")));
  EXPECT_EQ("DELIVERY_FINAL", code(call("POST", "/v1/deliveries/retry?state=delivered")));
  EXPECT_TRUE(altered_.empty());
}

TEST_F(ApiAction, WhatStoppedHalfWayTellsHowFarItCame) {
  alteration_answer_ = alteration_result{.matched = 7, .changed = 7, .stopped = fault{"STORE_FULL", "No space.", ""}};
  const auto answer = call("POST", "/v1/deliveries/retry?state=dead");
  EXPECT_EQ(507, answer.status);
  EXPECT_NE(std::string::npos, json(answer).at("detail").as_string().find("7 deliveries"));
}

TEST_F(ApiAction, ADeliveryShowsThePauseOfItsEndpoint) {
  pause_ = endpoint_pause{{"email", ""}, "AUTH_REJECTED", "535", 0, 300'000, 0, 0};
  const auto paused = json(call("GET", "/v1/deliveries/0000000000020")).at("paused").as_object();
  EXPECT_EQ("AUTH_REJECTED", paused.at("code").as_string());
  EXPECT_EQ("1970-01-01T00:05:00Z", paused.at("probe_at").as_string());
  store_.records[0].state = delivery_state::delivered;
  EXPECT_TRUE(json(call("GET", "/v1/deliveries/0000000000020")).at("paused").is_null());
}

}  // namespace
}  // namespace tocsin::test
