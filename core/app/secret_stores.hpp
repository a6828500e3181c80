// The secret stores of the settings: opens them, asks them for what the settings name, and resolves the settings by
// what they say.
#pragma once

#include "core/plugin_host/plugin_host.hpp"
#include "core/plugin_host/secret_keeper.hpp"
#include "core/settings/settings.hpp"

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace tocsin::app {

// The functions are for one thread at a time, as the plugin host's.
class secret_stores {
 public:
  // changed: what a store says has changed since bring_up(): resolve the settings again. Called on any thread. Null:
  // one asking is all.
  secret_stores(plugin_host& plugins, clock& clock, std::function<void()> changed);
  ~secret_stores();  // close()

  // Opens what is new or changed, closes what is gone, and asks for every secret that the settings name; waits for the
  // answers, for secret_keeper::answer_limit at most. The settings, resolved by them.
  settings_ptr bring_up(const settings_ptr& wanted);
  // bring_up() waits for no answers any more, neither the one under way nor later ones. [any thread]
  void cut_short();
  bool is_cut_short() const;
  // The same settings, resolved by what the stores have said since. Their values stay known as long as any settings
  // that were resolved here.
  settings_ptr resolve(const settings_ptr& wanted) const;
  // These settings are in force: the values that others named are wiped.
  void settle(const settings& in_force);
  void close();
  // The stores that bring_up() could not open, each at its [secrets.NAME].
  const faults& refused() const { return refused_; }

 private:
  struct open_store {
    std::uint64_t fingerprint = 0;
    secret_store_ptr store;
  };

  void open(const settings& wanted);

  void wait_for_answers(const std::vector<stored_secret>& secrets);

  plugin_host& plugins_;
  const std::shared_ptr<secret_keeper> keeper_;
  std::map<std::string, open_store> open_;  // by name
  faults refused_;
  // Of the wait for answers; shared with the keeper, which may still answer when nobody waits any more.
  struct patience {
    std::mutex mutex;
    std::condition_variable changed;
    bool cut_short = false;
  };
  const std::shared_ptr<patience> patience_;
};

}  // namespace tocsin::app
