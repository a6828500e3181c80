// The constraints that a preset's manifest puts on a channel's settings.
#pragma once

#include "core/settings/channel_layers.hpp"

namespace tocsin {

// Adds a warning for each broken constraint of severity "warning", and sets problem, if there is none yet, to the first
// broken one of severity "error". Constraints on secrets are passed over: their values are not known here.
void check_preset_constraints(const merged_channel& channel, const place& table, faults& warnings,
                              std::optional<fault>& problem);

}  // namespace tocsin
