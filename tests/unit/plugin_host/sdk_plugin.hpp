// A plugin of the C++ SDK's, made inside the test, created and started as a host does it.
#pragma once

#include "core/plugin_host/plugin_lifetime.hpp"

#include "support.hpp"

#include <tocsin/sdk/plugin.hpp>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace tocsin::test {

// Stopped at the end unless it was before.
template <class Plugin>
class running_sdk_plugin {
 public:
  running_sdk_plugin(fake_house& house, std::vector<std::string> provides)
      : running_sdk_plugin(house.services(), std::move(provides)) {}
  running_sdk_plugin(plugin_host_services services, std::vector<std::string> provides)
      : instance_(make_instance(about(std::move(provides)), std::move(services), codes_)) {
    if (auto made = create_plugin(instance_, &entry_); !made) throw std::runtime_error(made.error().to_string());
    if (auto up = start_plugin(instance_, {}); !up) throw std::runtime_error(up.error().to_string());
  }
  ~running_sdk_plugin() {
    if (!stopped_) static_cast<void>(stop());
  }
  result<void> stop() {
    stopped_ = true;
    return stop_plugin(instance_, std::chrono::seconds(5));
  }

  plugin_instance& instance() { return instance_; }
  Plugin& object() { return *static_cast<Plugin*>(instance_.plugin->self); }

 private:
  static manifest about(std::vector<std::string> provides) {
    manifest made;
    made.id = "fake";
    made.version = "1.0.0";
    made.abi_major = 1;
    made.provides = std::move(provides);
    return made;
  }

  static constexpr tocsin_entry entry_ = sdk::make_entry<Plugin>("fake", "1.0.0");
  code_table codes_;
  plugin_instance& instance_;
  bool stopped_ = false;
};

}  // namespace tocsin::test
