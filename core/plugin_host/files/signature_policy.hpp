// Which signatures a host asks of plugin files.
#pragma once

#include "core/plugin_host/files/plugin_file.hpp"
#include "core/plugin_host/files/signature.hpp"
#include "core/settings/settings.hpp"

#include <filesystem>
#include <memory>
#include <vector>

namespace tocsin {

// [plugins] signed and trusted_keys, as they were when the files were looked at.
struct signature_policy {
  signed_plugins demand = signed_plugins::off;
  std::vector<trusted_key> trusted;
  std::filesystem::path installation;  // the built-in folder: as trusted as the program itself; empty: none
};
using signature_policy_ptr = std::shared_ptr<const signature_policy>;

// The file was read out of the folder of the installation.
bool is_built_in(const plugin_file& file, const signature_policy& policy);

// A fault: the file is not to be loaded. With `required` all but a valid signature; with `warn`, and for built-in
// plugins, one that does not hold.
result<void> check_demand(const signature_finding& found, bool built_in, const signature_policy& policy);

// Loaded all the same, and the operator is to know.
bool wants_warning(const signature_finding& found, bool built_in, const signature_policy& policy);

}  // namespace tocsin
