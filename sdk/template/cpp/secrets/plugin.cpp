// A secret store: with [secrets.vault], "vault:smtp/password" is the content of the file smtp/password in its folder.
#include <tocsin/sdk/json.hpp>
#include <tocsin/sdk/plugin.hpp>
#include <tocsin/sdk/secret_store.hpp>
#include <tocsin/sdk/token_table.hpp>

#include <fstream>
#include <iterator>
#include <mutex>
#include <string>

namespace sdk = tocsin::sdk;

class folder_store : public sdk::plugin, public sdk::simple_secret_store {
 public:
  using plugin::plugin;

  sdk::token open(const sdk::secret_store_config& config) override {
    const std::string folder = sdk::json_reader(config.settings()).text("folder").value_or("");
    if (folder.empty()) throw sdk::failure(TOCSIN_INVALID, "folder is empty; name the folder that the secrets are in");
    const std::lock_guard lock(mutex_);
    return folders_.add(folder);
  }
  void close(sdk::token store) override {
    const std::lock_guard lock(mutex_);
    folders_.erase(store);
  }
  sdk::secret look_up(sdk::token store, std::string_view reference) override {
    const std::string name(reference);
    std::ifstream file;
    if (name.find("..") == std::string::npos) file.open(folder_of(store) + "/" + name);
    std::string value((std::istreambuf_iterator<char>(file)), {});
    if (!file.is_open() || file.bad()) throw sdk::failure(TOCSIN_INVALID, "there is no such file in the folder");
    while (!value.empty() && value.back() == '\n') value.pop_back();
    return sdk::secret(std::move(value));
  }

 private:
  std::string folder_of(sdk::token store) {
    const std::lock_guard lock(mutex_);  // several secrets may be asked for at once
    const std::string* folder = folders_.find(store);
    if (folder == nullptr) throw sdk::failure(TOCSIN_UNAVAILABLE, "the store is closed");
    return *folder;
  }

  std::mutex mutex_;
  sdk::token_table<std::string> folders_;
};

TOCSIN_PLUGIN(folder_store);
