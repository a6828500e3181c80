// A secret store out of a JSON file that a test writes: values with their time, answers of a store that is down, and
// none at all.
#include <tocsin/sdk/json.hpp>
#include <tocsin/sdk/plugin.hpp>
#include <tocsin/sdk/secret_store.hpp>
#include <tocsin/sdk/token_table.hpp>

#include <chrono>
#include <fstream>
#include <iterator>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace sdk = tocsin::sdk;

class json_secrets : public sdk::plugin, public sdk::secret_store {
 public:
  using plugin::plugin;

  sdk::token open(const sdk::secret_store_config& config) override {
    const sdk::json_reader settings(config.settings());
    store made;
    made.path = settings.text("path").value_or("");
    if (made.path.empty()) throw sdk::failure(TOCSIN_INVALID, "path is empty");
    if (const auto handle = settings.secret("token")) made.token = host().reveal(*handle);
    const std::lock_guard lock(mutex_);
    return stores_.add(made);
  }

  void close(sdk::token which) override {
    std::vector<sdk::secret_request> dropped;
    const std::lock_guard lock(mutex_);
    dropped.swap(silent_);
    stores_.erase(which);
  }

  void fetch(sdk::token which, std::string_view reference, sdk::secret_request&& request) override {
    store asked;
    {
      const std::lock_guard lock(mutex_);
      if (const store* found = stores_.find(which)) asked = *found;
    }
    std::ifstream file(asked.path);
    if (!file) throw sdk::failure(TOCSIN_UNAVAILABLE, "cannot open " + asked.path);
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    const sdk::json_reader all(text);
    if (all.text("token").value_or(asked.token) != asked.token) throw sdk::failure(TOCSIN_FAILED, "the token is wrong");
    const sdk::json_reader entry = all.object(reference);
    if (entry.flag("silent").value_or(false)) {
      host().log(sdk::log_level::info, "asked and silent");
      const std::lock_guard lock(mutex_);
      silent_.push_back(std::move(request));
      return;
    }
    if (const auto why = entry.text("unavailable")) throw sdk::failure(TOCSIN_UNAVAILABLE, *why);
    const auto value = entry.text("value");
    if (!value) throw sdk::failure(TOCSIN_INVALID, "the file has no such member");
    request.answer(sdk::secret(*value, std::chrono::milliseconds(entry.integer("valid_ms").value_or(-1))));
  }

 private:
  struct store {
    std::string path, token;
  };
  std::mutex mutex_;
  sdk::token_table<store> stores_;
  std::vector<sdk::secret_request> silent_;  // never answered while a store is open
};

TOCSIN_PLUGIN(json_secrets);
