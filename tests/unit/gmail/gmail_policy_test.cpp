// The checks of Gmail accounts.
#include "plugins/presets/gmail/gmail_policy.hpp"

#include <gtest/gtest.h>

#include <string>

namespace {

using namespace tocsin::gmail;

account good_account() {
  account made;
  made.host = "smtp.gmail.com";
  made.port = 587;
  made.secure_connection = "auto";
  made.authentication = "auto";
  made.username = "alerts@example.org";
  made.password = "abcd efgh ijkl mnop";
  made.from_address = "alerts@example.org";
  return made;
}

// "key:code" of each finding, a warning with a '?'.
std::string findings_of(const account& what) {
  std::string all;
  for (const finding& one : check(what)) {
    all += std::string(one.key) + ":" + std::string(one.code) + (one.fatal ? ";" : "?;");
  }
  return all;
}

TEST(GmailPolicy, FindsNothingWrongWithAnAppPasswordAndAWholeAddress) {
  EXPECT_EQ(findings_of(good_account()), "");
  account unspaced = good_account();
  unspaced.password = "abcdefghijklmnop";
  EXPECT_EQ(findings_of(unspaced), "");
}

TEST(GmailPolicy, TellsAnOrdinaryPasswordFromAnAppPassword) {
  for (const char* ordinary :
       {"hunter2", "Abcdefgh1jklmnop", "abcdefghijklmno", "abcdefghijklmnopq", "abcd-efgh-ijkl-mnop",
        "abcd\xC2\xA0"
        "efghijklmnop"}) {
    account what = good_account();
    what.password = ordinary;
    EXPECT_EQ(findings_of(what), "password:AUTH_APP_PASSWORD_REQUIRED;") << ordinary;
  }
}

TEST(GmailPolicy, NeverShowsThePassword) {
  account what = good_account();
  what.password = "Tr0ub4dor&3";
  for (const finding& one : check(what)) EXPECT_EQ(one.text.find("Tr0ub4dor"), std::string::npos);
}

TEST(GmailPolicy, AsksForAPasswordThatIsNotSet) {
  account what = good_account();
  what.password.reset();
  EXPECT_EQ(findings_of(what), "password:AUTH_APP_PASSWORD_REQUIRED;");
}

TEST(GmailPolicy, LeavesThePasswordAloneWhereATokenSignsIn) {
  account what = good_account();
  what.password = "ya29.access-token";
  for (const char* mechanism : {"xoauth2", "oauthbearer"}) {
    what.authentication = mechanism;
    EXPECT_EQ(findings_of(what), "") << mechanism;
  }
  what.authentication = "auto";
  what.has_oauth = true;
  EXPECT_EQ(findings_of(what), "");
  what.authentication = "plain";
  EXPECT_EQ(findings_of(what), "password:AUTH_APP_PASSWORD_REQUIRED;");
}

TEST(GmailPolicy, WantsTheWholeAddressAsUserName) {
  for (const char* name : {"alerts", "@example.org", "alerts@", "alerts@localhost", "alerts@example.", "alerts@.org",
                           "al erts@example.org"}) {
    account what = good_account();
    what.username = name;
    what.from_address = "";
    EXPECT_EQ(findings_of(what), "username:SETTINGS_INVALID;") << name;
  }
}

TEST(GmailPolicy, TakesNobodyOnlyAtTheRelay) {
  account what = good_account();
  what.username = "";
  what.password.reset();
  EXPECT_EQ(findings_of(what), "username:SETTINGS_INVALID;");
  what.host = "smtp-relay.gmail.com";
  EXPECT_EQ(findings_of(what), "");
}

TEST(GmailPolicy, WarnsThatAnotherSenderIsRewritten) {
  account what = good_account();
  what.from_address = "noreply@example.org";
  EXPECT_EQ(findings_of(what), "from_address:SETTINGS_INVALID?;");
  EXPECT_NE(check(what)[0].text.find("rewrites it to \"alerts@example.org\""), std::string::npos);
  what.from_address = "Alerts@Example.org";
  EXPECT_EQ(findings_of(what), "");
  what.from_address = "";
  EXPECT_EQ(findings_of(what), "");
}

TEST(GmailPolicy, RefusesASecurityThatThePortDoesNotSpeak) {
  account what = good_account();
  what.secure_connection = "implicit";
  EXPECT_EQ(findings_of(what), "secure_connection:SETTINGS_INVALID;");
  what.port = 465;
  EXPECT_EQ(findings_of(what), "");
  what.secure_connection = "starttls";
  EXPECT_EQ(findings_of(what), "secure_connection:SETTINGS_INVALID;");
  what.secure_connection = "auto";
  EXPECT_EQ(findings_of(what), "");
}

}  // namespace
