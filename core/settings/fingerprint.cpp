// SHA-256 through OpenSSL.
#include "core/settings/fingerprint.hpp"

#include <openssl/evp.h>

#include <array>
#include <cerrno>
#include <stdexcept>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tocsin {
namespace {

constexpr std::size_t most_bytes_read = 16u << 20;

struct file_descriptor {
  int number = -1;
  ~file_descriptor() {
    if (number >= 0) ::close(number);
  }
};

std::string size_and_time(const struct ::stat& about) {
  return std::to_string(about.st_size) + " " + std::to_string(about.st_mtim.tv_sec) + "." +
         std::to_string(about.st_mtim.tv_nsec);
}

}  // namespace

struct fingerprint_maker::impl {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  ~impl() { EVP_MD_CTX_free(context); }
};

fingerprint_maker::fingerprint_maker() : impl_(std::make_unique<impl>()) {
  if (!impl_->context || EVP_DigestInit_ex(impl_->context, EVP_sha256(), nullptr) != 1) {
    throw std::runtime_error("SHA-256 is not available in this OpenSSL");
  }
}

fingerprint_maker::~fingerprint_maker() = default;

fingerprint_maker& fingerprint_maker::add(std::string_view field) {
  std::array<unsigned char, 8> size{};
  for (std::size_t at = 0; at < size.size(); ++at) size[at] = static_cast<unsigned char>(field.size() >> (8 * at));
  EVP_DigestUpdate(impl_->context, size.data(), size.size());
  EVP_DigestUpdate(impl_->context, field.data(), field.size());
  return *this;
}

std::uint64_t fingerprint_maker::finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  EVP_DigestFinal_ex(impl_->context, digest.data(), nullptr);
  std::uint64_t value = 0;
  for (std::size_t at = 0; at < 8; ++at) value = value << 8 | digest[at];
  return value == 0 ? 1 : value;
}

std::string fingerprint_of_file(const std::string& path) {
  // Not to be held up by a FIFO that nobody writes to.
  const file_descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  struct ::stat about {};
  if (file.number < 0 || ::fstat(file.number, &about) != 0 || !S_ISREG(about.st_mode)) return {};
  if (static_cast<std::uint64_t>(about.st_size) > most_bytes_read) return size_and_time(about);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  if (!context || EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) != 1) {
    throw std::runtime_error("SHA-256 is not available in this OpenSSL");
  }
  std::array<char, 16384> part{};
  // It may grow while it is read.
  for (std::size_t all = 0; all <= most_bytes_read;) {
    const auto got = ::read(file.number, part.data(), part.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return {};
    if (got == 0) break;
    EVP_DigestUpdate(context.get(), part.data(), static_cast<std::size_t>(got));
    all += static_cast<std::size_t>(got);
  }
  std::string digest(EVP_MAX_MD_SIZE, '\0');
  unsigned size = 0;
  EVP_DigestFinal_ex(context.get(), reinterpret_cast<unsigned char*>(digest.data()), &size);
  digest.resize(size);
  return digest;
}

}  // namespace tocsin
