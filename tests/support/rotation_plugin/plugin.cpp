// A test source and subscriber: logs each opening and closing, and notes the ids of events in a file. Where its
// settings name a `gate`, a named pipe, it stays in the call until somebody opens that for writing. With
// ROTATION_PUBLISHES in the environment it publishes an event of that id when it starts.
#include <tocsin/sdk/json.hpp>
#include <tocsin/sdk/plugin.hpp>
#include <tocsin/sdk/source.hpp>
#include <tocsin/sdk/subscriber.hpp>
#include <tocsin/sdk/token_table.hpp>

#include <cstdlib>
#include <fstream>
#include <mutex>
#include <string>
#include <string_view>

namespace sdk = tocsin::sdk;

class rotation : public sdk::plugin, public sdk::source, public sdk::subscriber {
 public:
  using plugin::plugin;

  void start() override {
    if (const char* id = std::getenv("ROTATION_PUBLISHES"))
      host().publish({.id = id, .source = "/rotation", .type = "test.event"});
  }

  sdk::token open(const sdk::source_config& config) override { return open_one("source", config); }
  sdk::token open(const sdk::subscription_config& config) override { return open_one("subscriber", config); }

  void close(sdk::token which) override {
    const std::lock_guard lock(mutex_);
    if (const open_thing* found = open_.find(which)) host().log(sdk::log_level::info, "closed " + found->name);
    open_.erase(which);
  }

  void received(sdk::token which, const sdk::events& batch, std::uint64_t lost) override {
    wait_at_gate(which);
    const std::lock_guard lock(mutex_);
    const open_thing* found = open_.find(which);
    if (found == nullptr) return;
    std::ofstream file(found->path, std::ios::app);
    if (lost > 0) file << "lost " << lost << "\n";
    for (const sdk::event event : batch) file << event.id << "\n";
  }

 private:
  struct open_thing {
    std::string name, path, gate;
  };

  // Without the mutex: others are opened meanwhile.
  void wait_at_gate(sdk::token which) {
    std::string gate;
    {
      const std::lock_guard lock(mutex_);
      const open_thing* found = open_.find(which);
      if (found == nullptr || found->gate.empty()) return;
      gate = found->gate;
      host().log(sdk::log_level::info, "waits in " + found->name);
    }
    const std::ifstream opened(gate);
  }

  template <class Config>
  sdk::token open_one(std::string_view kind, const Config& config) {
    const sdk::json_reader settings(config.settings());
    const std::string name = std::string(kind) + " " + std::string(config.name());
    std::string how;
    if (const auto handle = settings.secret("token"))
      how = " with a token of " + std::to_string(host().reveal(*handle).size());
    const std::lock_guard lock(mutex_);
    host().log(sdk::log_level::info, "opens " + name + how);
    if (settings.flag("refused").value_or(false)) throw sdk::failure(TOCSIN_INVALID, "it is to be refused");
    if (settings.flag("alone").value_or(false) && open_.find(alone_) != nullptr)
      throw sdk::failure(TOCSIN_INVALID, "another one is open");
    const sdk::token made = open_.add({name, settings.text("path").value_or(""), settings.text("gate").value_or("")});
    if (settings.flag("alone").value_or(false)) alone_ = made;
    return made;
  }

  std::mutex mutex_;
  sdk::token_table<open_thing> open_;
  sdk::token alone_{};
};

TOCSIN_PLUGIN(rotation);
