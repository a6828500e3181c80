// SHA-256 through OpenSSL.
#include "core/settings/fingerprint.hpp"

#include <openssl/evp.h>

#include <array>
#include <stdexcept>

namespace tocsin {

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

}  // namespace tocsin
