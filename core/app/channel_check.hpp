// What the plugins themselves say of the channels' settings, for `config check`.
#pragma once

#include "core/app/workbench.hpp"

namespace tocsin::app {

struct channel_findings {
  faults errors;    // the channel would be paused
  faults warnings;  // it works, but somebody should look
};

// Runs the channels' plugins and presets, opens each endpoint that has no fault yet and closes it again; nothing is
// connected. Each fault bears the place of the setting that it is about, else of the channel's `plugin`.
channel_findings check_channels(const configuration& found);

}  // namespace tocsin::app
