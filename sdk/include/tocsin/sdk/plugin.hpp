// SPDX-License-Identifier: Apache-2.0
// A plugin as a C++ class:
//
//   class my_channel : public tocsin::sdk::plugin, public tocsin::sdk::channel {
//    public:
//     using plugin::plugin;
//     ...
//   };
//   TOCSIN_PLUGIN(my_channel)
//
// The class offers the extensions whose classes it derives from: channel, source, subscriber, secret_store, doctor,
// preset, health, config, timer, http_route. Each id in the manifest's "provides" needs its class, and no other may be
// there. Build it with tocsin_add_plugin(), which gives the id and the version from the manifest.
#pragma once

#include <tocsin/abi/entry.h>
#include <tocsin/abi/ext/channel.h>
#include <tocsin/abi/ext/clock.h>
#include <tocsin/abi/ext/config.h>
#include <tocsin/abi/ext/doctor.h>
#include <tocsin/abi/ext/health.h>
#include <tocsin/abi/ext/http_route.h>
#include <tocsin/abi/ext/preset.h>
#include <tocsin/abi/ext/secret_store.h>
#include <tocsin/abi/ext/source.h>
#include <tocsin/abi/ext/subscriber.h>
#include <tocsin/sdk/exception_barrier.hpp>
#include <tocsin/sdk/host.hpp>

#include <memory>
#include <string_view>
#include <type_traits>

namespace tocsin::sdk {

class channel;
class source;
class subscriber;
class secret_store;
class doctor;
class preset;
class health;
class config;
class timer;
class http_route;

namespace detail {
template <class Plugin>
struct lifecycle;
}

// What every plugin is. An exception from any of its functions ends at the barrier: it fails the call or becomes a line
// in the log, never more.
class plugin {
 public:
  // [control] Make the object and no more: no thread, no file, no network before start().
  explicit plugin(const host_api& host) noexcept : host_(host) {}
  // [control] created, stopped. The last call.
  virtual ~plugin() = default;
  plugin(const plugin&) = delete;
  plugin& operator=(const plugin&) = delete;

  // [control] created, stopped. Look for services, start threads. The plugin counts as active from here on: host() may
  // be called as in that state; calls of the host's come after this has returned. An exception: the plugin does not
  // run, what() says why, and all is as before.
  virtual void start() {}

  // [control] active, draining. Finish or abandon all work. After it returns the plugin calls nothing of the host's and
  // has no thread. Endpoints, sources, subscriptions and stores that are still open are closed by it.
  virtual void stop() {}

  // [control] in any state. The C table of an extension that this SDK has no class for, such as tocsin.stream/1, or
  // null. The `self` that its functions get is the address of the object that TOCSIN_PLUGIN names, as that very type.
  virtual const void* extension(std::string_view /*id*/) { return nullptr; }

  const host_api& host() const noexcept { return host_; }

 private:
  template <class Plugin>
  friend struct detail::lifecycle;

  host_api host_;
  tocsin_plugin table_{};
};

namespace detail {

// Defined beside the classes, in channel.hpp and so on.
template <class Plugin>
struct channel_calls;
template <class Plugin>
struct source_calls;
template <class Plugin>
struct subscriber_calls;
template <class Plugin>
struct secret_store_calls;
template <class Plugin>
struct doctor_calls;
template <class Plugin>
struct preset_calls;
template <class Plugin>
struct health_calls;
template <class Plugin>
struct config_calls;
template <class Plugin>
struct timer_calls;
template <class Plugin>
struct http_route_calls;

template <class Plugin>
struct lifecycle {
  static_assert(std::is_base_of_v<plugin, Plugin>, "a plugin's class derives from tocsin::sdk::plugin");
  static_assert(std::is_constructible_v<Plugin, const host_api&>,
                "a plugin's class is made from the host: say `using plugin::plugin;` in it");

  static Plugin& object(void* self) noexcept { return *static_cast<Plugin*>(self); }

  static tocsin_status create(const tocsin_host* host, const tocsin_plugin** made, const tocsin_sink* error) noexcept {
    if (host == nullptr || made == nullptr || !TOCSIN_HAS_FIELD(tocsin_host, host, get_extension)) {
      write(error, "create() without a usable tocsin_host");
      return TOCSIN_INVALID;
    }
    return with_barrier(error, [&] {
      auto instance = std::make_unique<Plugin>(host_api(host));
      tocsin_plugin& table = static_cast<plugin&>(*instance).table_;
      table.struct_size = sizeof(tocsin_plugin);
      table.self = instance.get();
      table.get_extension = &get_extension;
      table.start = &start;
      table.stop = &stop;
      table.destroy = &destroy;
      *made = &table;
      instance.release();
    });
  }

  static const void* get_extension(void* self, tocsin_string id) noexcept {
    const std::string_view name = view(id);
    if constexpr (std::is_base_of_v<channel, Plugin>) {
      if (name == TOCSIN_EXT_CHANNEL) return &channel_calls<Plugin>::table;
    }
    if constexpr (std::is_base_of_v<source, Plugin>) {
      if (name == TOCSIN_EXT_SOURCE) return &source_calls<Plugin>::table;
    }
    if constexpr (std::is_base_of_v<subscriber, Plugin>) {
      if (name == TOCSIN_EXT_SUBSCRIBER) return &subscriber_calls<Plugin>::table;
    }
    if constexpr (std::is_base_of_v<secret_store, Plugin>) {
      if (name == TOCSIN_EXT_SECRETS) return &secret_store_calls<Plugin>::table;
    }
    if constexpr (std::is_base_of_v<doctor, Plugin>) {
      if (name == TOCSIN_EXT_DOCTOR) return &doctor_calls<Plugin>::table;
    }
    if constexpr (std::is_base_of_v<preset, Plugin>) {
      if (name == TOCSIN_EXT_PRESET) return &preset_calls<Plugin>::table;
    }
    if constexpr (std::is_base_of_v<health, Plugin>) {
      if (name == TOCSIN_EXT_HEALTH) return &health_calls<Plugin>::table;
    }
    if constexpr (std::is_base_of_v<config, Plugin>) {
      if (name == TOCSIN_EXT_CONFIG) return &config_calls<Plugin>::table;
    }
    if constexpr (std::is_base_of_v<timer, Plugin>) {
      if (name == TOCSIN_EXT_TIMER) return &timer_calls<Plugin>::table;
    }
    if constexpr (std::is_base_of_v<http_route, Plugin>) {
      if (name == TOCSIN_EXT_HTTP_ROUTE) return &http_route_calls<Plugin>::table;
    }
    const void* found = nullptr;
    plugin& base = object(self);
    with_barrier(base.host(), "get_extension", [&] { found = base.extension(name); });
    return found;
  }

  static tocsin_status start(void* self, const tocsin_sink* error) noexcept {
    plugin& base = object(self);
    return with_barrier(error, [&] { base.start(); });
  }

  static void stop(void* self) noexcept {
    plugin& base = object(self);
    with_barrier(base.host(), "stop", [&] { base.stop(); });
  }

  static void destroy(void* self) noexcept { delete &object(self); }
};

}  // namespace detail

// A plugin's introduction: what TOCSIN_PLUGIN returns. For a test that holds a plugin's class without its library.
template <class Plugin>
constexpr tocsin_entry make_entry(std::string_view id, std::string_view version) noexcept {
  return tocsin_entry{sizeof(tocsin_entry), TOCSIN_ABI_VERSION, to_abi(id), to_abi(version),
                      &detail::lifecycle<Plugin>::create};
}

}  // namespace tocsin::sdk

// Once in a plugin's library, outside of any namespace.
#define TOCSIN_PLUGIN(CLASS)                                                                                         \
  extern "C" TOCSIN_EXPORT const tocsin_entry* tocsin_plugin_entry_v1(void) {                                        \
    static constexpr tocsin_entry entry = ::tocsin::sdk::make_entry<CLASS>(TOCSIN_PLUGIN_ID, TOCSIN_PLUGIN_VERSION); \
    return &entry;                                                                                                   \
  }                                                                                                                  \
  static_assert(true, "so that a semicolon may follow")
