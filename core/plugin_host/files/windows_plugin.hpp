// What a plugin's library for Windows says of itself, on a host that cannot load it.
#pragma once

#include "core/plugin_host/plugin_host.hpp"

#include <filesystem>
#include <optional>

namespace tocsin {

// Nothing where the file is no program or library for Windows, or cannot be read. Else its manifest: the state is
// discovered, and the reason says for which system it is; or refused with the reason, where it is no sound plugin.
std::optional<plugin_info> inspect_windows_plugin(const std::filesystem::path& file,
                                                  const signature_policy_ptr& policy = nullptr);

}  // namespace tocsin
