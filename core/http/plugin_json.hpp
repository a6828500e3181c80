// A plugin's file as the API and `plugin list` show it.
#pragma once

#include "core/plugin_host/plugin_host.hpp"

#include <boost/json/object.hpp>

namespace tocsin {

boost::json::object to_json_object(const plugin_info& plugin);

}  // namespace tocsin
