// Finds plugin files in folders and says of each whether it can be loaded.
#include "core/plugin_host/files/discovery.hpp"

#include "core/plugin_host/files/manifest_reader.hpp"
#include "core/plugin_host/files/system_libraries.hpp"
#include "core/settings/manifest_check.hpp"

#include <tocsin/abi/version.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <utility>

namespace tocsin {
namespace {

namespace fs = std::filesystem;

result<void> check_abi(const manifest& about) {
  if (about.abi_major == TOCSIN_ABI_MAJOR && about.abi_minor <= TOCSIN_ABI_MINOR) return {};
  const auto version = [](std::uint32_t major, std::uint32_t minor) {
    return std::to_string(major) + "." + std::to_string(minor);
  };
  const bool newer = about.abi_major >= TOCSIN_ABI_MAJOR;
  return fault{"PLUGIN_REFUSED",
               "it was built for plugin ABI " + version(about.abi_major, about.abi_minor) + ", and this host has " +
                   version(TOCSIN_ABI_MAJOR, TOCSIN_ABI_MINOR) + ".",
               newer ? "Update Tocsin, or install a plugin that was built for this version."
                     : "Install a newer version of the plugin.",
               {}};
}

// MAJOR.MINOR.PATCH as numbers; a manifest's version has that form.
std::array<std::uint64_t, 3> numbers(const std::string& version) {
  std::array<std::uint64_t, 3> parts{};
  const char* at = version.data();
  const char* const end = at + version.size();
  for (std::uint64_t& part : parts) {
    at = std::from_chars(at, end, part).ptr;
    if (at != end) ++at;
  }
  return parts;
}

void refuse_duplicate(plugin_info& lower, const plugin_info& higher) {
  lower.state = plugin_state::refused;
  lower.reason = "it is a duplicate of " + higher.file.string() + ", which offers \"" + higher.id + "\" in version " +
                 higher.version + ". Remove one of the two.";
}

void settle_duplicates(std::vector<plugin_info>& found) {
  std::map<std::string, std::size_t> serving;
  for (std::size_t index = 0; index < found.size(); ++index) {
    if (found[index].state != plugin_state::verified) continue;
    const auto [other, first] = serving.emplace(found[index].id, index);
    if (first) continue;
    if (numbers(found[index].version) > numbers(found[other->second].version)) {
      refuse_duplicate(found[other->second], found[index]);
      other->second = index;
    } else {
      refuse_duplicate(found[index], found[other->second]);
    }
  }
}

fault folder_fault(const fs::path& folder, std::string what, std::string remedy) {
  return {"SETTINGS_INVALID",
          "the plugin folder " + folder.string() + " " + std::move(what),
          std::move(remedy),
          {.file = {}, .key = "host.plugin_dirs"}};
}

// The names that end in .so, sorted; a fault if the folder is none.
result<std::vector<fs::path>> list_folder(const fs::path& folder, faults& warnings) {
  std::vector<fs::path> files;
  std::error_code error;
  const fs::file_status status = fs::status(folder, error);
  if (status.type() == fs::file_type::not_found) {
    warnings.push_back(folder_fault(folder, "does not exist.", "Create it, or take it out of plugin_dirs."));
    return files;
  }
  if (!error && !fs::is_directory(status))
    return folder_fault(folder, "is no folder.", "Name the folder that the plugins are in.");
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    if (at->path().extension() == ".so") files.push_back(at->path());
  if (error) {
    warnings.push_back(
        folder_fault(folder, "cannot be read: " + error.message() + ".", "Give the host's user the right to read it."));
  }
  std::sort(files.begin(), files.end());
  return files;
}

void warn_of_signature(const plugin_info& info, faults& warnings) {
  if (!wants_warning(*info.signature, info.built_in, *info.policy)) return;
  warnings.push_back({"PLUGIN_UNTRUSTED",
                      "The plugin \"" + info.id + "\" is used all the same: " + info.signature->reason,
                      "Install a build that is signed with a trusted key; [plugins] signed says what is asked for.",
                      {.file = info.file.string(), .key = {}}});
}

}  // namespace

std::string_view to_text(plugin_state state) {
  switch (state) {
    case plugin_state::discovered:
      return "discovered";
    case plugin_state::refused:
      return "refused";
    case plugin_state::verified:
      return "verified";
    case plugin_state::loaded:
      return "loaded";
    case plugin_state::created:
      return "created";
    case plugin_state::active:
      return "active";
    case plugin_state::draining:
      return "draining";
    case plugin_state::stopped:
      return "stopped";
    case plugin_state::failed:
      return "failed";
    case plugin_state::quarantined:
      return "quarantined";
  }
  return "unknown";
}

result<verified_library> verify_library(const plugin_file& file) {
  auto notes = read_library_notes(file.bytes());
  if (!notes) return notes.error();
  if (!notes->search_path.empty()) {
    return fault{"PLUGIN_REFUSED",
                 "it has a search path for libraries of its own (RPATH or RUNPATH " + notes->search_path +
                     "), which leads around what the system trusts.",
                 "Build it without one (CMAKE_SKIP_RPATH).",
                 {}};
  }
  if (auto found = check_needed(notes->needed); !found) return found.error();
  auto manifest = read_manifest(notes->manifest);
  if (!manifest) {
    fault why = manifest.error();
    const std::string where = why.place.line > 0       ? "line " + std::to_string(why.place.line) + ": "
                              : !why.place.key.empty() ? "\"" + why.place.key + "\" "
                                                       : "";
    why.what = "its manifest is wrong: " + where + why.what;
    why.place = {};
    return why;
  }
  if (auto known = check_abi(*manifest); !known) return known.error();
  return verified_library{std::move(*manifest), std::move(notes->build_id)};
}

result<verified_file> verify_plugin(const fs::path& path, const signature_policy& policy,
                                    std::optional<signature_finding>& signature) {
  auto file = plugin_file::read(path);
  if (!file) return file.error();
  signature = check_signature(file->bytes(), policy.trusted);
  const bool built_in = is_built_in(*file, policy);
  if (auto wanted = check_demand(*signature, built_in, policy); !wanted) return wanted.error();
  auto library = verify_library(*file);
  if (!library) return library.error();
  return verified_file{std::move(*file), std::move(library->manifest), std::move(library->build_id), built_in};
}

plugin_info inspect_plugin(const fs::path& file, const signature_policy_ptr& policy) {
  plugin_info info;
  info.file = file;
  info.policy = policy ? policy : std::make_shared<const signature_policy>();
  auto verified = verify_plugin(file, *info.policy, info.signature);
  if (!verified) {
    info.state = plugin_state::refused;
    info.reason = verified.error().to_string();
    return info;
  }
  info.state = plugin_state::verified;
  info.id = verified->manifest.id;
  info.version = verified->manifest.version;
  info.build_id = std::move(verified->build_id);
  info.content = verified->file.content_hash();
  info.built_in = verified->built_in;
  info.manifest = std::move(verified->manifest);
  return info;
}

result<std::vector<plugin_info>> discover_plugins(std::span<const fs::path> folders, faults& warnings,
                                                  const signature_policy_ptr& policy) {
  std::vector<plugin_info> found;
  std::set<fs::path> seen;
  for (const fs::path& folder : folders) {
    std::error_code ignored;
    if (!seen.insert(fs::weakly_canonical(folder, ignored)).second) continue;  // named twice
    const auto files = list_folder(folder, warnings);
    if (!files) return files.error();
    for (const fs::path& file : *files) found.push_back(inspect_plugin(file, policy));
  }
  settle_duplicates(found);
  for (const plugin_info& info : found)
    if (info.state == plugin_state::verified) warn_of_signature(info, warnings);
  return found;
}

}  // namespace tocsin
