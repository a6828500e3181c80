// The bus: checks and routes an event, writes it down with its deliveries, and only then acknowledges.
#pragma once

#include "core/bus/subscription.hpp"
#include "core/delivery/dispatcher.hpp"
#include "core/model/event.hpp"
#include "core/model/store.hpp"
#include "core/routing/router.hpp"
#include "core/settings/settings.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace tocsin {

struct bus_parts {
  tocsin::clock* clock = nullptr;
  tocsin::store* store = nullptr;
  tocsin::dispatcher* dispatcher = nullptr;
  identifier_source* identifiers = nullptr;
  std::size_t capacity = 100'000;  // events under way at once; beyond it publishers are asked to wait
};

struct publication {
  std::vector<event> events;  // valid: whoever takes them in has asked validate() or parse_cloudevent()
  std::vector<memory_write> memory;
  bool of_host = false;  // news of the host's own: nobody else's event bears their source
};

// [any thread]
class bus {
 public:
  using callback = std::function<void(result<std::vector<accept_answer>>)>;

  explicit bus(bus_parts parts);
  ~bus();

  // Once before the first publish. message_host: the right-hand side of Message-IDs.
  void start(std::string message_host, settings_ptr settings);
  // Other settings are in force: events are routed by them from now on.
  void settings_changed(settings_ptr settings);

  // Who gets a copy of events that are not sensitive, once they are on disk; replaces those before. A copy may still be
  // handed to one that is no longer among them: subscription::close() ends that.
  void set_subscriptions(std::vector<subscription_ptr> all);

  // All of it or nothing, in one commit. done is called once, on any thread; it may be called before this returns.
  // Faults: BUS_BUSY (capacity; try again), BUS_STOPPED, and the store's.
  void publish(publication what, callback done);

  // Nothing more is taken (BUS_STOPPED); done is called when all that was taken has been answered.
  void stop(std::function<void()> done);

  struct statistics {
    std::uint64_t accepted = 0, duplicates = 0, unrouted = 0, refused = 0, routed = 0;
  };
  statistics counts() const;

 private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

}  // namespace tocsin
