// The plugins that authors start from, loaded as the libraries that they become.
#include "unit/sdk/fake_host.hpp"

#include <tocsin/abi/entry.h>
#include <tocsin/abi/ext/channel.h>
#include <tocsin/abi/ext/clock.h>
#include <tocsin/abi/ext/source.h>
#include <tocsin/sdk/json.hpp>

#include <gtest/gtest.h>

#include <dlfcn.h>
#include <unistd.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

namespace {

namespace sdk = tocsin::sdk;
using tocsin::test::fake_host;

// A plugin's library, created and started. Stays mapped: unloading is never relied on.
class loaded_plugin {
 public:
  loaded_plugin(const char* file, const fake_host& host) {
    void* library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) throw std::runtime_error(dlerror());
    const auto entry_point = reinterpret_cast<decltype(&tocsin_plugin_entry_v1)>(dlsym(library, TOCSIN_ENTRY_SYMBOL));
    if (entry_point == nullptr) throw std::runtime_error(dlerror());
    entry = entry_point();
    if (entry->create(host.raw(), &raw_, nullptr) != TOCSIN_OK) throw std::runtime_error("create() failed");
    if (raw_->start(raw_->self, nullptr) != TOCSIN_OK) throw std::runtime_error("start() failed");
  }
  ~loaded_plugin() {
    raw_->stop(raw_->self);
    raw_->destroy(raw_->self);
  }
  template <class Table>
  const Table& table(const char* id) const {
    return *static_cast<const Table*>(raw_->get_extension(raw_->self, sdk::to_abi(id)));
  }
  void* self() const { return raw_->self; }

  const tocsin_entry* entry = nullptr;

 private:
  const tocsin_plugin* raw_ = nullptr;
};

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

TEST(ChannelTemplate, WritesAMessageAndReportsAFolderThatIsNotThere) {
  fake_host host;
  loaded_plugin plugin(TEMPLATE_CHANNEL, host);
  EXPECT_EQ(sdk::view(plugin.entry->id), "my-channel");
  const auto& channel = plugin.table<tocsin_channel>(TOCSIN_EXT_CHANNEL);

  const auto folder = std::filesystem::temp_directory_path() / ("tocsin_template." + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  tocsin_token opened[2]{};
  const std::string paths[] = {(folder / "out.txt").string(), (folder / "missing" / "out.txt").string()};
  for (int i = 0; i < 2; ++i) {
    const std::string settings = sdk::json_writer().text("path", paths[i]).str();
    tocsin_endpoint endpoint{};
    endpoint.struct_size = sizeof(endpoint);
    endpoint.settings = sdk::to_abi(settings);
    tocsin_endpoint_info info{};
    info.struct_size = sizeof(info);
    ASSERT_EQ(channel.open(plugin.self(), &endpoint, &info, nullptr), TOCSIN_OK);
    opened[i] = info.token;

    tocsin_message message{};
    message.struct_size = sizeof(message);
    message.delivery = tocsin_token{static_cast<std::uint64_t>(i), 1};
    message.endpoint = info.token;
    message.recipient = sdk::to_abi("ops");
    message.subject = sdk::to_abi("Fire");
    message.text = sdk::to_abi("in the kitchen");
    const tocsin_message* batch = &message;
    channel.deliver(plugin.self(), &batch, 1);
  }
  ASSERT_EQ(host.outcomes.size(), 2u);
  EXPECT_EQ(host.outcomes[0].result, TOCSIN_CLASS_DELIVERED);
  EXPECT_EQ(host.outcomes[0].code, "OK");
  EXPECT_EQ(read_file(paths[0]), "To: ops\nSubject: Fire\n\nin the kitchen\n");
  EXPECT_EQ(host.outcomes[1].result, TOCSIN_CLASS_TRANSIENT);
  EXPECT_EQ(host.outcomes[1].code, "FILE_NOT_WRITTEN");
  for (const tocsin_token endpoint : opened) channel.close(plugin.self(), endpoint);
  std::filesystem::remove_all(folder);
}

TEST(ChannelTemplate, RefusesSettingsWithoutAPath) {
  fake_host host;
  loaded_plugin plugin(TEMPLATE_CHANNEL, host);
  tocsin_endpoint endpoint{};
  endpoint.struct_size = sizeof(endpoint);
  endpoint.settings = sdk::to_abi(R"({"path":""})");
  tocsin_endpoint_info info{};
  info.struct_size = sizeof(info);
  sdk::string_sink error;
  EXPECT_EQ(plugin.table<tocsin_channel>(TOCSIN_EXT_CHANNEL).open(plugin.self(), &endpoint, &info, error.get()),
            TOCSIN_FAILED);
  EXPECT_EQ(error.text(), "path is empty; name the file that messages go to");
}

TEST(SourceTemplate, CountsOnFromWhatItRemembered) {
  fake_host host;
  host.memory["count"] = "41";
  loaded_plugin plugin(TEMPLATE_SOURCE, host);
  const auto& source = plugin.table<tocsin_source>(TOCSIN_EXT_SOURCE);
  const auto& timer = plugin.table<tocsin_timer>(TOCSIN_EXT_TIMER);
  tocsin_source_config config{};
  config.struct_size = sizeof(config);
  config.name = sdk::to_abi("clock");
  config.settings = sdk::to_abi(R"({"interval":5000})");
  config.credits = 1;
  tocsin_token name{};
  ASSERT_EQ(source.open(plugin.self(), &config, &name, nullptr), TOCSIN_OK);
  ASSERT_EQ(host.timers.size(), 1u);
  EXPECT_EQ(host.timers.begin()->second, 5000u);
  timer.fired(plugin.self(), host.timers.begin()->first);
  timer.fired(plugin.self(), host.timers.begin()->first);
  ASSERT_EQ(host.publications.size(), 2u);
  EXPECT_EQ(host.publications[0].ids, std::vector<std::string>{"42"});
  EXPECT_EQ(host.publications[1].ids, std::vector<std::string>{"43"});
  EXPECT_EQ(host.memory["count"], "43");
  source.close(plugin.self(), name);
  EXPECT_TRUE(host.timers.empty());
}

}  // namespace
