// What a library for Windows says of itself: its file is read as every plugin file is, then its sections.
#include "core/plugin_host/files/windows_plugin.hpp"

#include "core/plugin_host/files/pe_manifest_reader.hpp"
#include "core/plugin_host/files/plugin_file.hpp"
#include "core/settings/manifest_check.hpp"

namespace tocsin {

std::optional<plugin_info> inspect_windows_plugin(const std::filesystem::path& path,
                                                  const signature_policy_ptr& policy) {
  const auto file = plugin_file::read(path);
  if (!file || !is_pe_file(file->bytes())) return std::nullopt;
  plugin_info info;
  info.file = path;
  info.state = plugin_state::refused;
  info.policy = policy ? policy : std::make_shared<const signature_policy>();
  info.signature = check_signature(file->bytes(), info.policy->trusted);
  if (info.signature->state == signature_state::invalid) {
    info.reason = info.signature->reason + " Install it again from where it comes from.";
    return info;
  }
  auto notes = read_pe_notes(file->bytes());
  if (!notes) {
    info.reason = notes.error().to_string();
    return info;
  }
  auto manifest = read_manifest(notes->manifest);
  if (!manifest) {
    info.reason = "its manifest is wrong: " + manifest.error().to_string();
    return info;
  }
  info.state = plugin_state::discovered;
  info.reason = "it is for Windows (" + notes->machine + "): a host there can load it, this one cannot.";
  info.id = manifest->id;
  info.version = manifest->version;
  info.build_id = std::move(notes->build_id);
  info.manifest = std::move(*manifest);
  return info;
}

}  // namespace tocsin
