// Reads secrets from the environment, from files and from systemd's credentials.
#include "core/settings/secret_reference.hpp"

#include "core/settings/fingerprint.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <random>
#include <system_error>
#include <utility>

namespace tocsin {
namespace {

constexpr std::size_t largest_secret = 64 * 1024;
constexpr std::size_t longest_reference = 4096;

constexpr std::array<std::pair<std::string_view, secret_reference::place>, 4> prefixes = {{
    {"env:", secret_reference::place::environment},
    {"file:", secret_reference::place::file},
    {"credential:", secret_reference::place::credential},
    {"secret:", secret_reference::place::store},
}};

fault invalid(std::string what, std::string remedy) {
  return {"SETTINGS_INVALID", std::move(what), std::move(remedy), {}};
}

class file_descriptor {
 public:
  explicit file_descriptor(int fd) : fd_(fd) {}
  ~file_descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  file_descriptor(const file_descriptor&) = delete;
  file_descriptor& operator=(const file_descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

result<std::string> read_file(const std::string& path, const std::string& remedy) {
  // O_NONBLOCK: a FIFO in the file's place must not hold the host up.
  const file_descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (fd.get() < 0 && errno == ENOENT) {
    return invalid(
        "The secret's file " + path + " does not exist.",
        "Write the secret into it, readable for the user who runs Tocsin alone (chmod 600), or correct the path.");
  }
  if (fd.get() < 0) {
    return invalid("The secret's file " + path + " cannot be read: " + std::generic_category().message(errno) + ".",
                   remedy);
  }
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return invalid("The secret's file " + path + " is not a regular file.", remedy);
  }
  std::string value;
  std::array<char, 4096> buffer{};
  while (value.size() <= largest_secret) {
    const auto count = ::read(fd.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      return invalid("The secret's file " + path + " cannot be read: " + std::generic_category().message(errno) + ".",
                     remedy);
    }
    if (count == 0) break;
    value.append(buffer.data(), static_cast<std::size_t>(count));
  }
  if (value.size() > largest_secret) {
    return invalid("The secret's file " + path + " is larger than 64 KiB.", "Put nothing but the secret into it.");
  }
  if (value.ends_with('\n')) value.pop_back();
  if (value.ends_with('\r')) value.pop_back();
  if (value.empty()) return invalid("The secret's file " + path + " is empty.", "Write the secret into it.");
  return value;
}

result<std::string> read_credential(const std::string& name) {
  const char* folder = std::getenv("CREDENTIALS_DIRECTORY");
  if (!folder || !*folder) {
    return invalid(
        "The credential " + name + " cannot be read, for $CREDENTIALS_DIRECTORY is not set.",
        "Run Tocsin as a systemd service with LoadCredential=" + name + ":PATH, or keep the secret in env: or file:.");
  }
  return read_file((std::filesystem::path(folder) / name).string(),
                   "Add LoadCredential=" + name + ":PATH to the systemd unit.");
}

}  // namespace

bool is_store_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

bool is_built_in_scheme(std::string_view name) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](const auto& entry) { return entry.first.substr(0, entry.first.size() - 1) == name; });
}

std::string secret_reference::canonical() const {
  if (where == place::plugin) return store + ":" + name;
  for (const auto& [prefix, kind] : prefixes) {
    if (kind == where) return std::string(prefix) + name;
  }
  return name;
}

result<secret_reference> parse_secret_reference(std::string_view text, const std::filesystem::path& folder) {
  for (const auto& [prefix, kind] : prefixes) {
    if (!text.starts_with(prefix)) continue;
    std::string name(text.substr(prefix.size()));
    const bool is_file = kind == secret_reference::place::file;
    const bool usable = !name.empty() && name.find('\0') == std::string::npos &&
                        (is_file || (name.find_first_of("/=") == std::string::npos && name != "." && name != ".."));
    if (!usable) {
      return invalid(
          "No usable " + std::string(is_file ? "path" : "name") + " comes after " + std::string(prefix) + ".",
          std::string(secret_remedy));
    }
    if (is_file) name = (folder / name).lexically_normal().string();
    return secret_reference{kind, std::move(name)};
  }
  const auto colon = text.find(':');
  if (colon != std::string_view::npos && is_store_name(text.substr(0, colon))) {
    const std::string_view reference = text.substr(colon + 1);
    const bool usable = !reference.empty() && reference.size() <= longest_reference &&
                        std::none_of(reference.begin(), reference.end(),
                                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
    if (!usable)
      return invalid("No usable reference to a store's secret comes after the colon.", std::string(secret_remedy));
    return secret_reference{secret_reference::place::plugin, std::string(reference),
                            std::string(text.substr(0, colon))};
  }
  return invalid("A secret is not written into the settings file itself.", std::string(secret_remedy));
}

result<std::string> read_secret(const secret_reference& reference, const secret_lookup& stores) {
  switch (reference.where) {
    case secret_reference::place::environment: {
      const char* value = std::getenv(reference.name.c_str());
      if (!value || !*value) {
        return invalid(
            "The environment variable " + reference.name + " is " + (value ? "empty" : "not set") + ".",
            "Set it for the process of Tocsin (under systemd: Environment= or EnvironmentFile=), then restart.");
      }
      return std::string(value);
    }
    case secret_reference::place::file:
      return read_file(reference.name, "Make the file readable for the user who runs Tocsin, and for nobody else.");
    case secret_reference::place::credential:
      return read_credential(reference.name);
    case secret_reference::place::plugin:
      return stores({reference.store, reference.name});
    case secret_reference::place::store:
      break;
  }
  return invalid("Tocsin keeps no secret of the name " + reference.name + ": it has no store for secrets.",
                 "Use env:NAME, file:PATH or credential:NAME instead of secret:" + reference.name + ".");
}

bool is_readable_by_others(const secret_reference& reference) {
  if (reference.where != secret_reference::place::file) return false;
  struct stat status {};
  return ::stat(reference.name.c_str(), &status) == 0 && (status.st_mode & S_IROTH) != 0;
}

std::uint64_t handle_of(const secret_reference& reference) {
  static const std::string salt = [] {
    std::random_device device;
    std::string bytes;
    for (int at = 0; at < 4; ++at) bytes += std::to_string(device()) + ".";
    return bytes;
  }();
  const std::uint64_t hash = fingerprint_maker().add(salt).add(reference.canonical()).finish();
  const std::uint64_t handle = hash & ((std::uint64_t{1} << 53) - 1);
  return handle == 0 ? 1 : handle;
}

}  // namespace tocsin
