// The plugin as the library that a host loads: opening, timers, closing while a look is under way.
#include "unit/license_status/temporary_folder.hpp"
#include "unit/sdk/fake_host.hpp"

#include <tocsin/abi/entry.h>
#include <tocsin/abi/ext/clock.h>
#include <tocsin/abi/ext/source.h>
#include <tocsin/sdk/json.hpp>

#include <gtest/gtest.h>

#include <dlfcn.h>
#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>

namespace {

namespace sdk = tocsin::sdk;
using tocsin::test::fake_host;
using tocsin::test::temporary_folder;

class loaded_license_status {
 public:
  explicit loaded_license_status(const fake_host& host) {
    void* library = dlopen(LICENSE_STATUS_PLUGIN, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) throw std::runtime_error(dlerror());
    const auto* entry = reinterpret_cast<decltype(&tocsin_plugin_entry_v1)>(dlsym(library, TOCSIN_ENTRY_SYMBOL))();
    if (entry->create(host.raw(), &plugin_, nullptr) != TOCSIN_OK) throw std::runtime_error("create() failed");
    source_ = static_cast<const tocsin_source*>(plugin_->get_extension(self(), sdk::to_abi(TOCSIN_EXT_SOURCE)));
    timer_ = static_cast<const tocsin_timer*>(plugin_->get_extension(self(), sdk::to_abi(TOCSIN_EXT_TIMER)));
    if (plugin_->start(self(), nullptr) != TOCSIN_OK) throw std::runtime_error("start() failed");
  }
  ~loaded_license_status() { plugin_->destroy(self()); }

  tocsin_status open(const std::string& settings, tocsin_token& name, std::string& reason) const {
    tocsin_source_config config{};
    config.struct_size = sizeof(config);
    config.name = sdk::to_abi("main");
    config.settings = sdk::to_abi(settings);
    config.credits = 1;
    sdk::string_sink error;
    const tocsin_status status = source_->open(self(), &config, &name, error.get());
    reason = error.text();
    return status;
  }
  void close(tocsin_token name) const { source_->close(self(), name); }
  void fire(std::uint64_t id) const { timer_->fired(self(), id); }
  void stop() const { plugin_->stop(self()); }

 private:
  void* self() const { return plugin_->self; }

  const tocsin_plugin* plugin_ = nullptr;
  const tocsin_source* source_ = nullptr;
  const tocsin_timer* timer_ = nullptr;
};

std::string settings_for(const temporary_folder& folder) {
  return sdk::json_writer()
      .text("path", (folder.path() / "license.json").string())
      .integer("interval", 2000)
      .raw("steps", "[30]")
      .str();
}

TEST(LicensePlugin, PublishesAfterOpenHasReturnedAndLooksAgainAtItsInterval) {
  temporary_folder folder;
  folder.write("license.json", R"({"product":"P","holder":"H","expires":"1970-01-11T00:00:00Z"})");
  fake_host host;
  loaded_license_status plugin(host);
  tocsin_token name{};
  std::string reason;
  ASSERT_EQ(plugin.open(settings_for(folder), name, reason), TOCSIN_OK) << reason;
  EXPECT_TRUE(host.publications.empty());
  ASSERT_EQ(host.timers.size(), 1u);
  const auto [timer, delay] = *host.timers.begin();
  EXPECT_EQ(delay, 0u);
  plugin.fire(timer);
  EXPECT_EQ(host.timers.at(timer), 2000u);
  ASSERT_EQ(host.publications.size(), 1u);
  EXPECT_TRUE(sdk::same(host.publications[0].source, name));
  plugin.stop();
}

TEST(LicensePlugin, RefusesSettingsAndAHostWithoutTimersWithAReason) {
  fake_host host({TOCSIN_HOST_TIMER});
  loaded_license_status plugin(host);
  tocsin_token name{};
  std::string reason;
  EXPECT_NE(plugin.open(R"({"path":""})", name, reason), TOCSIN_OK);
  EXPECT_EQ(reason, "path is empty; name a license file or a folder of them");
  EXPECT_EQ(plugin.open(R"({"path":"/nowhere"})", name, reason), TOCSIN_UNSUPPORTED);
  EXPECT_NE(reason.find("no timers"), std::string::npos);
  plugin.stop();
}

TEST(LicensePlugin, DoesNothingForASourceThatIsClosed) {
  temporary_folder folder;
  folder.write("license.json", R"({"product":"P","holder":"H","expires":"1970-01-11T00:00:00Z"})");
  fake_host host;
  loaded_license_status plugin(host);
  tocsin_token name{};
  std::string reason;
  ASSERT_EQ(plugin.open(settings_for(folder), name, reason), TOCSIN_OK);
  const std::uint64_t timer = host.timers.begin()->first;
  plugin.close(name);
  EXPECT_TRUE(host.timers.empty());
  plugin.fire(timer);
  plugin.close(name);
  EXPECT_TRUE(host.publications.empty());
  plugin.stop();
}

TEST(LicensePlugin, CallsNothingOfTheHostsAfterStopThoughALookWasUnderWay) {
  for (int round = 0; round < 50; ++round) {
    temporary_folder folder;
    folder.write("license.json", R"({"product":"P","holder":"H","expires":"1970-01-11T00:00:00Z"})");
    fake_host host;
    loaded_license_status plugin(host);
    tocsin_token name{};
    std::string reason;
    ASSERT_EQ(plugin.open(settings_for(folder), name, reason), TOCSIN_OK);
    const std::uint64_t timer = host.timers.begin()->first;
    std::atomic<bool> stopped{false};
    // As from a pool's thread; the fake host is not synchronized, so that a race with it shows under ThreadSanitizer.
    std::thread worker([&] {
      while (!stopped) plugin.fire(timer);
    });
    plugin.stop();
    const std::size_t before = host.publications.size();
    host.publications.clear();
    stopped = true;
    worker.join();
    EXPECT_LE(before, 1u);
    EXPECT_TRUE(host.publications.empty());
  }
}

}  // namespace
