#include "core/app/state_files.hpp"

#include <fcntl.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <span>
#include <utility>

#include "core/app/console.hpp"
#include "core/model/hex.hpp"

namespace tocsin::app {
namespace {

fault file_fault(const std::filesystem::path& file, const std::string& what, int error) {
  return {"STATE_UNUSABLE",
          file.string() + " " + what + ": " + std::strerror(error) + ".",
          "See to it that the host's user owns state_dir and may write there.",
          {}};
}

// Of the whole file. It belongs to the open file: it ends with the process, however that ends.
struct flock whole_file_lock() {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}

result<open_file> replace_private(const std::filesystem::path& file, const std::string& text, bool locked) {
  auto written = replace_file(file, text, [locked](int made) {
    auto lock = whole_file_lock();
    return locked && fcntl(made, F_OFD_SETLK, &lock) != 0 ? errno : 0;
  });
  if (written.error != 0) return file_fault(file, "cannot be written", written.error);
  return std::move(written.file);
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
  std::array<unsigned char, 32> random{};
  if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1)
    return fault{"STATE_UNUSABLE", "The system gives no random numbers for the admin token.", "", {}};
  std::string token = to_hex(std::as_bytes(std::span(random)));
  if (auto written = replace_private(file, token + "\n", false); !written) return written.error();
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

result<open_file> write_address(const std::filesystem::path& state_dir, const std::string& address) {
  return replace_private(address_file(state_dir), address + "\n", true);
}

void remove_address(const std::filesystem::path& state_dir) { unlink(address_file(state_dir).c_str()); }

std::string read_address(const std::filesystem::path& state_dir) {
  const open_file file(open(address_file(state_dir).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (file.descriptor() < 0) return {};
  auto lock = whole_file_lock();
  if (fcntl(file.descriptor(), F_OFD_GETLK, &lock) != 0 || lock.l_type == F_UNLCK) return {};
  std::array<char, 256> text{};
  const auto size = read(file.descriptor(), text.data(), text.size());
  return size > 0 ? without_line_end({text.data(), static_cast<std::size_t>(size)}) : std::string();
}

}  // namespace tocsin::app
