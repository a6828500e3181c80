// Reads and checks the routes of the host and of every organization.
#pragma once

#include "core/settings/settings_file.hpp"

namespace tocsin {

// After the channels and organizations, which routes name.
void read_routes(settings_file& file);

}  // namespace tocsin
