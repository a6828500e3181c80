// What of a plugin's is opened by a name of the settings and closed again: a secret store, a subscription.
#pragma once

#include "core/model/fault.hpp"

#include <tocsin/abi/types.h>

#include <functional>
#include <string>
#include <string_view>

namespace tocsin {

struct plugin_instance;

struct table_opening {
  std::string name;      // NAME of [secrets.NAME], [subscribers.NAME]
  std::string settings;  // JSON
};

// How one kind of them is spoken of, and called. Literals only.
struct opened_kind {
  std::string_view thing;    // "secret store"
  std::string_view subject;  // "store": in the record of a call
  std::string_view remedy;   // for settings that are refused
  std::string_view table;    // "secrets"
  std::string_view open;     // "secrets.open"
  std::string_view close;    // "secrets.close"
};

fault opening_refused(const opened_kind& kind, const std::string& name, std::string what);

// As the plugin's own functions, with name and settings borrowed for the call.
using open_function = std::function<tocsin_status(plugin_instance& instance, tocsin_string name, tocsin_string settings,
                                                  tocsin_token& token, const tocsin_sink* error)>;
using close_function = std::function<void(plugin_instance& instance, tocsin_token token)>;

// The token that names it from now on. A fault, SETTINGS_INVALID: the plugin refuses the settings, or does not come
// back. [control]
result<tocsin_token> open_named(plugin_instance& instance, const opened_kind& kind, const table_opening& opening,
                                open_function open);
// Nothing happens if the plugin does not run any more. [control]
void close_named(plugin_instance& instance, const opened_kind& kind, const std::string& name, tocsin_token token,
                 close_function close);

}  // namespace tocsin
