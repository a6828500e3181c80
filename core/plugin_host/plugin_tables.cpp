// Checks what a plugin says of itself at run time against what its manifest promised.
#include "core/plugin_host/plugin_tables.hpp"

#include "core/plugin_host/abi_values.hpp"

#include <tocsin/abi/version.h>

namespace tocsin {
namespace {

fault disagrees(std::string what) {
  return {"PLUGIN_REFUSED", std::move(what), "Tell the plugin's author; another version of it may be right.", {}};
}

std::string version_text(std::uint32_t version) {
  return std::to_string(TOCSIN_ABI_MAJOR_OF(version)) + "." + std::to_string(TOCSIN_ABI_MINOR_OF(version));
}

// Which function of a table is missing; null: none. Every table begins with its size.
#define TOCSIN_MISSING(TYPE, TABLE, FUNCTION) (!TOCSIN_HAS_FIELD(TYPE, TABLE, FUNCTION) || (TABLE)->FUNCTION == nullptr)

const char* missing(const tocsin_channel* table) {
  if (TOCSIN_MISSING(tocsin_channel, table, open)) return "open";
  if (TOCSIN_MISSING(tocsin_channel, table, close)) return "close";
  if (TOCSIN_MISSING(tocsin_channel, table, deliver)) return "deliver";
  if (TOCSIN_MISSING(tocsin_channel, table, cancel)) return "cancel";
  return nullptr;
}

const char* missing(const tocsin_source* table) {
  if (TOCSIN_MISSING(tocsin_source, table, open)) return "open";
  if (TOCSIN_MISSING(tocsin_source, table, close)) return "close";
  if (TOCSIN_MISSING(tocsin_source, table, published)) return "published";
  return nullptr;
}

const char* missing(const tocsin_subscriber* table) {
  if (TOCSIN_MISSING(tocsin_subscriber, table, open)) return "open";
  if (TOCSIN_MISSING(tocsin_subscriber, table, close)) return "close";
  if (TOCSIN_MISSING(tocsin_subscriber, table, events)) return "events";
  return nullptr;
}

const char* missing(const tocsin_doctor* table) {
  return TOCSIN_MISSING(tocsin_doctor, table, diagnose) ? "diagnose" : nullptr;
}

const char* missing(const tocsin_preset* table) {
  return TOCSIN_MISSING(tocsin_preset, table, check) ? "check" : nullptr;
}

const char* missing(const tocsin_health* table) {
  return TOCSIN_MISSING(tocsin_health, table, check) ? "check" : nullptr;
}

const char* missing(const tocsin_config* table) {
  return TOCSIN_MISSING(tocsin_config, table, check) ? "check" : nullptr;
}

const char* missing(const tocsin_timer* table) {
  return TOCSIN_MISSING(tocsin_timer, table, fired) ? "fired" : nullptr;
}

const char* missing(const tocsin_secret_store* table) {
  if (TOCSIN_MISSING(tocsin_secret_store, table, open)) return "open";
  if (TOCSIN_MISSING(tocsin_secret_store, table, close)) return "close";
  if (TOCSIN_MISSING(tocsin_secret_store, table, fetch)) return "fetch";
  return nullptr;
}

const char* missing(const tocsin_http_route* table) {
  return TOCSIN_MISSING(tocsin_http_route, table, call) ? "call" : nullptr;
}

const char* missing(const tocsin_plugin* plugin) {
  if (TOCSIN_MISSING(tocsin_plugin, plugin, get_extension)) return "get_extension";
  if (TOCSIN_MISSING(tocsin_plugin, plugin, start)) return "start";
  if (TOCSIN_MISSING(tocsin_plugin, plugin, stop)) return "stop";
  if (TOCSIN_MISSING(tocsin_plugin, plugin, destroy)) return "destroy";
  return nullptr;
}

#undef TOCSIN_MISSING

const void* ask(const tocsin_plugin& plugin, std::string_view id) {
  return plugin.get_extension(plugin.self, abi::borrow(id));
}

// Takes one of the extensions that the host itself calls.
template <class Table>
result<void> take(const tocsin_plugin& plugin, const manifest& about, std::string_view id, const Table*& into) {
  if (!about.provides_extension(id)) {
    if (!ask(plugin, id)) return {};
    return disagrees("it offers " + std::string(id) + ", which its manifest does not name in \"provides\".");
  }
  into = static_cast<const Table*>(ask(plugin, id));
  if (!into) return disagrees("its manifest provides " + std::string(id) + ", but the plugin has no such table.");
  if (const char* function = missing(into))
    return disagrees("its table for " + std::string(id) + " has no function \"" + function + "\".");
  return {};
}

}  // namespace

result<void> check_entry(const tocsin_entry* entry, const manifest& about) {
  if (!entry) return disagrees("its function tocsin_plugin_entry_v1 returned nothing.");
  if (!TOCSIN_HAS_FIELD(tocsin_entry, entry, create)) return disagrees("its entry is too short to be of this ABI.");
  if (TOCSIN_ABI_MAJOR_OF(entry->abi_version) != TOCSIN_ABI_MAJOR ||
      TOCSIN_ABI_MINOR_OF(entry->abi_version) > TOCSIN_ABI_MINOR) {
    return fault{"PLUGIN_REFUSED",
                 "it was built for plugin ABI " + version_text(entry->abi_version) + ", and this host has " +
                     version_text(TOCSIN_ABI_VERSION) + ".",
                 "Update Tocsin, or install a plugin that was built for this version.",
                 {}};
  }
  if (abi::view(entry->id) != about.id) {
    return disagrees("it calls itself \"" + abi::line(entry->id, 64) + "\", but its manifest says \"" + about.id +
                     "\".");
  }
  if (abi::view(entry->version) != about.version) {
    return disagrees("it says that its version is " + abi::line(entry->version, 64) + ", but its manifest says " +
                     about.version + ".");
  }
  if (!entry->create) return disagrees("its entry has no function \"create\".");
  return {};
}

result<plugin_tables> fetch_tables(const tocsin_plugin& plugin, const manifest& about) {
  if (const char* function = missing(&plugin))
    return disagrees(std::string("it has no function \"") + function + "\".");
  plugin_tables tables;
  if (auto taken = take(plugin, about, TOCSIN_EXT_CHANNEL, tables.channel); !taken) return taken.error();
  if (auto taken = take(plugin, about, TOCSIN_EXT_SOURCE, tables.source); !taken) return taken.error();
  if (auto taken = take(plugin, about, TOCSIN_EXT_SUBSCRIBER, tables.subscriber); !taken) return taken.error();
  if (auto taken = take(plugin, about, TOCSIN_EXT_DOCTOR, tables.doctor); !taken) return taken.error();
  if (auto taken = take(plugin, about, TOCSIN_EXT_PRESET, tables.preset); !taken) return taken.error();
  if (auto taken = take(plugin, about, TOCSIN_EXT_HEALTH, tables.health); !taken) return taken.error();
  if (auto taken = take(plugin, about, TOCSIN_EXT_CONFIG, tables.config); !taken) return taken.error();
  if (auto taken = take(plugin, about, TOCSIN_EXT_TIMER, tables.timer); !taken) return taken.error();
  if (auto taken = take(plugin, about, TOCSIN_EXT_SECRETS, tables.secrets); !taken) return taken.error();
  if (auto taken = take(plugin, about, TOCSIN_EXT_HTTP_ROUTE, tables.http_route); !taken) return taken.error();
  for (const std::string& id : about.provides) {
    const void* table = ask(plugin, id);
    if (!table) return disagrees("its manifest provides " + id + ", but the plugin has no such table.");
    tables.all.emplace(id, table);
  }
  return tables;
}

}  // namespace tocsin
