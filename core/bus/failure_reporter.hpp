// Publishes the host's own failures as events on the bus, once each, also over a crash.
//
// A failed delivery is noted in the store before its settlement is, and the note goes in the commit of the event; the
// same holds for the news that an endpoint is down. What a crash left noted and unsaid is said at the next start.
#pragma once

#include "core/bus/bus.hpp"
#include "core/delivery/failure_policy.hpp"
#include "core/runtime/clock.hpp"

#include <functional>
#include <memory>

namespace tocsin {

struct failure_reporter_parts {
  tocsin::clock* clock = nullptr;
  tocsin::store* store = nullptr;
  const code_table* codes = nullptr;
  std::function<void(publication, bus::callback)> publish;  // as bus::publish
};

// [any thread]
class failure_reporter final : public failure_listener {
 public:
  explicit failure_reporter(failure_reporter_parts parts);
  ~failure_reporter() override;

  // What the last run left unsaid, or said and now over. Before the dispatcher starts; waits for the store.
  void recover(const recovery& found);
  // From now on events are published; until then they wait. After the dispatcher's start.
  void begin();

  void failed(const delivery_failure& what) override;
  void paused(const endpoint_pause& what) override;
  void resumed(const endpoint_key& key, time_ms at, std::string_view why) override;
  void plugin_failed(const plugin_failure& what);

 private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

}  // namespace tocsin
