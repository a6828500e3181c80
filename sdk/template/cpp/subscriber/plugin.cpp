// A subscriber: appends a line for each event to a file, as an audit trail.
#include <tocsin/sdk/json.hpp>
#include <tocsin/sdk/plugin.hpp>
#include <tocsin/sdk/subscriber.hpp>
#include <tocsin/sdk/token_table.hpp>

#include <fstream>
#include <mutex>
#include <string>

namespace sdk = tocsin::sdk;

class audit_file : public sdk::plugin, public sdk::subscriber {
 public:
  using plugin::plugin;

  sdk::token open(const sdk::subscription_config& config) override {
    const std::string path = sdk::json_reader(config.settings()).text("path").value_or("");
    if (path.empty()) throw sdk::failure(TOCSIN_INVALID, "path is empty; name the file that events are noted in");
    const std::lock_guard lock(mutex_);
    return paths_.add(path);
  }
  void close(sdk::token subscription) override {
    const std::lock_guard lock(mutex_);
    paths_.erase(subscription);
  }
  void received(sdk::token subscription, const sdk::events& events, std::uint64_t lost) override {
    const std::lock_guard lock(mutex_);  // several subscriptions may be called at once
    const std::string* path = paths_.find(subscription);
    if (path == nullptr) return;
    std::ofstream file(*path, std::ios::app);
    if (lost > 0) file << "(" << lost << " events were passed over)\n";
    for (const sdk::event event : events) file << event.type << " " << event.source << " " << event.id << "\n";
    file.close();
    if (!file) host().log(sdk::log_level::error, "cannot write " + *path);
  }

 private:
  std::mutex mutex_;
  sdk::token_table<std::string> paths_;
};

TOCSIN_PLUGIN(audit_file);
