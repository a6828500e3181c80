// A source: publishes an event at a fixed interval and counts on over restarts.
#include <tocsin/sdk/json.hpp>
#include <tocsin/sdk/plugin.hpp>
#include <tocsin/sdk/source.hpp>
#include <tocsin/sdk/timer.hpp>
#include <tocsin/sdk/token_table.hpp>

#include <chrono>
#include <cstdlib>
#include <mutex>
#include <string>

namespace sdk = tocsin::sdk;

struct ticker {
  std::string uri;
  std::chrono::milliseconds interval;
};

class tick_source : public sdk::plugin, public sdk::source, public sdk::timer {
 public:
  using plugin::plugin;

  sdk::token open(const sdk::source_config& config) override {
    const std::chrono::milliseconds interval(sdk::json_reader(config.settings()).integer("interval").value_or(60000));
    const std::lock_guard lock(mutex_);
    const sdk::token name = tickers_.add({"/ticker/" + std::string(config.name()), interval});
    host().start_timer(name.index, interval);
    return name;
  }
  void close(sdk::token name) override {
    const std::lock_guard lock(mutex_);
    host().cancel_timer(name.index);
    tickers_.erase(name);
  }
  void fired(std::uint64_t id) override {
    const std::lock_guard lock(mutex_);  // close() may come at the same time
    tickers_.for_each([&](sdk::token name, const ticker& its) {
      if (name.index != id) return;
      host().start_timer(id, its.interval);
      const std::string count = std::to_string(std::atoll(host().recall(name, "count").c_str()) + 1);
      sdk::event event;
      event.id = count;  // the same tick has the same id, so that the host knows a duplicate
      event.source = its.uri;
      event.type = "org.example.tick";
      event.time_ms = host().now_ms();
      host().publish(name, 0, event, {sdk::field("count", count)});  // event and memory are one commit
    });
  }

 private:
  std::mutex mutex_;
  sdk::token_table<ticker> tickers_;
};

TOCSIN_PLUGIN(tick_source);
