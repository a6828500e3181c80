// Secrets: where a setting says that one is kept, and how it is read from there.
#pragma once

#include "core/model/fault.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace tocsin {

inline constexpr std::string_view secret_remedy =
    "Write where it is kept: \"env:NAME\" (an environment variable), \"file:PATH\" (a file that only Tocsin's user can "
    "read), \"credential:NAME\" (a systemd credential) or \"STORE:REFERENCE\" (the store of [secrets.STORE]).";

struct secret_reference {
  enum class place { environment, file, credential, store, plugin };
  place where = place::environment;
  std::string name;        // of a file: its absolute path; of a plugin: what follows the colon
  std::string store = {};  // of a plugin: NAME of [secrets.NAME]

  // "env:NAME", "file:/absolute/path", "vault:smtp#password", ...
  std::string canonical() const;
  bool operator==(const secret_reference&) const = default;
};

// A secret that a store of [secrets.NAME] keeps.
struct stored_secret {
  std::string store;
  std::string reference;  // what follows the colon
  auto operator<=>(const stored_secret&) const = default;
};
// The value that a store has given. A fault: there is none, with the store's reason.
using secret_lookup = std::function<result<std::string>(const stored_secret& wanted)>;

// What may stand before the colon of a store's reference: [A-Za-z0-9_-], at most 64.
bool is_store_name(std::string_view name);
// The four that are built in, which no store can be called.
bool is_built_in_scheme(std::string_view name);

// "env:NAME", "file:PATH" (relative to folder), "credential:NAME", "secret:NAME", "STORE:REFERENCE", whether there is
// such a store or not. A fault never repeats text, which may be the secret itself.
result<secret_reference> parse_secret_reference(std::string_view text, const std::filesystem::path& folder);

// The secret's present value. Of a file: at most 64 KiB, without the line break at its end. Fault SETTINGS_INVALID: it
// is not there, cannot be read, or is empty. stores: asked for what a store keeps; must not be null for such a one.
result<std::string> read_secret(const secret_reference& reference, const secret_lookup& stores);

// True for a file that everybody on the machine can read.
bool is_readable_by_others(const secret_reference& reference);

// The number that stands for the secret in effective settings. The same for one reference throughout a process, so that
// an endpoint opened before a reload can still ask; cannot be guessed from the reference; below 2^53, so that every
// JSON reader keeps it exactly; never 0.
std::uint64_t handle_of(const secret_reference& reference);

}  // namespace tocsin
