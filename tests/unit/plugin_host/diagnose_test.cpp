// Diagnoses and preset checks through a real plugin.
#include "support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

namespace tocsin {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class clinic {
 public:
  clinic() {
    host = std::make_unique<plugin_host>(house.services(), std::vector{inspect_plugin(test::plugin_path("everything")),
                                                                       inspect_plugin(test::plugin_path("good"))});
    host->start(nullptr);
    settings.key.channel = "email";
    settings.plugin = "everything";
    settings.server_fingerprint = 5;
  }
  // "name:code" of each stage.
  std::vector<std::string> diagnose(const std::string& recipient, const outgoing_message* message = nullptr) {
    std::vector<std::string> said;
    shown.clear();
    stages = host->diagnose(settings, recipient, message, std::chrono::seconds(30),
                            [&](const diagnosis_stage& stage) { shown.push_back(stage.stage); });
    std::vector<std::string> names;
    for (const diagnosis_stage& stage : stages) {
      said.push_back(stage.stage + ":" + stage.code);
      names.push_back(stage.stage);
      EXPECT_EQ(stage.ok, stage.code == "OK" || stage.code == "left@right") << stage.stage;
    }
    EXPECT_EQ(shown, names);
    return said;
  }

  test::captured_log log;
  test::fake_house house;
  std::unique_ptr<plugin_host> host;
  endpoint_settings settings;
  std::vector<diagnosis_stage> stages;
  std::vector<std::string> shown;
};

TEST(Diagnose, ReportsTheStagesInOrderAfterTheSettings) {
  clinic at;
  EXPECT_THAT(at.diagnose(""), ElementsAre("settings:OK", "one:OK", "two:OK"));
  EXPECT_EQ(at.stages[0].detail, "checked against the plugin's schema");
  EXPECT_EQ(at.stages[1].duration_ms, 3u);
}

TEST(Diagnose, LeavesTheSettingsStageToAPluginThatReportsIt) {
  clinic at;
  EXPECT_THAT(at.diagnose("settings"), ElementsAre("settings:OK", "one:OK", "two:OK"));
}

TEST(Diagnose, StopsAtTheFirstStageThatFails) {
  clinic at;
  EXPECT_THAT(at.diagnose("bad"), ElementsAre("settings:OK", "one:OK", "two:TWO_BAD"));
  EXPECT_EQ(at.log.count("it reported a stage after the last one"), 1u);
  EXPECT_EQ(at.log.count("it ended a diagnosis twice"), 1u);
}

TEST(Diagnose, SendsAMessageAlongIfThereIsOne) {
  clinic at;
  const outgoing_message message = test::message_to("a");
  EXPECT_THAT(at.diagnose("a", &message), ElementsAre("settings:OK", "one:OK", "two:OK", "three:left@right"));
}

TEST(Diagnose, UsesAnEndpointOfItsOwnAndClosesIt) {
  clinic at;
  at.diagnose("");
  at.diagnose("");
  const auto pools = at.log.lines("test endpoint plugin");
  ASSERT_EQ(pools.size(), 2u);
  EXPECT_THAT(pools[0], HasSubstr("value=5/diagnosis/1"));
  EXPECT_THAT(pools[1], HasSubstr("value=5/diagnosis/2"));
  EXPECT_EQ(at.log.count("test endpoint closed"), 2u);
}

TEST(Diagnose, FailsTheSettingsThatThePluginRefuses) {
  clinic at;
  at.settings.settings = {{"host", "refuse"}};
  EXPECT_THAT(at.diagnose(""), ElementsAre("settings:SETTINGS_INVALID"));
  EXPECT_EQ(at.stages[0].detail, "host must not be refuse.");
}

TEST(Diagnose, FailsTheSettingsThatAreWrongAlready) {
  clinic at;
  at.settings.problem = fault{"SETTINGS_INVALID", "No such secret.", "Set it.", {}};
  EXPECT_THAT(at.diagnose(""), ElementsAre("settings:SETTINGS_INVALID"));
  EXPECT_EQ(at.stages[0].detail, "No such secret. Set it.");
}

TEST(Diagnose, FailsWhereThePluginDoesNotRunOrHasNoDoctor) {
  clinic at;
  at.settings.plugin = "nobody";
  EXPECT_THAT(at.diagnose(""), ElementsAre("settings:CHANNEL_UNKNOWN"));
  EXPECT_THAT(at.stages[0].detail, HasSubstr("\"nobody\" is not installed"));
  at.settings.plugin = "good";
  EXPECT_THAT(at.diagnose(""), ElementsAre("settings:CHANNEL_UNKNOWN"));
  EXPECT_THAT(at.stages[0].detail, HasSubstr("offers no diagnosis"));
}

TEST(Diagnose, SaysWhyThePluginCannotDiagnose) {
  clinic at;
  EXPECT_THAT(at.diagnose("refuse"), ElementsAre("settings:SETTINGS_INVALID"));
  EXPECT_EQ(at.stages[0].detail, "no diagnosis today.");
  EXPECT_EQ(at.log.count("test endpoint closed"), 1u);
}

TEST(Diagnose, EndsAtItsLimitInTheStageThatWasUnderWay) {
  clinic at;
  std::thread turns_the_clock([&] {
    while (at.house.clock.timers() == 0) std::this_thread::yield();
    at.house.clock.advance(std::chrono::seconds(30));
  });
  EXPECT_THAT(at.diagnose("hang"), ElementsAre("settings:OK", "one:OK", "two:COMMAND_TIMEOUT"));
  turns_the_clock.join();
  EXPECT_EQ(at.stages[2].detail, "no result within 30 s");
  EXPECT_EQ(at.log.count("test endpoint closed"), 1u);
}

TEST(CheckPreset, GivesThePluginsFindings) {
  clinic at;
  EXPECT_TRUE(at.host->check_preset("everything", at.settings).empty());
  at.settings.settings = {{"host", "bad"}};
  const auto findings = at.host->check_preset("everything", at.settings);
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_TRUE(findings[0].fatal);
  EXPECT_EQ(findings[0].key, "host");
  EXPECT_EQ(findings[0].code, "SETTINGS_INVALID");
  EXPECT_EQ(findings[0].text, "It is bad.");
  EXPECT_TRUE(at.host->check_preset("good", at.settings).empty());
  EXPECT_TRUE(at.host->check_preset("nobody", at.settings).empty());
}

TEST(Diagnose, TakesAStageThatComesAfterTheLimitForNoMisdeed) {
  diagnosis_run run;
  run.give_up();
  EXPECT_TRUE(run.report({}));
  EXPECT_TRUE(run.finish());
  EXPECT_FALSE(run.next());
  EXPECT_TRUE(run.timed_out());
}

TEST(Channel, DeliversThroughARealPlugin) {
  clinic at;
  const auto channel = at.host->channel("everything");
  ASSERT_NE(channel, nullptr);
  const auto opened = channel->open(at.settings);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->slots, 4u);
  auto first = test::message_to("a", 1);
  auto second = test::message_to("keep", 2);
  first.endpoint = second.endpoint = opened->token;
  channel->deliver(std::vector{first, second});
  channel->cancel(std::vector{second});
  const auto came = at.house.outcomes.wait(2);
  ASSERT_EQ(came.size(), 2u);
  EXPECT_EQ(came[0].detail, "A subject");
  EXPECT_EQ(came[1].outcome_class, outcome_class::returned);
  channel->close(opened->token);
  EXPECT_EQ(at.house.outcomes.size(), 2u);
}

}  // namespace
}  // namespace tocsin
