// SPDX-License-Identifier: Apache-2.0
// The tables that a plugin offers, against its manifest.
#include "sdk/conformance/src/case.hpp"

#include <tocsin/abi/ext/config.h>
#include <tocsin/abi/ext/health.h>
#include <tocsin/abi/ext/http_client.h>
#include <tocsin/abi/ext/preset.h>
#include <tocsin/abi/ext/signin.h>
#include <tocsin/abi/ext/stream.h>
#include <tocsin/abi/ext/subscriber.h>

#include <cstring>

namespace tocsin::conformance {
namespace {

// Every table is a header of 8 bytes and then functions.
struct known_table {
  const char* id;
  std::uint32_t size;
  std::uint32_t may_be_null = 0;  // the number of the function, from 1
};
constexpr known_table known_tables[] = {
    {TOCSIN_EXT_CHANNEL, sizeof(tocsin_channel)},       {TOCSIN_EXT_SOURCE, sizeof(tocsin_source)},
    {TOCSIN_EXT_SUBSCRIBER, sizeof(tocsin_subscriber)}, {TOCSIN_EXT_DOCTOR, sizeof(tocsin_doctor)},
    {TOCSIN_EXT_PRESET, sizeof(tocsin_preset)},         {TOCSIN_EXT_SECRETS, sizeof(tocsin_secret_store)},
    {TOCSIN_EXT_STREAM, sizeof(tocsin_stream)},         {TOCSIN_EXT_HTTP_CLIENT, sizeof(tocsin_http_client)},
    {TOCSIN_EXT_SIGNIN, sizeof(tocsin_signin)},         {TOCSIN_EXT_HEALTH, sizeof(tocsin_health)},
    {TOCSIN_EXT_CONFIG, sizeof(tocsin_config), 2},      {TOCSIN_EXT_HTTP_ROUTE, sizeof(tocsin_http_route)},
    {TOCSIN_EXT_TIMER, sizeof(tocsin_timer)},
};

void check_functions(const law& about, const known_table& known, const void* table) {
  constexpr std::uint32_t header = 8;
  const std::uint32_t count = (known.size - header) / sizeof(void*);
  for (std::uint32_t index = 0; index < count; ++index) {
    const void* function = nullptr;
    std::memcpy(&function, static_cast<const char*>(table) + header + index * sizeof(void*), sizeof(function));
    if (function == nullptr && index + 1 != known.may_be_null)
      blackbox::breach(about, "function " + std::to_string(index + 1) + " of its table for " + known.id + " is null");
  }
}

void as_the_manifest_says(bench& on, const law& about) {
  running plugin(on);
  plugin.must_create();
  for (const std::string& id : on.about.provides)
    if (plugin.extension(id) == nullptr)
      blackbox::breach(about, "its manifest provides " + id + ", and it has no such table");
  for (const known_table& known : known_tables) {
    const void* table = plugin.extension(known.id);
    if (table == nullptr) continue;
    if (!on.provides(known.id)) {
      blackbox::breach(about, std::string("it has a table for ") + known.id + ", which its manifest does not provide");
      continue;
    }
    if (table != plugin.extension(known.id))
      blackbox::breach(about, std::string("it gives another table for ") + known.id + " at the second call");
    if (check_struct(plugin.host, table, known.size, known.id)) check_functions(about, known, table);
  }
}

void unknown_id_is_null(bench& on, const law& about) {
  running plugin(on);
  plugin.must_create();
  std::vector<std::string> ids{"",  "tocsin.unheard-of/1", "tocsin.channel/2",
                               "t", std::string(3, '\0'),  std::string(70'000, 'x')};
  for (const std::string& id : on.about.provides) {
    ids.push_back(id.substr(0, id.size() - 1));
    ids.push_back(id + "x");
    ids.push_back(id + std::string(1, '\0'));
  }
  for (const std::string& id : ids)
    if (plugin.extension(id) != nullptr) blackbox::breach(about, "it has a table for " + shown(id));
}

}  // namespace

case_table extension_cases() {
  return {
      {"extensions.as-the-manifest-says",
       {"each id of the manifest's \"provides\" has one whole table, and no other id has any", "tocsin/abi/plugin.h",
        "get_extension [control] in any state"},
       as_the_manifest_says},
      {"extensions.unknown-id-is-null",
       {"an id that the plugin does not know gives null, whatever its length", "tocsin/abi/plugin.h",
        "get_extension [control] in any state"},
       unknown_id_is_null},
  };
}

}  // namespace tocsin::conformance
