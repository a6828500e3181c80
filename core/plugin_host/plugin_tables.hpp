// The extension tables that a plugin offers, checked against its manifest.
#pragma once

#include "core/model/fault.hpp"
#include "core/model/manifest.hpp"

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

#include <map>
#include <string>

namespace tocsin {

// Null where the plugin does not offer it.
struct plugin_tables {
  const tocsin_channel* channel = nullptr;
  const tocsin_source* source = nullptr;
  const tocsin_subscriber* subscriber = nullptr;
  const tocsin_doctor* doctor = nullptr;
  const tocsin_preset* preset = nullptr;
  const tocsin_health* health = nullptr;
  const tocsin_config* config = nullptr;
  const tocsin_timer* timer = nullptr;
  const tocsin_secret_store* secrets = nullptr;
  const tocsin_http_route* http_route = nullptr;
  std::map<std::string, const void*, std::less<>> all;  // every extension, services of other plugins' included
};

// Before anything of the plugin's is called: is the entry of an age that this host knows, and of the manifest's plugin?
result<void> check_entry(const tocsin_entry* entry, const manifest& about);

// Each id that the manifest provides must have a complete table, and none that it does not name may have one.
result<plugin_tables> fetch_tables(const tocsin_plugin& plugin, const manifest& about);

}  // namespace tocsin
