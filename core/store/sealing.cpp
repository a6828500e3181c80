// Seals what is sensitive before it is written: AES-256-GCM with the key in <state_dir>/store.key.
#include "core/store/sealing.hpp"

#include "core/runtime/whole_file.hpp"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

namespace tocsin {
namespace {

// What seal() writes: format (1 byte), nonce, the encrypted text, tag.
constexpr char format = 1;
constexpr std::size_t nonce_size = 12;
constexpr std::size_t tag_size = 16;
constexpr std::size_t frame_size = 1 + nonce_size + tag_size;

struct context_free {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using cipher_context = std::unique_ptr<EVP_CIPHER_CTX, context_free>;

std::array<unsigned char, 8> big_endian(std::int64_t value) {
  std::array<unsigned char, 8> out{};
  for (std::size_t at = 0; at < out.size(); ++at) {
    out[at] = static_cast<unsigned char>(static_cast<std::uint64_t>(value) >> (56 - 8 * at));
  }
  return out;
}

const unsigned char* raw(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

unsigned char* raw(std::string& text, std::size_t from) { return reinterpret_cast<unsigned char*>(text.data()) + from; }

fault key_fault(const std::filesystem::path& file, const std::string& why) {
  return fault{
      "STORE_FAILED",
      "The store's key " + file.string() + " cannot be used: " + why + ".",
      "Put the key back from a backup; without it, sensitive events that wait cannot be read. Where none waits, "
      "moving the file away makes the host start with a new key.",
      {file.string(), 0, 0, {}}};
}

result<void> write_key(const std::filesystem::path& file, const unsigned char* key, std::size_t size) {
  const auto written = replace_file(file, {reinterpret_cast<const char*>(key), size});  // one that is there is whole
  if (written.error != 0) return key_fault(file, std::strerror(written.error));
  return {};
}

}  // namespace

sealing_key::sealing_key(const key_bytes& key) : key_(key) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(key_.data(), key_.size(), digest.data());
  id_.assign(reinterpret_cast<const char*>(digest.data()), 8);
}

sealing_key::sealing_key(sealing_key&& other) noexcept : key_(other.key_), id_(std::move(other.id_)) {
  OPENSSL_cleanse(other.key_.data(), other.key_.size());
}

sealing_key::~sealing_key() { OPENSSL_cleanse(key_.data(), key_.size()); }

result<std::optional<sealing_key>> sealing_key::load(const std::filesystem::path& file) {
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (descriptor < 0) {
    if (errno == ENOENT) return std::optional<sealing_key>();
    return key_fault(file, std::strerror(errno));
  }
  key_bytes key{};
  struct stat status {};
  const bool known = ::fstat(descriptor, &status) == 0;
  const auto size = ::read(descriptor, key.data(), key.size());
  ::close(descriptor);
  if (!known || size != static_cast<ssize_t>(key.size()) || status.st_size != static_cast<off_t>(key.size())) {
    return key_fault(file, "it is not 32 bytes long");
  }
  if ((status.st_mode & 0077) != 0) {
    return key_fault(file, "others than its owner may read or write it (mode 0600 is right)");
  }
  std::optional<sealing_key> made(sealing_key{key});
  OPENSSL_cleanse(key.data(), key.size());
  return made;
}

result<sealing_key> sealing_key::make(const std::filesystem::path& file) {
  key_bytes key{};
  if (RAND_priv_bytes(key.data(), static_cast<int>(key.size())) != 1) {
    return key_fault(file, "the system gives no random bytes");
  }
  if (auto written = write_key(file, key.data(), key.size()); !written) {
    return written.error();
  }
  sealing_key made(key);
  OPENSSL_cleanse(key.data(), key.size());
  return made;
}

result<std::string> sealing_key::seal(std::string_view text, std::int64_t bound_to) const {
  std::string out(frame_size + text.size(), '\0');
  out[0] = format;
  const auto bound = big_endian(bound_to);
  const cipher_context context(EVP_CIPHER_CTX_new());
  int size = 0;
  const bool sealed =
      context != nullptr && RAND_bytes(raw(out, 1), nonce_size) == 1 &&
      EVP_EncryptInit_ex2(context.get(), EVP_aes_256_gcm(), key_.data(), raw(out, 1), nullptr) == 1 &&
      EVP_EncryptUpdate(context.get(), nullptr, &size, bound.data(), static_cast<int>(bound.size())) == 1 &&
      EVP_EncryptUpdate(context.get(), raw(out, 1 + nonce_size), &size, raw(text), static_cast<int>(text.size())) ==
          1 &&
      EVP_EncryptFinal_ex(context.get(), raw(out, 1 + nonce_size + text.size()), &size) == 1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, tag_size, raw(out, 1 + nonce_size + text.size())) == 1;
  if (!sealed) {
    return fault{"STORE_REFUSED",
                 "A sensitive event cannot be sealed: OpenSSL gave no AES-256-GCM or random bytes.",
                 "Check the OpenSSL of this machine and its configuration.",
                 {}};
  }
  return out;
}

std::optional<std::string> sealing_key::open(std::string_view sealed, std::int64_t bound_to) const {
  if (sealed.size() < frame_size || sealed.front() != format) {
    return std::nullopt;
  }
  const auto nonce = sealed.substr(1, nonce_size);
  const auto body = sealed.substr(1 + nonce_size, sealed.size() - frame_size);
  std::string tag(sealed.substr(sealed.size() - tag_size));
  std::string out(body.size(), '\0');
  const auto bound = big_endian(bound_to);
  const cipher_context context(EVP_CIPHER_CTX_new());
  int size = 0;
  unsigned char none = 0;
  const bool opened =
      context != nullptr &&
      EVP_DecryptInit_ex2(context.get(), EVP_aes_256_gcm(), key_.data(), raw(nonce), nullptr) == 1 &&
      EVP_DecryptUpdate(context.get(), nullptr, &size, bound.data(), static_cast<int>(bound.size())) == 1 &&
      EVP_DecryptUpdate(context.get(), raw(out, 0), &size, raw(body), static_cast<int>(body.size())) == 1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, tag_size, tag.data()) == 1 &&
      EVP_DecryptFinal_ex(context.get(), &none, &size) == 1;
  if (!opened) {
    return std::nullopt;
  }
  return out;
}

}  // namespace tocsin
