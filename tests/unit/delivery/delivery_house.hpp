// A dispatcher with everything around it faked, and a clock that the test turns.
#pragma once

#include "core/delivery/dispatcher.hpp"
#include "core/delivery/message_id.hpp"
#include "core/observe/log.hpp"

#include "tests/support/fake_channel.hpp"
#include "tests/support/fake_settings.hpp"
#include "tests/support/fake_store.hpp"
#include "tests/support/manual_clock.hpp"

#include <gtest/gtest.h>

#include <future>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tocsin::test {

class delivery_house {
 public:
  explicit delivery_house(std::shared_ptr<fake_disk> disk = std::make_shared<fake_disk>(), time_ms at = 0,
                          std::size_t threads = 1)
      : clock(at == 0 ? manual_clock::start_time : at), store(std::move(disk)), pool(threads) {
    log::capture([](void*, std::string_view) {}, nullptr);
    settings = std::make_shared<fake_settings>();
    channel->complete = [this](std::vector<outcome> outcomes) { engine->complete(std::move(outcomes)); };
    const code_entry sender{"SENDER_REJECTED", "sender", outcome_class::config, "The sender was refused.", ""};
    codes.add({&sender, 1});
  }

  ~delivery_house() {
    EXPECT_EQ(channel->breaches(), std::vector<std::string>());
    quiet();
    engine.reset();
    store.close();
    pool.stop();
  }

  // Opens the dispatcher on what the disk has.
  void start(bool crashed = false, std::optional<delivery_id> named = {}) {
    dispatcher_parts parts;
    parts.pool = &pool;
    parts.clock = &clock;
    parts.store = &store;
    parts.renderer = &renderer_;
    parts.channels = [this](const std::string& id) -> std::shared_ptr<channel_port> {
      return id == "fake" ? channel : nullptr;
    };
    parts.settings = [this]() -> settings_ptr {
      const std::lock_guard lock(settings_mutex_);
      return settings;
    };
    parts.codes = &codes;
    parts.identifiers = &identifiers;
    parts.jitter = [] { return 0.0; };
    parts.check_settings = check_settings;
    parts.taken_back = [this](const std::string& plugin, std::size_t deliveries) { taken_back[plugin] += deliveries; };
    engine = std::make_unique<dispatcher>(std::move(parts));
    std::promise<recovery> recovered;
    store.recover({clock.now(), crashed, named}, [&](result<recovery> found) { recovered.set_value(*found); });
    const auto found = recovered.get_future().get();
    identifiers.raise_to(found.last_identifier);
    engine->start(found, crashed);
    quiet();
  }

  // Other settings from now on.
  void change(std::shared_ptr<fake_settings> to) {
    {
      const std::lock_guard lock(settings_mutex_);
      settings = std::move(to);
    }
    engine->settings_changed();
    quiet();
  }

  // Until nothing goes on any more: no task in the pool, no call in the store. The clock stands still.
  void quiet() {
    std::uint64_t before = 0;
    for (int unchanged = 0; unchanged < 4;) {
      std::promise<void> reached;
      pool.post([&] { reached.set_value(); });
      reached.get_future().wait();
      store.wait();
      const auto after = store.answered() + channel->seen().size() + static_cast<std::uint64_t>(channel->opens());
      unchanged = after == before ? unchanged + 1 : 0;
      before = after;
    }
  }

  // Lets time pass in small steps, each followed by what it starts.
  void pass(std::chrono::milliseconds by) {
    while (by.count() > 0) {
      const auto next = clock.next_timer();
      const auto step = next && next->count() > 0 ? std::min(*next, by) : by;
      clock.advance(step);
      quiet();
      by -= step;
    }
  }

  struct wish {
    std::string channel = "email";
    std::string organization = {};
    std::vector<std::string> next_channels = {};
    std::string recipient = "ops@example.org";
    std::string template_name = "default";
    std::optional<std::chrono::milliseconds> lives = {};
    severity level = severity::info;
  };

  // As the bus does it: reserve, write down, hand over or notify.
  delivery_id publish(const wish& what) {
    const auto id = begin(what);
    quiet();
    return id;
  }
  delivery_id publish() { return publish(wish{}); }

  delivery_id begin(const wish& what) {
    const auto now = clock.now();
    accept_item item;
    item.id = event_id{identifiers.next(now)};
    item.accepted = now;
    item.payload.id = to_text(item.id);
    item.payload.source = "/test";
    item.payload.type = "tocsin.test";
    item.payload.organization = what.organization;
    item.payload.severity = what.level;
    new_delivery made;
    made.id = delivery_id{identifiers.next(now)};
    const auto found = settings->endpoint(what.channel, what.organization);
    made.endpoint = found ? (*found)->key : endpoint_key{what.channel, what.organization};
    made.recipient = what.recipient;
    made.route = "test";
    made.template_name = what.template_name;
    made.language = "en";
    made.message_id = make_message_id(made.id, "host.test");
    made.next_channels = what.next_channels;
    if (what.lives) made.give_up_at = now + what.lives->count();
    made.leased = engine->reserve(made.endpoint);

    leased_delivery leased;
    leased.id = made.id;
    leased.event = item.id;
    leased.endpoint = made.endpoint;
    leased.organization = what.organization;
    leased.recipient = made.recipient;
    leased.template_name = made.template_name;
    leased.language = made.language;
    leased.message_id = made.message_id;
    leased.next_channels = made.next_channels;
    leased.created = now;
    leased.expires = made.give_up_at;
    leased.payload = std::make_shared<const event>(item.payload);
    leased.route = made.route;

    item.deliveries = {made};
    accept_batch batch;
    batch.now = now;
    batch.items = {std::move(item)};
    store.accept(std::move(batch),
                 [this, reserved = made.leased, leased, key = made.endpoint](const auto& answers) mutable {
                   if (!answers) {
                     reserved ? engine->release(key) : engine->forgo(key, 1);
                   } else if (reserved) {
                     engine->hand_over({std::move(leased)});
                   } else {
                     engine->notify(key, 1);
                   }
                 });
    return made.id;
  }

  delivery_state state(delivery_id id) { return store.row(id).state; }
  std::string code(delivery_id id) { return store.row(id).code; }

  std::optional<dispatcher::endpoint_status> status(const endpoint_key& key) const {
    for (const auto& one : engine->endpoints()) {
      if (one.key == key) return one;
    }
    return std::nullopt;
  }
  bool paused(const std::string& channel_name = "email", const std::string& organization = {}) const {
    const auto found = status({channel_name, organization});
    return found && found->pause;
  }

  // All attempts so far, as milliseconds since the beginning.
  std::vector<std::int64_t> attempt_times(delivery_id id) {
    std::vector<std::int64_t> times;
    for (const auto& one : store.row(id).history) times.push_back(one.at - manual_clock::start_time);
    return times;
  }

  manual_clock clock;
  fake_store store;
  executor pool;
  std::shared_ptr<fake_settings> settings;
  std::shared_ptr<fake_channel> channel = std::make_shared<fake_channel>();
  identifier_source identifiers;
  code_table codes;
  std::function<std::optional<fault>(const endpoint_settings&)> check_settings;
  std::unique_ptr<dispatcher> engine;
  std::map<std::string, std::size_t> taken_back;  // by plugin

 private:
  std::mutex settings_mutex_;
  renderer renderer_;
};

}  // namespace tocsin::test
