// Turns what is known of a plugin into JSON; the members are those of the contract.
#include "core/http/plugin_json.hpp"

#include <boost/json/array.hpp>

namespace tocsin {

boost::json::object to_json_object(const plugin_info& plugin) {
  boost::json::array provides;
  for (const auto& id : plugin.manifest.provides) provides.emplace_back(id);
  return {{"file", plugin.file.string()},   {"id", plugin.id},         {"version", plugin.version},
          {"state", to_text(plugin.state)}, {"reason", plugin.reason}, {"provides", std::move(provides)}};
}

}  // namespace tocsin
