// tocsin.secrets/1: opening, asking and closing a store, through the C++ classes.
#include "core/plugin_host/calls/secret_store.hpp"

#include "core/observe/log.hpp"
#include "sdk_plugin.hpp"

#include <tocsin/sdk/secret_store.hpp>
#include <tocsin/sdk/token_table.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>

namespace tocsin {
namespace {

// Has its values at hand.
class drawer : public sdk::plugin, public sdk::simple_secret_store {
 public:
  using plugin::plugin;

  sdk::token open(const sdk::secret_store_config& config) override {
    if (config.settings() == "{}") throw sdk::failure(TOCSIN_INVALID, "a folder is missing");
    if (config.name() == "unnamed") return {};
    return names.add(std::string(config.name()));
  }
  void close(sdk::token which) override { closed.push_back(*names.find(which)); }
  sdk::secret look_up(sdk::token which, std::string_view reference) override {
    if (reference == "none") throw sdk::failure(TOCSIN_INVALID, "there is no such drawer");
    if (reference == "sealed") throw sdk::failure(TOCSIN_UNAVAILABLE, "it is locked");
    if (reference == "broken") throw std::runtime_error("it is broken");
    if (reference == "empty") return sdk::secret("");
    return sdk::secret(*names.find(which) + "/" + std::string(reference), std::chrono::seconds(30));
  }

  sdk::token_table<std::string> names;
  std::vector<std::string> closed;
};

// Answers on a thread of its own, or never.
class courier : public sdk::plugin, public sdk::secret_store {
 public:
  using plugin::plugin;

  void stop() override {
    if (thread.joinable()) thread.join();
  }
  sdk::token open(const sdk::secret_store_config&) override { return {1, 1}; }
  void close(sdk::token) override { kept.reset(); }
  void fetch(sdk::token, std::string_view reference, sdk::secret_request&& request) override {
    if (reference == "dropped") return;
    if (reference == "kept") {
      kept.emplace(std::move(request));
      keeps.add(true);
    } else {
      thread = std::thread([request = std::move(request)]() mutable { request.answer(sdk::secret("from afar")); });
    }
  }

  std::thread thread;
  std::optional<sdk::secret_request> kept;
  test::gathered<bool> keeps;
};

// Stays in a call until it may leave, and notes whether it is closed meanwhile.
class hesitant : public sdk::plugin, public sdk::secret_store {
 public:
  using plugin::plugin;

  sdk::token open(const sdk::secret_store_config&) override { return {1, 1}; }
  void close(sdk::token) override { closed_within_a_call = inside.load(); }
  void fetch(sdk::token, std::string_view, sdk::secret_request&& request) override {
    inside = true;
    entered.add(true);
    may_leave.wait();
    inside = false;
    request.answer(sdk::secret("slow"));
  }

  std::promise<void> leave;
  std::shared_future<void> may_leave = leave.get_future().share();
  test::gathered<bool> entered;
  std::atomic<bool> inside{false};
  std::atomic<bool> closed_within_a_call{false};
};

struct taken {
  secret_answer::kind what;
  std::string value, reason;
  std::int64_t valid;
};

// Asks, and waits for the answer.
taken ask(secret_store_port& store, const std::string& reference) {
  test::gathered<taken> answers;
  store.fetch(reference, [&](secret_answer answer) {
    answers.add({answer.what, answer.value.get(), answer.reason, answer.valid.count()});
  });
  const auto all = answers.wait(1);
  if (all.size() != 1) throw std::runtime_error("not one answer");
  return all[0];
}

secret_store_ptr open_good(plugin_instance& instance) {
  auto opened = open_secret_store(&instance, "fake", {"vault", R"({"folder":"x"})"});
  return opened ? *opened : throw std::runtime_error(opened.error().to_string());
}

TEST(SecretStore, AnswersWithValuesAndTheirTime) {
  test::fake_house house;
  test::running_sdk_plugin<drawer> running(house, {TOCSIN_EXT_SECRETS});
  const auto store = open_good(running.instance());
  const auto answer = ask(*store, "smtp#password");
  EXPECT_EQ(answer.what, secret_answer::kind::value);
  EXPECT_EQ(answer.value, "vault/smtp#password");
  EXPECT_EQ(answer.valid, 30'000);
  EXPECT_EQ(log::redact("it is vault/smtp#password."), "it is ***.");
  store->close();
  EXPECT_EQ(running.object().closed, (std::vector<std::string>{"vault"}));
}

TEST(SecretStore, SaysWhyItHasNoValue) {
  test::fake_house house;
  test::running_sdk_plugin<drawer> running(house, {TOCSIN_EXT_SECRETS});
  const auto store = open_good(running.instance());
  const auto none = ask(*store, "none");
  EXPECT_EQ(none.what, secret_answer::kind::no_such_secret);
  EXPECT_EQ(none.reason, "there is no such drawer");
  EXPECT_EQ(ask(*store, "sealed").what, secret_answer::kind::unavailable);
  EXPECT_EQ(ask(*store, "sealed").reason, "it is locked");
  const auto broken = ask(*store, "broken");
  EXPECT_EQ(broken.what, secret_answer::kind::unavailable);
  EXPECT_EQ(broken.reason, "it is broken");
  EXPECT_EQ(ask(*store, "empty").reason, "The store answered with an empty value.");
}

TEST(SecretStore, ThatRefusesItsSettingsOrIsNoneOrDoesNotRunSaysSo) {
  test::fake_house house;
  test::running_sdk_plugin<drawer> running(house, {TOCSIN_EXT_SECRETS});
  const auto refused = open_secret_store(&running.instance(), "fake", {"vault", "{}"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "SETTINGS_INVALID");
  EXPECT_EQ(refused.error().what, "a folder is missing.");
  EXPECT_EQ(refused.error().place.key, "secrets.vault");
  EXPECT_NE(open_secret_store(nullptr, "absent", {"vault", "{}"}).error().what.find("\"absent\" does not run"),
            std::string::npos);
}

TEST(SecretStore, ThatGivesNoNameIsRefusedAndReported) {
  test::captured_log log;
  test::fake_house house;
  test::running_sdk_plugin<drawer> running(house, {TOCSIN_EXT_SECRETS});
  EXPECT_FALSE(open_secret_store(&running.instance(), "fake", {"unnamed", R"({"folder":"x"})"}));
  EXPECT_EQ(log.count("plugin is misbehaving"), 1u);
}

TEST(SecretStore, MayAnswerOnAThreadOfItsOwn) {
  test::fake_house house;
  test::running_sdk_plugin<courier> running(house, {TOCSIN_EXT_SECRETS});
  const auto store = open_good(running.instance());
  const auto answer = ask(*store, "far");
  EXPECT_EQ(answer.value, "from afar");
  EXPECT_EQ(answer.valid, -1);
}

TEST(SecretStore, ThatDropsARequestHasAnsweredIt) {
  test::fake_house house;
  test::running_sdk_plugin<courier> running(house, {TOCSIN_EXT_SECRETS});
  const auto store = open_good(running.instance());
  EXPECT_EQ(ask(*store, "dropped").reason, "the plugin dropped the request without an answer");
}

TEST(SecretStore, AnswersWhatIsUnderWayWhenItIsClosed) {
  test::fake_house house;
  test::running_sdk_plugin<courier> running(house, {TOCSIN_EXT_SECRETS});
  const auto store = open_good(running.instance());
  test::gathered<taken> answers;
  store->fetch("kept", [&](secret_answer answer) { answers.add({answer.what, {}, answer.reason, 0}); });
  ASSERT_EQ(running.object().keeps.wait(1).size(), 1u);
  EXPECT_EQ(answers.size(), 0u);
  store->close();
  EXPECT_EQ(answers.wait(1).size(), 1u);
}

TEST(SecretStore, ThatIsClosedIsNotAskedAnyMore) {
  test::fake_house house;
  test::running_sdk_plugin<drawer> running(house, {TOCSIN_EXT_SECRETS});
  const auto store = open_good(running.instance());
  store->close();
  const auto answer = ask(*store, "a");
  EXPECT_EQ(answer.what, secret_answer::kind::unavailable);
  EXPECT_EQ(answer.reason, "The store is closed.");
}

TEST(SecretStore, IsClosedOnlyWhenTheCallThatItIsInIsOver) {
  test::fake_house house;
  test::running_sdk_plugin<hesitant> running(house, {TOCSIN_EXT_SECRETS});
  const auto store = open_good(running.instance());
  test::gathered<std::string> answers;
  store->fetch("a", [&](const secret_answer& answer) { answers.add(answer.value.get()); });
  store->fetch("b", [&](const secret_answer& answer) { answers.add(answer.reason); });  // waits for its turn
  ASSERT_EQ(running.object().entered.wait(1).size(), 1u);
  auto closed = std::async(std::launch::async, [&] { store->close(); });
  // A close() that does not wait is over soon, and has called the plugin meanwhile.
  EXPECT_EQ(closed.wait_for(std::chrono::milliseconds(100)), std::future_status::timeout);
  running.object().leave.set_value();
  closed.wait();
  EXPECT_FALSE(running.object().closed_within_a_call);
  EXPECT_EQ(answers.wait(2), (std::vector<std::string>{"slow", "The store is closed."}));
  EXPECT_EQ(running.object().entered.size(), 1u);
}

TEST(SecretStore, OfAPluginThatIsStoppedAnswersThatItDoesNotRun) {
  test::fake_house house;
  test::running_sdk_plugin<drawer> running(house, {TOCSIN_EXT_SECRETS});
  const auto store = open_good(running.instance());
  ASSERT_TRUE(running.stop());
  EXPECT_EQ(ask(*store, "a").reason, "The plugin does not run.");
  store->close();
}

TEST(SecretAnswer, OfARequestThatWasGivenUpIsPassedOverAndOneOfNoRequestIsReported) {
  test::captured_log log;
  test::fake_house house;
  test::running_sdk_plugin<drawer> running(house, {TOCSIN_EXT_SECRETS});
  auto& instance = running.instance();
  int answered = 0;
  const auto request = instance.secret_requests.add([&](secret_answer) { ++answered; });
  instance.secret_requests.give_up(request);
  const auto answer = [&](std::uint64_t number) {
    sdk::secret_request(running.object().host(), {number, 1}).answer(sdk::secret("value-7"));
  };
  answer(request);
  EXPECT_EQ(log.count("plugin is misbehaving"), 0u);
  answer(request);
  EXPECT_EQ(log.count("plugin is misbehaving"), 1u) << "it was answered already";
  answer(77);
  EXPECT_EQ(log.count("plugin is misbehaving"), 2u);
  EXPECT_EQ(log.count("value-7"), 0u);
  EXPECT_EQ(answered, 0);
}

}  // namespace
}  // namespace tocsin
