// Settings as the host hands them over.
#include "plugins/channels/smtp/settings.hpp"

#include <tocsin/sdk/json.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <regex>

namespace tocsin::smtp {
namespace {

using ::testing::HasSubstr;

std::string why_refused(std::string_view json) {
  try {
    read_settings(json, {});
  } catch (const sdk::failure& thrown) {
    return thrown.what();
  }
  return "taken";
}

TEST(Settings, AreReadWithTheirDefaults) {
  const endpoint_settings read = read_settings(R"({"host":"mx.example.org","from_address":"a@example.org"})", {});
  EXPECT_EQ(read.dialogue->host, "mx.example.org");
  EXPECT_EQ(read.dialogue->port, 587U);
  EXPECT_EQ(read.dialogue->security, security::starttls);
  EXPECT_FALSE(read.dialogue->sign_in.needed());
  EXPECT_EQ(read.connections, 8U);
  EXPECT_EQ(read.sender_path, "<a@example.org>");
  EXPECT_EQ(read.from_field, "From: a@example.org\r\n");
}

TEST(Settings, AutoIsImplicitTlsAtPort465Alone) {
  const char* format = R"({"host":"h","from_address":"a@example.org","secure_connection":"auto","port":)";
  EXPECT_EQ(read_settings(std::string(format) + "465}", {}).dialogue->security, security::implicit);
  EXPECT_EQ(read_settings(std::string(format) + "25}", {}).dialogue->security, security::starttls);
}

TEST(Settings, AllOfThemReachTheDialogue) {
  const endpoint_settings read = read_settings(
      R"({"host":"h","port":2525,"secure_connection":"off","username":"u","password":{"secret":7},
          "authentication":"cram-md5","allow_plaintext_credentials":true,"from_address":"a@b\u00fccher.example",
          "from_name":"Caf\u00e9","limits":{"connections":3,"messages_per_connection":9},
          "timeouts":{"connect":1,"command":2,"data_start":3,"data_block":4,"data_end":5,"session":6}})",
      {});
  EXPECT_EQ(read.dialogue->security, security::off);
  EXPECT_EQ(read.password, 7U);
  EXPECT_EQ(read.dialogue->sign_in.authentication, "cram-md5");
  EXPECT_TRUE(read.dialogue->sign_in.allow_plaintext);
  EXPECT_TRUE(read.dialogue->sign_in.needed());
  EXPECT_EQ(read.connections, 3U);
  EXPECT_EQ(read.dialogue->messages_per_connection, 9U);
  EXPECT_EQ(read.dialogue->command_timeout, milliseconds{2});
  EXPECT_EQ(read.dialogue->data_start_timeout, milliseconds{3});
  EXPECT_EQ(read.dialogue->data_block_timeout, milliseconds{4});
  EXPECT_EQ(read.dialogue->data_end_timeout, milliseconds{5});
  EXPECT_EQ(read.dialogue->session_timeout, milliseconds{6});
  EXPECT_EQ(read.from_field, "From: =?UTF-8?Q?Caf=C3=A9?= <a@xn--bcher-kva.example>\r\n");
}

TEST(Settings, ThatCannotWorkSayWhy) {
  EXPECT_THAT(why_refused(R"({"from_address":"a@example.org"})"), HasSubstr("host is empty"));
  EXPECT_THAT(why_refused(R"({"host":"h","from_address":"nobody"})"), HasSubstr("from_address \"nobody\""));
  EXPECT_THAT(why_refused(R"({"host":"h","from_address":"a@b.c","username":"u"})"), HasSubstr("password is not set"));
  EXPECT_THAT(why_refused(R"({"host":"h","from_address":"a@b.c","secure_connection":"maybe"})"),
              HasSubstr("it takes auto, starttls, implicit or off"));
}

TEST(Settings, APasswordIsNotNeededWhereNobodySignsIn) {
  EXPECT_EQ(why_refused(R"({"host":"h","from_address":"a@b.c","username":"u","authentication":"none"})"), "taken");
}

TEST(Settings, ThePresetsRepliesAreRead) {
  const endpoint_settings read = read_settings(R"({"host":"h","from_address":"a@b.c"})",
                                               R"({"for":"smtp","replies":[
          {"code":550,"enhanced":"5.4.5","outcome":"QUOTA_EXCEEDED","class":"throttled","retry_after":"1h","remedy":"wait"},
          {"contains":"spam","outcome":"MESSAGE_REJECTED"},
          {"code":250,"outcome":"OK","class":"delivered"},
          {"code":551}]})");
  ASSERT_EQ(read.dialogue->preset.size(), 2U);
  EXPECT_EQ(read.dialogue->preset[0].code, 550);
  EXPECT_EQ(read.dialogue->preset[0].result, outcome_class::throttled);
  EXPECT_EQ(read.dialogue->preset[0].retry_after_ms, 3600000);
  EXPECT_EQ(read.dialogue->preset[1].result, outcome_class::permanent);
}

TEST(Settings, DurationsOfAPresetHaveAUnit) {
  EXPECT_EQ(read_duration("90s"), 90000);
  EXPECT_EQ(read_duration("1d"), 86400000);
  EXPECT_EQ(read_duration("5ms"), 5);
  for (const char* text : {"", "5", "s", "-1s", "1w", "1 s", "99999999999999999999s", "9223372036854775807d"}) {
    EXPECT_FALSE(read_duration(text)) << text;
  }
}

TEST(Settings, ATimeoutOfNothingIsRefusedSaveForTheSessions) {
  for (const std::string key : {"connect", "command", "data_start", "data_block", "data_end"}) {
    EXPECT_THAT(why_refused(R"({"host":"h","from_address":"a@b.c","timeouts":{")" + key + R"(":0}})"),
                HasSubstr("timeouts." + key + " is 0"));
  }
  EXPECT_EQ(why_refused(R"({"host":"h","from_address":"a@b.c","timeouts":{"session":0}})"), "taken");
}

TEST(Settings, TheManifestRefusesATimeoutOfNothingToo) {
  std::ifstream file(SMTP_MANIFEST);
  const std::string manifest(std::istreambuf_iterator<char>(file), {});
  for (const std::string key : {"connect", "command", "data_start", "data_block", "data_end"}) {
    const std::string at = "settings.properties.timeouts.properties." + key;
    const std::regex pattern(sdk::json_reader(manifest).text(at + ".pattern").value_or(".*"));
    for (const char* good : {"1s", "300s", "1500ms", "10m", "1h"}) {
      EXPECT_TRUE(std::regex_match(good, pattern)) << key << " " << good;
    }
    for (const char* bad : {"0s", "0ms", "00s", ""}) EXPECT_FALSE(std::regex_match(bad, pattern)) << key << " " << bad;
    EXPECT_TRUE(std::regex_match(sdk::json_reader(manifest).text(at + ".default").value(), pattern)) << key;
  }
  EXPECT_FALSE(sdk::json_reader(manifest).text("settings.properties.timeouts.properties.session.pattern"));
}

TEST(Settings, AReplyOfAPresetMayBeForOneStageAlone) {
  const endpoint_settings read = read_settings(R"({"host":"h","from_address":"a@b.c"})",
                                               R"({"for":"smtp","replies":[
          {"code":451,"stage":"message","outcome":"MESSAGE_DEFERRED","retry_after":"5m"},
          {"code":451,"stage":"nowhere","outcome":"QUOTA_EXCEEDED"},
          {"code":452,"outcome":"RECIPIENT_DEFERRED"}]})");
  const auto judged = [&](stage at, int code) {
    return judge_reply(at, reply{code, "", "later"}, read.dialogue->preset);
  };
  EXPECT_EQ(judged(stage::message, 451).retry_after_ms, 300000);
  EXPECT_EQ(judged(stage::sender, 451).code, "SENDER_DEFERRED");
  EXPECT_EQ(judged(stage::recipient, 451).code, "RECIPIENT_DEFERRED");
  EXPECT_EQ(judged(stage::sender, 452).code, "RECIPIENT_DEFERRED");
}

}  // namespace
}  // namespace tocsin::smtp
