// `tocsin plugin sign` and `plugin verify`: put a signature behind a plugin's library, and check one.
#include <boost/json.hpp>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/app/commands.hpp"
#include "core/app/console.hpp"
#include "core/app/workbench.hpp"
#include "core/plugin_host/files/manifest_reader.hpp"
#include "core/plugin_host/files/pe_manifest_reader.hpp"
#include "core/plugin_host/files/signature.hpp"
#include "core/runtime/whole_file.hpp"

namespace tocsin::app {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t machine_offset = 18;  // of e_machine in an ELF header
constexpr mode_t permissions = 07777;
constexpr off_t max_plugin_bytes = off_t{512} * 1024 * 1024;

fault file_fault(const fs::path& file, const std::string& what, int error) {
  return {"FILE_UNUSABLE",
          file.string() + " " + what + ": " + std::strerror(error) + ".",
          "Check its name, its rights and the room on the disk.",
          {}};
}

struct plugin_bytes {
  std::string text;
  mode_t mode = 0;
  std::span<const std::byte> bytes() const { return std::as_bytes(std::span(text)); }
};

result<plugin_bytes> read_plugin(const fs::path& file) {
  // O_NONBLOCK: a FIFO must not hold the command up.
  const open_file opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat seen {};
  if (opened.descriptor() < 0 || ::fstat(opened.descriptor(), &seen) != 0)
    return file_fault(file, "cannot be read", errno);
  if (!S_ISREG(seen.st_mode))
    return fault{"FILE_UNUSABLE", file.string() + " is no regular file.", "Name the plugin's library.", {}};
  if (seen.st_size > max_plugin_bytes)
    return fault{"FILE_UNUSABLE", file.string() + " is larger than the 512 MiB that a host takes.", "Strip it.", {}};
  plugin_bytes read;
  read.mode = seen.st_mode & permissions;
  read.text.resize(static_cast<std::size_t>(seen.st_size));
  std::size_t have = 0;
  while (have < read.text.size()) {
    const ssize_t more = ::read(opened.descriptor(), read.text.data() + have, read.text.size() - have);
    if (more < 0 && errno == EINTR) continue;
    if (more < 0) return file_fault(file, "cannot be read", errno);
    if (more == 0) break;
    have += static_cast<std::size_t>(more);
  }
  read.text.resize(have);
  return read;
}

// Whatever machine it is for: a build server signs what it cannot run.
result<void> check_is_plugin(const fs::path& file, std::span<const std::byte> bytes) {
  fault why;
  if (is_pe_file(bytes)) {
    const auto notes = read_pe_notes(bytes);
    if (notes) return {};
    why = notes.error();
  } else {
    const auto machine = bytes.size() < machine_offset + 2
                             ? host_machine()
                             : static_cast<std::uint16_t>(std::to_integer<unsigned>(bytes[machine_offset]) |
                                                          std::to_integer<unsigned>(bytes[machine_offset + 1]) << 8);
    const auto notes = read_library_notes(bytes, machine);
    if (notes) return {};
    why = notes.error();
  }
  return fault{"PLUGIN_REFUSED", file.string() + " is no plugin: " + why.what, why.remedy, {}};
}

// Root that signs another user's plugin leaves it theirs.
int keep_owner(int made, const fs::path& file) {
  struct stat old {};
  if (::stat(file.c_str(), &old) != 0 || (old.st_uid == ::geteuid() && old.st_gid == ::getegid())) return 0;
  return ::fchown(made, old.st_uid, old.st_gid) != 0 && ::geteuid() == 0 ? errno : 0;
}

result<void> put_in_place(const fs::path& given, std::span<const std::byte> bytes, mode_t mode) {
  std::error_code error;
  fs::path file = fs::weakly_canonical(given, error);  // behind a link lies what is to be replaced
  if (error) file = given;
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const auto written = replace_file(file, text, [&file, mode](int made) {
    if (const int failed = keep_owner(made, file); failed != 0) return failed;
    return ::fchmod(made, mode) != 0 ? errno : 0;
  });
  if (written.error != 0) return file_fault(file, "cannot be written", written.error);
  return {};
}

struct known_keys {
  std::vector<trusted_key> keys;
  faults wrong;
  int status = exit_done;  // to end with, where `wrong` is not empty
};

// Those that were named; else those of the settings.
known_keys keys_for(const plugin_verify_options& options) {
  known_keys known;
  for (const auto& file : options.keys) {
    if (auto key = read_public_key(file)) {
      known.keys.push_back(std::move(*key));
    } else {
      known.wrong.push_back(key.error());
      known.status = exit_usage;
    }
  }
  if (!options.keys.empty()) return known;
  const auto file = find_settings_file(options.config);
  if (!file && options.config) return {{}, {file.error()}, exit_configuration};
  if (file) {
    const auto host = load_host_settings(*file);
    if (!host) return {{}, {host.error()}, exit_configuration};
    known.keys = host->plugins.trusted_keys;
  }
  if (known.keys.empty()) {
    known.wrong.push_back({"KEY_MISSING",
                           "There is no key to verify with: none was given, and no settings name one.",
                           "Give it with --key PUBLIC.pem, or name it in [plugins] trusted_keys.",
                           {}});
    known.status = exit_usage;
  }
  return known;
}

}  // namespace

int plugin_sign(const plugin_sign_options& options) {
  const auto key = read_private_key(options.key);
  if (!key) return fail(key.error(), options.json, exit_usage);
  const auto plugin = read_plugin(options.file);
  if (!plugin) return fail(plugin.error(), options.json, exit_failed);
  if (auto sound = check_is_plugin(options.file, plugin->bytes()); !sound)
    return fail(sound.error(), options.json, exit_failed);
  const auto made = sign_bytes(plugin->bytes(), *key);
  if (!made) return fail(made.error(), options.json, exit_failed);
  const fs::path& to = options.output.empty() ? options.file : options.output;
  if (auto written = put_in_place(to, *made, plugin->mode); !written)
    return fail(written.error(), options.json, exit_failed);
  const auto key_id = key_id_text(key->public_part.id);
  if (options.json) {
    std::printf("%s\n", boost::json::serialize(boost::json::object{{"file", to.string()}, {"key_id", key_id}}).c_str());
  } else {
    std::printf("Signed %s with the key %s (key id %s).\n", to.c_str(), options.key.c_str(), key_id.c_str());
  }
  return exit_done;
}

int plugin_verify(const plugin_verify_options& options) {
  const auto known = keys_for(options);
  if (!known.wrong.empty()) {
    print_faults(known.wrong, options.json);
    return known.status;
  }
  const auto plugin = read_plugin(options.file);
  if (!plugin) return fail(plugin.error(), options.json, exit_failed);
  const auto found = check_signature(plugin->bytes(), known.keys);
  const auto trailer = find_signature(plugin->bytes());
  const bool good = found.state == signature_state::valid;
  if (options.json) {
    const boost::json::object object{{"file", options.file.string()},
                                     {"signature", to_text(found.state)},
                                     {"signed_with", found.key_file.string()},
                                     {"key_id", trailer ? key_id_text(trailer->key_id) : ""},
                                     {"reason", found.reason}};
    std::printf("%s\n", boost::json::serialize(object).c_str());
  } else if (good) {
    std::printf("%s is %s: signed with %s.\n", options.file.c_str(), paint("valid", colour::green).c_str(),
                found.key_file.c_str());
  } else {
    std::printf("%s is %s: %s\n", options.file.c_str(),
                paint(found.state == signature_state::unknown_key ? "signed with an unknown key" : to_text(found.state),
                      colour::red)
                    .c_str(),
                found.reason.c_str());
  }
  return good ? exit_done : exit_failed;
}

}  // namespace tocsin::app
