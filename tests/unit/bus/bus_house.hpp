// A bus and a dispatcher on a store, with channel, settings and, if wanted, the clock faked.
#pragma once

#include "core/bus/bus.hpp"
#include "core/bus/failure_reporter.hpp"
#include "core/observe/log.hpp"

#include "tests/support/fake_channel.hpp"
#include "tests/support/fake_settings.hpp"

#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tocsin::test {

// Everything but store and clock, which the tests choose.
class bus_house {
 public:
  bus_house(store& store, clock& clock, executor& pool, std::size_t capacity = 100'000)
      : store_(store), clock_(clock), pool_(pool), capacity_(capacity) {
    log::capture([](void*, std::string_view) {}, nullptr);
    channel->complete = [this](std::vector<outcome> outcomes) { dispatcher->complete(std::move(outcomes)); };
  }

  void start() {
    dispatcher_parts parts;
    parts.pool = &pool_;
    parts.clock = &clock_;
    parts.store = &store_;
    parts.renderer = &renderer_;
    parts.channels = [this](const std::string&) { return channel; };
    parts.settings = [this]() -> settings_ptr { return settings; };
    parts.codes = &codes_;
    parts.identifiers = &identifiers;
    parts.jitter = [] { return 0.0; };
    if (tells_failures) {
      failures = std::make_unique<failure_reporter>(failure_reporter_parts{
          &clock_, &store_, &codes_,
          [this](publication what, tocsin::bus::callback done) { bus->publish(std::move(what), std::move(done)); }});
      parts.failures = failures.get();
    }
    dispatcher = std::make_unique<tocsin::dispatcher>(std::move(parts));
    bus = std::make_unique<tocsin::bus>(bus_parts{&clock_, &store_, dispatcher.get(), &identifiers, capacity_});
    std::promise<recovery> recovered;
    store_.recover({clock_.now(), false, {}}, [&](result<recovery> found) { recovered.set_value(*found); });
    const auto found = recovered.get_future().get();
    identifiers.raise_to(found.last_identifier);
    bus->start(found.message_host, settings);
    if (failures) failures->recover(found);
    dispatcher->start(found);
    if (failures) failures->begin();
  }

  // Publishes and waits for the answer.
  result<std::vector<accept_answer>> publish(std::vector<event> events, std::vector<memory_write> memory = {}) {
    std::promise<result<std::vector<accept_answer>>> answered;
    bus->publish({std::move(events), std::move(memory)},
                 [&](result<std::vector<accept_answer>> answers) { answered.set_value(std::move(answers)); });
    return answered.get_future().get();
  }

  // As a host ends: no more events, then no more deliveries.
  void stop() {
    std::promise<void> stopped, drained;
    bus->stop([&] { stopped.set_value(); });
    stopped.get_future().wait();
    dispatcher->drain(std::chrono::seconds{8}, [&] { drained.set_value(); });
    drained.get_future().wait();
  }

  static event make_event(std::string id, std::string type = "tocsin.test", std::string organization = {}) {
    event made;
    made.id = std::move(id);
    made.source = "/test";
    made.type = std::move(type);
    made.organization = std::move(organization);
    return made;
  }

  static route make_route(std::string channel_name = "email", std::string to = "ops@example.org") {
    route made;
    made.name = "all";
    made.channels = {std::move(channel_name)};
    made.to = {std::move(to)};
    return made;
  }

  std::shared_ptr<fake_settings> settings = std::make_shared<fake_settings>();
  std::shared_ptr<fake_channel> channel = std::make_shared<fake_channel>();
  identifier_source identifiers;
  bool tells_failures = false;  // set before start()
  std::unique_ptr<failure_reporter> failures;
  std::unique_ptr<tocsin::dispatcher> dispatcher;
  std::unique_ptr<tocsin::bus> bus;

 private:
  store& store_;
  clock& clock_;
  executor& pool_;
  std::size_t capacity_;
  renderer renderer_;
  code_table codes_;
};

}  // namespace tocsin::test
