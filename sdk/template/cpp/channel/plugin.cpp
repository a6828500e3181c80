// A channel: appends each message to a file.
#include <tocsin/sdk/channel.hpp>
#include <tocsin/sdk/json.hpp>
#include <tocsin/sdk/plugin.hpp>
#include <tocsin/sdk/token_table.hpp>

#include <fstream>
#include <mutex>
#include <string>

namespace sdk = tocsin::sdk;

class file_channel : public sdk::plugin, public sdk::channel {
 public:
  using plugin::plugin;

  sdk::opened_endpoint open(const sdk::endpoint& endpoint) override {
    const std::string path = sdk::json_reader(endpoint.settings()).text("path").value_or("");
    if (path.empty()) throw sdk::failure(TOCSIN_INVALID, "path is empty; name the file that messages go to");
    const std::lock_guard lock(mutex_);
    return {paths_.add(path), 1};
  }
  void close(sdk::token endpoint) override {
    const std::lock_guard lock(mutex_);
    paths_.erase(endpoint);
  }
  void deliver(const sdk::message& message) override {
    const std::lock_guard lock(mutex_);  // several endpoints may be called at once
    const std::string* path = paths_.find(message.endpoint());
    if (path == nullptr) return host().complete(message.delivery(), sdk::outcome::returned());
    std::ofstream file(*path, std::ios::app);
    file << "To: " << message.recipient() << "\nSubject: " << message.subject() << "\n\n" << message.text() << "\n";
    file.close();
    if (file) return host().complete(message.delivery(), sdk::outcome::delivered());
    const std::string detail = "cannot write " + *path;
    host().complete(message.delivery(),
                    sdk::outcome::failed(sdk::outcome_class::transient, "FILE_NOT_WRITTEN", detail));
  }

 private:
  std::mutex mutex_;
  sdk::token_table<std::string> paths_;
};

TOCSIN_PLUGIN(file_channel);
