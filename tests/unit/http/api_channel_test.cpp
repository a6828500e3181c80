// Channels over HTTP: how they are, a test message, a diagnosis; and the settings read again.
#include "core/http/token_registry.hpp"
#include "tests/unit/http/api_fixture.hpp"

namespace tocsin::test {
namespace {

class ApiChannel : public Api {
 protected:
  static channel_status channel(const std::string& name, const std::string& organization) {
    channel_status one;
    one.key = {name, organization};
    one.plugin = "smtp";
    one.slots = 8;
    one.in_flight = 3;
    return one;
  }
  std::string bound(const std::string& scope) {
    const auto made =
        call("POST", "/v1/tokens", R"({"name":")" + scope + R"(","scope":")" + scope + R"(","organization":"acme"})",
             "application/json");
    return "Bearer " + std::string(json(made).at("token").as_string());
  }
  http_answer post(const std::string& target, const std::string& body,
                   const std::string& authorization = std::string("Bearer ") + token) {
    return call("POST", target, body, body.empty() ? "" : "application/json", authorization);
  }
  boost::json::object first_channel(const http_answer& answer) { return json(answer).at("channels").at(0).as_object(); }
};

TEST_F(ApiChannel, ShowsEachEndpointWithItsStatePauseAndWork) {
  auto paused = channel("email", "");
  endpoint_pause pause;
  pause.code = "AUTH_REJECTED";
  pause.detail = "535 no";
  pause.since = manual_clock::start_time;
  pause.probe_at = manual_clock::start_time + 300'000;
  paused.pause = pause;
  channels_ = {paused};
  store_.waiting = {{{"email", ""}, manual_clock::start_time + 60'000}};
  const auto answer = call("GET", "/v1/channels");
  ASSERT_EQ(200, answer.status);
  EXPECT_EQ(R"({"channels":[{"channel":"email","organization":null,"plugin":"smtp","preset":null,"state":"paused",)"
            R"("pause":{"code":"AUTH_REJECTED","detail":"535 no","since":"2026-01-05T08:00:00Z",)"
            R"("next_probe":"2026-01-05T08:05:00Z"},"in_flight":3,"slots":8,"waiting":true,)"
            R"("next_attempt":"2026-01-05T08:01:00Z"}]})",
            answer.body);
  EXPECT_FALSE(channels_of_) << "all of them";
}

TEST_F(ApiChannel, TellsWhatIsActiveSwitchedOffOrWronglySet) {
  auto off = channel("email", "acme");
  off.enabled = false;
  auto wrong = channel("email", "");
  wrong.problem = fault{"SETTINGS_INVALID", "The password cannot be read."};
  for (const auto& [one, state] : {std::pair{channel("email", ""), "active"}, {off, "off"}, {wrong, "paused"}}) {
    channels_ = {one};
    EXPECT_EQ(state, first_channel(call("GET", "/v1/channels")).at("state").as_string());
  }
  EXPECT_EQ("SETTINGS_INVALID", first_channel(call("GET", "/v1/channels")).at("pause").at("code").as_string());
}

TEST_F(ApiChannel, ShowsABoundTokenOfTheHostsEndpointOnlyWhetherItWorks) {
  auto hosts = channel("email", "");
  hosts.pause.emplace();
  hosts.pause->code = "AUTH_REJECTED";
  hosts.pause->detail = "535 for globex";
  channels_ = {hosts};
  store_.waiting = {{{"email", ""}, 5}};
  const auto answer = call("GET", "/v1/channels", {}, {}, bound("read"));
  EXPECT_EQ("acme", channels_of_);
  const auto shown = first_channel(answer);
  EXPECT_EQ("paused", shown.at("state").as_string());
  EXPECT_EQ("AUTH_REJECTED", shown.at("pause").at("code").as_string());
  EXPECT_TRUE(shown.at("pause").at("detail").is_null());
  for (const auto* name : {"in_flight", "slots", "waiting", "next_attempt"})
    EXPECT_TRUE(shown.at(name).is_null()) << name;
  channels_ = {channel("email", "acme")};
  EXPECT_EQ(3, first_channel(call("GET", "/v1/channels", {}, {}, bound("operate"))).at("in_flight").as_int64());
}

TEST_F(ApiChannel, SendsATestMessageAndTellsWhatBecameOfIt) {
  outcome failed;
  failed.outcome_class = outcome_class::permanent;
  failed.code = "RECIPIENT_INVALID";
  failed.server_reply = "550 caf\xe9";
  sent_ = failed;
  const auto answer = post("/v1/channels/my%20mail/test", R"({"to":"ops@example.org","organization":"acme"})");
  ASSERT_EQ(200, answer.status) << answer.body;
  EXPECT_EQ("my mail", check_.channel);
  EXPECT_EQ("acme", check_.organization);
  EXPECT_EQ("ops@example.org", check_.to);
  const auto body = json(answer);
  EXPECT_FALSE(body.at("ok").as_bool());
  EXPECT_EQ("RECIPIENT_INVALID", body.at("code").as_string());
  EXPECT_EQ(codes_.find("RECIPIENT_INVALID").remedy, std::string(body.at("remedy").as_string()));
  EXPECT_EQ("550 caf\xef\xbf\xbd", body.at("server_reply").as_string());
}

TEST_F(ApiChannel, DiagnosesAChannelAlsoWithoutABody) {
  stages_ =
      std::vector<diagnosis_stage>{{"settings", true, "OK", "", 1, {}}, {"tcp", false, "TCP_REFUSED", "no", 2, {}}};
  const auto answer = post("/v1/channels/email/doctor", "");
  ASSERT_EQ(200, answer.status) << answer.body;
  EXPECT_FALSE(json(answer).at("ok").as_bool());
  EXPECT_EQ("TCP_REFUSED", json(answer).at("stages").at(1).at("code").as_string());
  ASSERT_EQ(200, post("/v1/channels/email/doctor", R"({"to":"a@example.org","send":true})").status);
  EXPECT_TRUE(check_.send);
}

TEST_F(ApiChannel, TriesWithABoundTokenOnlyWhatItsOrganizationUses) {
  const auto authorization = bound("operate");
  ASSERT_EQ(200, post("/v1/channels/email/test", R"({"to":"a@example.org"})", authorization).status);
  EXPECT_EQ("acme", check_.organization);
  const auto others =
      post("/v1/channels/email/test", R"({"to":"a@example.org","organization":"globex"})", authorization);
  EXPECT_EQ(403, others.status);
  EXPECT_EQ("ORGANIZATION_FORBIDDEN", code(others));
}

TEST_F(ApiChannel, RefusesWhatIsNoRequestForATestByKey) {
  for (const auto& [body, key] : {std::pair{R"({})", "to"},
                                  {R"({"to":""})", "to"},
                                  {R"({"to":7})", "to"},
                                  {R"({"to":"a","colour":1})", "colour"},
                                  {R"({"to":"a","send":1})", "send"}}) {
    const auto answer = post("/v1/channels/email/test", body);
    EXPECT_EQ(400, answer.status) << body;
    EXPECT_EQ(key, json(answer).at("key").as_string()) << body;
  }
  EXPECT_EQ(400, post("/v1/channels/email/doctor", R"({"send":true})").status) << "nobody to send it to";
  sent_ = fault{"CHANNEL_UNKNOWN", "There is no channel \"email\"."};
  EXPECT_EQ(404, post("/v1/channels/email/test", R"({"to":"a"})").status);
  sent_ = fault{"CHECKS_BUSY", "4 are under way."};
  const auto busy = post("/v1/channels/email/test", R"({"to":"a"})");
  EXPECT_EQ(503, busy.status);
  EXPECT_EQ("10", busy.headers.at("Retry-After"));
}

TEST_F(ApiChannel, ReloadsTheSettingsOrNamesEachFault) {
  reloaded_.warnings = {{"SETTINGS_INVALID", "It is odd.", "", {"tocsin.toml", 3, 1, "host.language"}}};
  auto answer = post("/v1/reload", "");
  ASSERT_EQ(200, answer.status) << answer.body;
  EXPECT_EQ("reloaded", json(answer).at("status").as_string());
  EXPECT_EQ(3, json(answer).at("warnings").at(0).at("line").as_int64());
  reloaded_ = {
      {{"SETTINGS_INVALID", "It is no port.", "Write a number.", {"/etc/tocsin.toml", 12, 8, "channels.email.port"}},
       {"SETTINGS_INVALID", "It is unknown.", "", {"/etc/tocsin.toml", 14, 1, "colour"}}},
      {}};
  answer = post("/v1/reload", "");
  EXPECT_EQ(422, answer.status);
  EXPECT_EQ("SETTINGS_INVALID", code(answer));
  const auto fault = json(answer).at("faults").at(0).as_object();
  EXPECT_EQ("/etc/tocsin.toml", fault.at("file").as_string());
  EXPECT_EQ(12, fault.at("line").as_int64());
  EXPECT_EQ("channels.email.port", fault.at("key").as_string());
  EXPECT_EQ("It is no port.", fault.at("detail").as_string());
  EXPECT_EQ(2u, json(answer).at("faults").as_array().size());
  EXPECT_EQ(403, post("/v1/reload", "", bound("admin")).status) << "an organization's administrator";
}

}  // namespace
}  // namespace tocsin::test
