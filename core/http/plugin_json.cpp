// Turns what is known of a plugin into JSON; the members are those of the contract.
#include "core/http/plugin_json.hpp"

#include <boost/json/array.hpp>

namespace tocsin {

boost::json::object to_json_object(const plugin_info& plugin) {
  boost::json::array provides;
  for (const auto& id : plugin.manifest.provides) provides.emplace_back(id);
  boost::json::value health = nullptr;
  if (plugin.health && plugin.state == plugin_state::active)
    health = {{"state", to_text(plugin.health->state)}, {"text", plugin.health->text}};
  return {{"file", plugin.file.string()},
          {"id", plugin.id},
          {"version", plugin.version},
          {"state", to_text(plugin.state)},
          {"reason", plugin.reason},
          {"provides", std::move(provides)},
          {"health", std::move(health)},
          {"signature", plugin.signature ? to_text(plugin.signature->state) : ""},
          {"signed_with", plugin.signature ? plugin.signature->key_file.string() : ""}};
}

}  // namespace tocsin
