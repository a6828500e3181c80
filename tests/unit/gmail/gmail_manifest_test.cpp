// The preset's data: every reply of Gmail's that the product promises to explain.
#include <boost/json.hpp>

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>

namespace {

namespace json = boost::json;

json::object preset() {
  std::ifstream file(GMAIL_MANIFEST);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  return json::parse(text).as_object().at("preset").as_object();
}

// The first entry that matches, as a channel looks for it.
json::object find_reply(int code, const std::string& enhanced) {
  const json::object data = preset();
  for (const auto& item : data.at("replies").as_array()) {
    const auto& entry = item.as_object();
    const auto* own = entry.if_contains("enhanced");
    if (entry.at("code").as_int64() == code && own != nullptr && own->as_string() == enhanced) return entry;
  }
  return {};
}

TEST(GmailManifest, ExplainsTheRepliesThatGmailIsKnownFor) {
  struct known_reply {
    int code;
    const char* enhanced;
    const char* outcome;
    const char* result;
  };
  for (const known_reply& want :
       {known_reply{534, "5.7.9", "AUTH_APP_PASSWORD_REQUIRED", "auth"},
        known_reply{535, "5.7.8", "AUTH_REJECTED", "auth"}, known_reply{454, "4.7.0", "AUTH_DEFERRED", "throttled"},
        known_reply{421, "4.7.0", "RATE_LIMITED", "throttled"}, known_reply{421, "4.4.5", "RATE_LIMITED", "throttled"},
        known_reply{450, "4.2.1", "RECIPIENT_DEFERRED", "transient"},
        known_reply{452, "4.5.3", "RECIPIENT_DEFERRED", "transient"},
        known_reply{451, "4.3.0", "MESSAGE_DEFERRED", "transient"},
        known_reply{550, "5.4.5", "QUOTA_EXCEEDED", "throttled"}}) {
    const json::object entry = find_reply(want.code, want.enhanced);
    ASSERT_FALSE(entry.empty()) << want.code << " " << want.enhanced;
    EXPECT_EQ(entry.at("outcome").as_string(), want.outcome) << want.code << " " << want.enhanced;
    EXPECT_EQ(entry.at("class").as_string(), want.result) << want.code << " " << want.enhanced;
  }
}

TEST(GmailManifest, NeverLetsAReplyOfTheAccountKillADelivery) {
  const json::object data = preset();
  for (const auto& item : data.at("replies").as_array()) {
    EXPECT_NE(item.at("class").as_string(), "permanent");
    EXPECT_NE(item.at("class").as_string(), "delivered");
  }
}

TEST(GmailManifest, GivesEachReplyAMeaningARemedyAndAWaitWhereOneIsDue) {
  const json::object data = preset();
  for (const auto& item : data.at("replies").as_array()) {
    const auto& entry = item.as_object();
    EXPECT_FALSE(entry.at("meaning").as_string().empty());
    EXPECT_FALSE(entry.at("remedy").as_string().empty());
    const bool waits = entry.at("class").as_string() == "throttled" || entry.at("class").as_string() == "transient";
    ASSERT_EQ(entry.contains("retry_after"), waits) << json::serialize(item);
    if (waits) {
      EXPECT_TRUE(std::regex_match(entry.at("retry_after").as_string().c_str(), std::regex("[1-9][0-9]*(s|m|h)")));
    }
  }
}

TEST(GmailManifest, HasTheServersAndQuotasOfGoogle) {
  const json::object data = preset();
  EXPECT_EQ(data.at("for").as_string(), "smtp");
  EXPECT_EQ(data.at("defaults").at("host").as_string(), "smtp.gmail.com");
  EXPECT_EQ(data.at("defaults").at("port").as_int64(), 587);
  std::set<std::int64_t> quotas;
  for (const auto& item : data.at("quotas").as_array()) quotas.insert(item.at("messages_per_day").as_int64());
  EXPECT_EQ(quotas, (std::set<std::int64_t>{500, 2000, 10000}));
}

TEST(GmailManifest, AcceptsOnlyAWholeAddressOrNobodyAsUserName) {
  std::string pattern;
  const json::object data = preset();
  for (const auto& item : data.at("constraints").as_array()) {
    const auto* own = item.as_object().if_contains("pattern");
    if (item.at("key").as_string() == "username" && own != nullptr) pattern = std::string(own->as_string());
  }
  const std::regex address(pattern);
  EXPECT_TRUE(std::regex_match("alerts@example.org", address));
  EXPECT_TRUE(std::regex_match("", address));
  EXPECT_FALSE(std::regex_match("alerts", address));
  EXPECT_FALSE(std::regex_match("alerts@localhost", address));
}

TEST(GmailManifest, HasAnAppPasswordsSpacesTakenOut) {
  const json::object data = preset();
  EXPECT_EQ(data.at("strip_spaces"), json::array{"password"});
}

TEST(GmailManifest, SaysAtWhichStageAPassingTroubleIsWhose) {
  EXPECT_EQ(find_reply(450, "4.2.1").at("stage").as_string(), "recipient");
  EXPECT_EQ(find_reply(452, "4.5.3").at("stage").as_string(), "recipient");
  EXPECT_EQ(find_reply(451, "4.3.0").at("stage").as_string(), "message");
}

}  // namespace
