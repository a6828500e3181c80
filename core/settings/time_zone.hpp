// Names of time zones, as IANA has them.
#pragma once

#include <string>

namespace tocsin {

// "Europe/Paris", "UTC", "GMT+02:00": a zone that times can be shown in.
bool is_time_zone(const std::string& name);

}  // namespace tocsin
