// Secrets: where a setting says that one is kept, and how it is read from there.
#pragma once

#include "core/model/fault.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace tocsin {

inline constexpr std::string_view secret_remedy =
    "Write where it is kept: \"env:NAME\" (an environment variable), \"file:PATH\" (a file that only Tocsin's user can "
    "read) or \"credential:NAME\" (a systemd credential).";

struct secret_reference {
  enum class place { environment, file, credential, store };
  place where = place::environment;
  std::string name;  // of a file: its absolute path

  // "env:NAME", "file:/absolute/path", ...
  std::string canonical() const;
  bool operator==(const secret_reference&) const = default;
};

// "env:NAME", "file:PATH" (relative to folder), "credential:NAME", "secret:NAME". A fault never repeats text, which may
// be the secret itself.
result<secret_reference> parse_secret_reference(std::string_view text, const std::filesystem::path& folder);

// The secret's present value. Of a file: at most 64 KiB, without the line break at its end. Fault SETTINGS_INVALID: it
// is not there, cannot be read, or is empty.
result<std::string> read_secret(const secret_reference& reference);

// True for a file that everybody on the machine can read.
bool is_readable_by_others(const secret_reference& reference);

// The number that stands for the secret in effective settings. The same for one reference throughout a process, so that
// an endpoint opened before a reload can still ask; cannot be guessed from the reference; below 2^53, so that every
// JSON reader keeps it exactly; never 0.
std::uint64_t handle_of(const secret_reference& reference);

}  // namespace tocsin
