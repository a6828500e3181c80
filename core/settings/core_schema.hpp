// The schemas of those parts of the settings file that the host itself understands.
#pragma once

#include <boost/json/object.hpp>

namespace tocsin {

// [host], [http], [events."GLOB"], [[routes]], [organizations.NAME] without channels and routes.
const boost::json::object& host_schema();
const boost::json::object& http_schema();
const boost::json::object& plugins_schema();
const boost::json::object& event_type_schema();
const boost::json::object& route_schema();
const boost::json::object& organization_schema();
// The keys of every channel and of every source that are not the plugin's.
const boost::json::object& channel_core_schema();
const boost::json::object& source_core_schema();
const boost::json::object& subscriber_core_schema();
const boost::json::object& secret_store_core_schema();
// [events] as it is before the file says anything: {"GLOB": {...}}.
const boost::json::object& built_in_event_types();

// The plugin's schema with the properties of `core` added, which win.
boost::json::object joined_schema(const boost::json::object& core, const boost::json::object& plugin);

}  // namespace tocsin
