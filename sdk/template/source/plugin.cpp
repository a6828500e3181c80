// The smallest complete source: publishes an event at a fixed interval and counts on over restarts.
#include <tocsin/sdk/json.hpp>
#include <tocsin/sdk/plugin.hpp>
#include <tocsin/sdk/source.hpp>
#include <tocsin/sdk/timer.hpp>
#include <tocsin/sdk/token_table.hpp>

#include <chrono>
#include <cstdlib>
#include <mutex>
#include <string>

namespace {

namespace sdk = tocsin::sdk;

struct ticker {
  std::string name;
  std::chrono::milliseconds interval;
  std::int64_t count;
};

class my_source : public sdk::plugin, public sdk::source, public sdk::timer {
 public:
  using plugin::plugin;

  sdk::token open(const sdk::source_config& config) override {
    const std::lock_guard lock(mutex_);
    const sdk::json_reader settings(config.settings());
    const sdk::token name = tickers_.add(
        {std::string(config.name()), std::chrono::milliseconds(settings.integer("interval").value_or(60'000)), -1});
    host().start_timer(name.index, tickers_.find(name)->interval);
    return name;
  }

  void close(sdk::token name) override {
    const std::lock_guard lock(mutex_);
    host().cancel_timer(name.index);
    tickers_.erase(name);
  }

  void fired(std::uint64_t id) override {
    const std::lock_guard lock(mutex_);
    tickers_.for_each([&](sdk::token name, ticker& its) {
      if (name.index != id) return;
      host().start_timer(id, its.interval);
      if (its.count < 0) its.count = std::atoll(host().recall(name, "count").c_str());
      publish(name, its);
    });
  }

 private:
  void publish(sdk::token name, ticker& its) {
    const std::string count = std::to_string(its.count + 1);
    const std::string uri = "/ticker/" + its.name;
    const std::string data = sdk::json_writer().integer("count", its.count + 1).str();
    sdk::event event;
    event.id = count;  // the same tick has the same id, so that the host knows a duplicate
    event.source = uri;
    event.type = "org.example.tick";
    event.time_ms = host().now_ms();
    event.data = data;
    host().publish(name, 0, event, {sdk::field("count", count)});  // event and memory are one commit
    ++its.count;
  }

  std::mutex mutex_;
  sdk::token_table<ticker> tickers_;
};

}  // namespace

TOCSIN_PLUGIN(my_source);
