#include "core/app/state_files.hpp"

#include <fcntl.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/app/console.hpp"

namespace tocsin::app {
namespace {

fault file_fault(const std::filesystem::path& file, const std::string& what) {
  return {"STATE_UNUSABLE",
          file.string() + " " + what + ": " + std::strerror(errno) + ".",
          "See to it that the host's user owns state_dir and may write there.",
          {}};
}

// Writes to a new file beside it, then renames: a reader sees the old text or the new one.
result<void> write_private(const std::filesystem::path& file, const std::string& text) {
  auto beside = file;
  beside += ".new";
  unlink(beside.c_str());
  const int fd = open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return file_fault(beside, "cannot be made");
  const bool written = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && fsync(fd) == 0;
  close(fd);
  if (!written || rename(beside.c_str(), file.c_str()) != 0) return file_fault(file, "cannot be written");
  return {};
}

std::string without_line_end(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

std::filesystem::path token_file(const std::filesystem::path& state_dir) { return state_dir / "admin.token"; }
std::filesystem::path address_file(const std::filesystem::path& state_dir) { return state_dir / "http.address"; }

}  // namespace

result<std::string> admin_token(const std::filesystem::path& state_dir) {
  const auto file = token_file(state_dir);
  struct stat info {};
  if (lstat(file.c_str(), &info) == 0) {
    if ((info.st_mode & 077) != 0 || info.st_uid != geteuid() || !S_ISREG(info.st_mode))
      return fault{"STATE_UNUSABLE",
                   file.string() + " is not a file of the host's user that nobody else can read.",
                   "Remove it; the next start makes a new one with mode 0600.",
                   {}};
    auto token = read_admin_token(state_dir);
    if (!token || token->size() >= 32) return token;
    return fault{
        "STATE_UNUSABLE", file.string() + " holds no token.", "Remove it; the next start makes a new one.", {}};
  }
  unsigned char random[32];
  if (RAND_bytes(random, sizeof random) != 1)
    return fault{"STATE_UNUSABLE", "The system gives no random numbers for the admin token.", "", {}};
  constexpr std::string_view digits = "0123456789abcdef";
  std::string token;
  for (const unsigned char byte : random) {
    token += digits[byte >> 4];
    token += digits[byte & 15];
  }
  if (auto written = write_private(file, token + "\n"); !written) return written.error();
  return token;
}

result<std::string> read_admin_token(const std::filesystem::path& state_dir) {
  auto text = read_file(token_file(state_dir).string());
  if (!text)
    return fault{
        "HOST_UNREACHABLE",
        text.error().what,
        "The host makes it at its first start: is `tocsin serve` running with these settings, and is this its user?",
        {}};
  return without_line_end(std::move(*text));
}

result<void> write_address(const std::filesystem::path& state_dir, const std::string& address) {
  return write_private(address_file(state_dir), address + "\n");
}

void remove_address(const std::filesystem::path& state_dir) { unlink(address_file(state_dir).c_str()); }

std::string read_address(const std::filesystem::path& state_dir) {
  auto text = read_file(address_file(state_dir).string());
  return text ? without_line_end(std::move(*text)) : std::string();
}

}  // namespace tocsin::app
