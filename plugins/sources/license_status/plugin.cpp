// The plugin's entry: sources by token, a timer and a watcher for each.
#include "plugins/sources/license_status/watcher.hpp"

#include <tocsin/sdk/plugin.hpp>
#include <tocsin/sdk/source.hpp>
#include <tocsin/sdk/timer.hpp>

#include <map>
#include <memory>
#include <mutex>
#include <utility>

namespace tocsin::license_status {
namespace {

class license_status_plugin : public sdk::plugin, public sdk::source, public sdk::timer {
 public:
  using plugin::plugin;

  sdk::token open(const sdk::source_config& config) override {
    watcher_settings settings = read_settings(config);
    auto opened = std::make_shared<running>();
    std::uint64_t number = 0;
    {
      const std::lock_guard lock(mutex_);
      number = ++last_number_;
      opened->watch = std::make_unique<watcher>(host(), sdk::token{number, 1}, std::move(settings));
      sources_.emplace(number, opened);
    }
    // Not looked at from here: publishing may begin only when open() has returned.
    if (!host().start_timer(number, std::chrono::milliseconds(0))) {
      close(sdk::token{number, 1});
      throw sdk::failure(TOCSIN_UNSUPPORTED, "this host has no timers (tocsin.host.timer/1)");
    }
    return sdk::token{number, 1};
  }

  void close(sdk::token name) override {
    std::shared_ptr<running> closed;
    {
      const std::lock_guard lock(mutex_);
      const auto found = sources_.find(name.index);
      if (found == sources_.end()) return;
      closed = std::move(found->second);
      sources_.erase(found);
    }
    // A look that is under way ends first; none begins after it, and none sets the timer anew.
    const std::lock_guard looking(closed->looking);
    closed->open = false;
    host().cancel_timer(name.index);
  }

  void stop() override {
    while (true) {
      sdk::token name{};
      {
        const std::lock_guard lock(mutex_);
        if (sources_.empty()) return;
        name = sdk::token{sources_.begin()->first, 1};
      }
      close(name);
    }
  }

  void published(sdk::token name, std::uint64_t ticket, const sdk::publish_result& result) override {
    if (const auto its = find(name.index)) its->watch->published(ticket, result);
  }

  void fired(std::uint64_t number) override {
    const auto its = find(number);
    if (!its) return;
    const std::lock_guard looking(its->looking);
    if (!its->open) return;
    // First, so that an exception in look() does not end the watch.
    host().start_timer(number, its->watch->interval());
    its->watch->look();
  }

 private:
  struct running {
    std::unique_ptr<watcher> watch;
    std::mutex looking;  // held for the whole of a look
    bool open = true;    // guarded by looking
  };

  std::shared_ptr<running> find(std::uint64_t number) {
    const std::lock_guard lock(mutex_);
    const auto found = sources_.find(number);
    return found == sources_.end() ? nullptr : found->second;
  }

  std::mutex mutex_;
  std::map<std::uint64_t, std::shared_ptr<running>> sources_;  // by token and timer
  std::uint64_t last_number_ = 0;                              // never used again, so that generations are not needed
};

}  // namespace
}  // namespace tocsin::license_status

TOCSIN_PLUGIN(tocsin::license_status::license_status_plugin);
