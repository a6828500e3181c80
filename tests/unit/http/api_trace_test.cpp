// Why somebody did, or did not, get an event.
#include "tests/support/fake_settings.hpp"
#include "tests/unit/http/api_fixture.hpp"

namespace tocsin::test {
namespace {

class ApiTrace : public Api {
 protected:
  void SetUp() override {
    event_record found;
    found.id = event_id{0x20};
    found.source = "/license";
    found.external_id = "42";
    found.type = "tocsin.license.expiring";
    found.organization = "acme";
    found.severity = severity::warn;
    found.duplicates = 2;
    found.last_duplicate = 60'000;
    store_.events = {found};
  }
  boost::json::object trace(const std::string& target = "/v1/events/0000000000010/trace") {
    const auto answer = call("GET", target);
    EXPECT_EQ(200, answer.status) << answer.body;
    return json(answer);
  }
};

TEST_F(ApiTrace, TellsOfTheEventAndOfWhatWasMadeOfIt) {
  delivery_record made;
  made.id = delivery_id{0x40};
  made.event = event_id{0x20};
  made.route = "operators";
  made.state = delivery_state::dead;
  made.history = {{1'000, "RECIPIENT_REJECTED", "", "550 no"}};
  store_.records = {made};
  const auto told = trace();
  EXPECT_EQ("42", told.at("event").at("id").as_string());
  EXPECT_EQ("0000000000010", told.at("event").at("event").as_string());
  EXPECT_EQ("acme", told.at("event").at("organization").as_string());
  EXPECT_EQ(2, told.at("event").at("duplicates").to_number<int>());
  EXPECT_EQ("1970-01-01T00:01:00Z", told.at("event").at("last_duplicate").as_string());
  EXPECT_TRUE(told.at("routed").as_bool());
  const auto& delivery = told.at("deliveries").at(0);
  EXPECT_EQ("operators", delivery.at("route").as_string());
  EXPECT_EQ("550 no", delivery.at("history").at(0).at("server_reply").as_string());
  EXPECT_EQ(event_id{0x20}, store_.last_filter.own_event);
}

TEST_F(ApiTrace, NamesTheRoutesThatWereTriedForAnUnroutedEvent) {
  route robots;
  robots.name = "robots";
  robots.types = {"tocsin.robot.*"};
  robots.to = {"ops@example.org"};
  settings_->routes_value = {robots};
  const auto told = trace();
  EXPECT_FALSE(told.at("routed").as_bool());
  const auto& tried = told.at("routes").at(0);
  EXPECT_EQ("robots", tried.at("route").as_string());
  EXPECT_EQ("type", tried.at("verdict").as_string());
  EXPECT_FALSE(tried.at("why").as_string().empty());
}

TEST_F(ApiTrace, FindsAnEventByWhatItsPublisherCallsIt) {
  trace("/v1/events/trace?event_id=42&source=%2Flicense&organization=acme");
  EXPECT_EQ("42", store_.last_event_query.external_id);
  EXPECT_EQ("/license", store_.last_event_query.source);
  EXPECT_EQ("acme", store_.last_event_query.organization);
  EXPECT_EQ(400, call("GET", "/v1/events/trace?source=x").status);
}

TEST_F(ApiTrace, NamesOtherEventsThatBearTheId) {
  store_.events.push_back(store_.events.front());
  store_.events.back().source = "/other";
  EXPECT_EQ("/other", trace().at("others").at(0).at("source").as_string());
}

TEST_F(ApiTrace, AnUnknownEventIs404) {
  store_.events.clear();
  EXPECT_EQ(404, call("GET", "/v1/events/0000000000010/trace").status);
  EXPECT_EQ(404, call("GET", "/v1/events/nonsense/trace").status);
  EXPECT_EQ(404, call("GET", "/v1/events/trace?event_id=43").status);
}

}  // namespace
}  // namespace tocsin::test
