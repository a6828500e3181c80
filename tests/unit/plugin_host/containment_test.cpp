// What keeps a plugin out that would end the host, where no program holds trials; with one, tests/integration/plugins.
#include "core/plugin_host/containment/containment.hpp"
#include "core/plugin_host/containment/plugin_trial.hpp"
#include "support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace tocsin {
namespace {

using test::plugin_path;
using testing::HasSubstr;

plugin_file good_file() { return plugin_file::read(plugin_path("good")).value(); }

// A state folder, and hosts that keep their memory there.
struct remembering_house {
  plugin_host_services services() {
    auto given = parts.services();
    given.containment = settings;
    given.call_limit = call_limit;
    return given;
  }
  result<admitted_plugin> admit(const std::string& name) {
    containment gate(services());
    return std::move(gate.admit({plugin_candidate{plugin_path(name), nullptr}}).front());
  }
  void remember(const std::string& name, trial_verdict verdict) {
    trial_memory memory(folder.path(), TOCSIN_VERSION);
    ASSERT_TRUE(memory.load(false));
    memory.remember(plugin_file::read(plugin_path(name)).value().content_hash(),
                    {name, "1.0.0", "33cc", "2026-11-22T06:42:47Z", std::move(verdict)});
    ASSERT_TRUE(memory.save());
  }
  // What a host leaves behind that is ended while it starts the plugin.
  void die_in(const std::string& name, const std::string& call, std::uint64_t times, const std::string& word = {}) {
    start_mark mark(folder.path());
    mark.set(plugin_file::read(plugin_path(name)).value().content_hash(), {name, "1.0.0", "33cc"}, call, times);
    if (!word.empty()) start_mark::add_word(name, call, word);
  }

  test::captured_log log;
  test::temporary_folder folder;
  test::fake_house parts;
  containment_settings settings{{}, folder.path(), false};
  std::chrono::milliseconds call_limit = std::chrono::seconds(5);
};

TEST(PluginTrial, SaysWhyThereIsNone) {
  const auto missing = try_plugin(good_file(), {"/nowhere/tocsin", trial_depth::load, std::chrono::seconds(1), {}});
  EXPECT_FALSE(missing.verdict);
  EXPECT_THAT(missing.why, HasSubstr("/nowhere/tocsin cannot be started: No such file"));
  const auto other = try_plugin(good_file(), {"/bin/echo", trial_depth::load, std::chrono::seconds(1), {}});
  EXPECT_FALSE(other.verdict);
  EXPECT_THAT(other.why, HasSubstr("ended before it came to the plugin; it printed: plugin-trial"));
}

TEST(Containment, LoadsWithoutATrialWhereNoneCanBeHeld) {
  remembering_house house;
  house.settings.program = "/nowhere/tocsin";
  EXPECT_TRUE(house.admit("good"));
  EXPECT_EQ(house.log.count("a plugin is loaded without a trial"), 1u);
  EXPECT_FALSE(std::filesystem::exists(house.folder.path() / "plugin-trials.json")) << "nothing was found out";
}

TEST(Containment, KeepsOutWhatIsRememberedToEndAHost) {
  remembering_house house;
  house.remember("good", {trial_end::crashed, "constructor", "SIGSEGV", {}, {}});
  const auto kept_out = house.admit("good");
  ASSERT_FALSE(kept_out);
  EXPECT_EQ(kept_out.error().code, "PLUGIN_QUARANTINED");
  EXPECT_THAT(kept_out.error().to_string(),
              HasSubstr("it crashed (SIGSEGV) in a static constructor, in a trial process: version 1.0.0, build 33cc, "
                        "2026-11-22T06:42:47Z. It was not loaded."));
  EXPECT_THAT(kept_out.error().remedy, HasSubstr("plugin-trials.json and restart"));
  EXPECT_TRUE(house.admit("provider")) << "another content is another plugin";
}

TEST(Containment, QuarantinesAPluginThatTheHostBeforeThisOneNamedInItsLastWords) {
  remembering_house house;
  house.die_in("good", "create", 1, "exit(0)");
  const auto kept_out = house.admit("good");
  ASSERT_FALSE(kept_out);
  EXPECT_THAT(kept_out.error().what, HasSubstr("a host or command ended (exit(0)) in create() of the plugin"));
  EXPECT_FALSE(house.admit("good")) << "and the next start remembers";
  EXPECT_FALSE(std::filesystem::exists(house.folder.path() / "plugin-starting"));
}

TEST(Containment, LeavesOutOnceWhatIsOnlySuspected) {
  remembering_house house;
  house.die_in("good", "start", 1);
  const auto left_out = house.admit("good");
  ASSERT_FALSE(left_out);
  EXPECT_EQ(left_out.error().code, "PLUGIN_QUARANTINED");
  EXPECT_THAT(left_out.error().what, HasSubstr("Nothing says that it was the plugin's doing"));
  const auto again = house.admit("good");
  ASSERT_TRUE(again);
  EXPECT_EQ(again->times, 2u);
  house.die_in("good", "start", again->times);
  EXPECT_FALSE(house.admit("good")) << "the second host in a row is proof enough";
}

TEST(Containment, OfACommandReadsOnlyWhileAHostStartsPlugins) {
  remembering_house house;
  house.remember("good", {trial_end::suspected, "start", {}, {}, {}});
  house.settings.for_command = true;
  {
    start_mark of_host(house.folder.path());
    of_host.set("another", {"another", "1.0.0", "33cc"}, "start", 1);
    EXPECT_TRUE(house.admit("good"));
    EXPECT_EQ(of_host.left()->sha256, "another") << "the host's note was touched";
    of_host.clear();
  }
  trial_memory memory(house.folder.path(), TOCSIN_VERSION);
  ASSERT_TRUE(memory.load(true));
  EXPECT_EQ(memory.all().size(), 1u) << "what is suspected was forgotten";
}

TEST(Containment, OfACommandRemembersAsAHostsDoes) {
  remembering_house house;
  house.settings.for_command = true;
  house.die_in("good", "create", 1, "SIGSEGV");
  EXPECT_FALSE(house.admit("good"));
  house.settings.for_command = false;
  EXPECT_FALSE(house.admit("good")) << "the host does not know";
}

TEST(Containment, KeepsWhatIsHeldAgainstAPluginThatIsNotLoadedNow) {
  remembering_house house;
  house.die_in("good", "create", 1, "SIGSEGV");
  EXPECT_TRUE(house.admit("provider"));
  const auto kept_out = house.admit("good");
  ASSERT_FALSE(kept_out);
  EXPECT_THAT(kept_out.error().what, HasSubstr("ended (SIGSEGV) in create()"));
}

TEST(Containment, KeepsOutWhatHungInAHostsOwnProcess) {
  remembering_house house;
  {
    containment gate(house.services());
    const auto admitted = gate.admit({plugin_candidate{plugin_path("good"), nullptr}});
    ASSERT_TRUE(admitted.front());
    gate.hangs_in_host(*admitted.front());
  }
  const auto kept_out = house.admit("good");
  ASSERT_FALSE(kept_out);
  EXPECT_THAT(kept_out.error().what, HasSubstr("within 5 s, in the host's own process"));
  EXPECT_THAT(kept_out.error().remedy, HasSubstr("give it longer ([plugins] call_limit)"));
  EXPECT_THAT(kept_out.error().remedy, HasSubstr("take its line out of"));
  house.call_limit = std::chrono::seconds(6);
  EXPECT_TRUE(house.admit("good")) << "it has more time";
}

TEST(Containment, SaysOfAHungTrialWhenThePluginIsTriedAgain) {
  remembering_house house;
  house.remember("good", {trial_end::hung, "constructor", {}, {}, std::chrono::seconds(5), 2});
  const auto kept_out = house.admit("good");
  ASSERT_FALSE(kept_out) << "no trial can be held";
  EXPECT_THAT(kept_out.error().remedy, HasSubstr("the next start tries it again, 3 times in a row at most"));
  EXPECT_THAT(kept_out.error().remedy, testing::Not(HasSubstr("take its line out")));
}

TEST(Containment, NotesACallThatEveryStartMakesAgain) {
  remembering_house house;
  {
    const noted_call call(house.settings, "content", {"good", "1.0.0", "33cc"}, "config.migrate", 1);
    start_mark::add_word("good", "config.migrate", "SIGSEGV");
    EXPECT_NE(std::filesystem::file_size(house.folder.path() / "plugin-starting"), 0u);
    start_mark::add_word("good", "channel.deliver", "SIGSEGV");
    EXPECT_EQ(std::filesystem::file_size(house.folder.path() / "plugin-starting"), 0u) << "it is active: not its fault";
  }
  EXPECT_FALSE(std::filesystem::exists(house.folder.path() / "plugin-starting"));
}

TEST(Containment, IsShownInAListWithoutAHost) {
  remembering_house house;
  house.remember("good", {trial_end::exited, "entry", "status 0", {}, {}});
  std::vector<plugin_info> found{inspect_plugin(plugin_path("good")),
                                 inspect_plugin(plugin_path("good-newer", "good"))};
  apply_remembered(found, house.folder.path(), std::chrono::seconds(5));
  EXPECT_EQ(found[0].state, plugin_state::quarantined);
  EXPECT_THAT(found[0].reason, HasSubstr("it ended the process (status 0) in its entry function"));
  EXPECT_EQ(found[1].state, plugin_state::verified);
}

TEST(Containment, MarksAPluginsStartAndNothingAfterIt) {
  remembering_house house;
  plugin_host host(house.services(), {inspect_plugin(plugin_path("good"))});
  host.start(nullptr);
  EXPECT_EQ(host.plugins()[0].state, plugin_state::active) << host.plugins()[0].reason;
  EXPECT_FALSE(std::filesystem::exists(house.folder.path() / "plugin-starting"));
  host.stop();
}

}  // namespace
}  // namespace tocsin
