// tocsin.config/1: what a plugin's code finds in its settings, and settings of an older version.
#include "core/plugin_host/calls/config_call.hpp"

#include "sdk_plugin.hpp"

#include <tocsin/sdk/config.hpp>

#include <gtest/gtest.h>

namespace tocsin {
namespace {

class choosy_plugin : public sdk::plugin, public sdk::config {
 public:
  using plugin::plugin;

  void check_settings(const sdk::config_input& input, const sdk::finding_report& report) override {
    seen = std::string(input.table()) + "/" + std::string(input.name()) + "/" + std::string(input.organization());
    call = std::string(plugin_call::current(*identity)->call());
    about = calls_under_way().back().about;
    if (input.settings() == "throw") throw std::runtime_error("it cannot be read");
    for (int times = input.settings() == "many" ? 100'000 : 1; times > 0; --times)
      report.error("from", "", "It is after \"until\".");
    report.warning("until", "SOON", "It is\nsoon.");
  }
  std::optional<std::string> migrate_settings(const sdk::config_input& input,
                                              const sdk::finding_report& report) override {
    if (input.settings() == "throw") throw std::runtime_error("it cannot be read");
    if (input.settings() != R"({"begin":1})") return std::nullopt;
    report.warning("begin", "", "\"begin\" became \"from\".");
    return R"({"from":1})";
  }

  std::string seen, call, about;
  const plugin_identity* identity = nullptr;
};

struct choosy_house {
  choosy_house() : plugin(house, {TOCSIN_EXT_CONFIG}) { plugin.object().identity = &plugin.instance().identity; }
  std::vector<settings_finding> check(std::string settings) {
    return check_config(plugin.instance(), {"channels", "out", "acme", std::move(settings)});
  }
  result<config_migration> migrate(std::string settings) {
    return migrate_config(plugin.instance(), {"sources", "in", "", std::move(settings)});
  }
  test::captured_log log;
  test::fake_house house;
  test::running_sdk_plugin<choosy_plugin> plugin;
};

TEST(PluginConfig, ACheckBringsErrorsAndWarningsCleanAndWithACode) {
  choosy_house at;
  const auto found = at.check("{}");
  ASSERT_EQ(found.size(), 2u);
  EXPECT_TRUE(found[0].fatal);
  EXPECT_EQ(found[0].key + "|" + found[0].code + "|" + found[0].text, "from|SETTINGS_INVALID|It is after \"until\".");
  EXPECT_FALSE(found[1].fatal);
  EXPECT_EQ(found[1].key + "|" + found[1].code + "|" + found[1].text, "until|SOON|It is soon.");
  EXPECT_EQ(at.plugin.object().seen, "channels/out/acme");
  EXPECT_EQ(at.plugin.object().call, "config.check");
  EXPECT_EQ(at.plugin.object().about, "channel out");
}

TEST(PluginConfig, ACheckThatThrowsIsAnErrorAndOneThatNeverEndsIsCutShort) {
  choosy_house at;
  const auto thrown = at.check("throw");
  ASSERT_EQ(thrown.size(), 1u);
  EXPECT_TRUE(thrown[0].fatal);
  EXPECT_EQ(thrown[0].text, "it cannot be read");
  EXPECT_EQ(at.check("many").size(), 200u);
}

TEST(PluginConfig, SettingsOfAnOlderVersionComeBackAsTodaysWithWhatChanged) {
  choosy_house at;
  const auto made = at.migrate(R"({"begin":1})");
  ASSERT_TRUE(made);
  EXPECT_EQ(made->settings, R"({"from":1})");
  ASSERT_EQ(made->findings.size(), 1u);
  EXPECT_EQ(made->findings[0].text, "\"begin\" became \"from\".");
}

TEST(PluginConfig, SettingsThatWereNeverRightAreRefusedWithAReason) {
  choosy_house at;
  const auto none = at.migrate("{}");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().what, "the plugin does not know them as an older version's.");
  const auto thrown = at.migrate("throw");
  ASSERT_FALSE(thrown);
  EXPECT_EQ(thrown.error().what, "it cannot be read");
}

TEST(PluginConfig, APluginThatHasStoppedSaysNothing) {
  choosy_house at;
  ASSERT_TRUE(at.plugin.stop());
  EXPECT_FALSE(at.migrate(R"({"begin":1})"));
}

}  // namespace
}  // namespace tocsin
