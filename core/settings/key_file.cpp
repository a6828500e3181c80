// Reads the PEM files through OpenSSL, and says of a file that is no such key what it is instead.
#include "core/settings/key_file.hpp"

#include "core/runtime/file_facts.hpp"
#include "core/runtime/whole_file.hpp"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace tocsin {
namespace {

using evp_key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using bio = std::unique_ptr<BIO, decltype(&BIO_free)>;

constexpr std::size_t max_key_file_bytes = 16 * 1024;
constexpr std::string_view make_private_key = "Make one: openssl genpkey -algorithm ed25519 -out PRIVATE.pem";
constexpr std::string_view make_public_key =
    "Make one of the private key: openssl pkey -in PRIVATE.pem -pubout -out PUBLIC.pem";

fault wrong_key(const std::filesystem::path& file, std::string what, std::string_view remedy) {
  return {"SETTINGS_INVALID", "The key file " + file.string() + " " + std::move(what), std::string(remedy), {}};
}

// The text of a key file; overwritten at its end.
struct key_text {
  key_text() : bytes(max_key_file_bytes + 1, '\0') {}
  key_text(key_text&& other) noexcept = default;
  key_text& operator=(key_text&&) = delete;
  ~key_text() { OPENSSL_cleanse(bytes.data(), bytes.size()); }
  bool holds(std::string_view words) const {
    return std::string_view(bytes.data(), size).find(words) != std::string::npos;
  }

  std::string bytes;  // never grows, so that no copy is left behind
  std::size_t size = 0;
  mode_t mode = 0;
};

fault unreadable(const std::filesystem::path& file, int error) {
  return wrong_key(file, std::string("cannot be read: ") + std::strerror(error) + ".", "Check its name and rights.");
}

result<key_text> read_text(const std::filesystem::path& file, int opened) {
  if (opened < 0) return unreadable(file, errno);
  struct stat seen {};
  if (::fstat(opened, &seen) != 0) return unreadable(file, errno);
  if (!S_ISREG(seen.st_mode)) return wrong_key(file, "is no regular file.", "Name the file that holds the key.");
  key_text text;
  text.mode = seen.st_mode;
  while (text.size < text.bytes.size()) {
    const ssize_t more = ::read(opened, text.bytes.data() + text.size, text.bytes.size() - text.size);
    if (more < 0 && errno == EINTR) continue;
    if (more < 0) return unreadable(file, errno);
    if (more == 0) return text;
    text.size += static_cast<std::size_t>(more);
  }
  return wrong_key(file, "is too large for a key.", "Name the file that holds the key alone.");
}

constexpr int how_to_open = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;  // a FIFO holds nobody up

result<key_text> read_text(const std::filesystem::path& file) {
  const open_file opened(::open(file.c_str(), how_to_open));
  return read_text(file, opened.descriptor());
}

// Who could put another key there? By descriptors all the way, so that nothing is swapped in between.
result<void> check_place(const std::filesystem::path& file, int folder, int opened) {
  struct stat seen {};
  if (::fstat(opened, &seen) != 0) return unreadable(file, errno);
  const auto above = folders_above(folder);
  if (!above) return wrong_key(file, "is not trusted: " + above.error().what, above.error().remedy);
  if (auto trusted = check_trust(facts_of(file, seen), *above, ::geteuid()); !trusted)
    return wrong_key(file, "is not trusted: " + trusted.error().what, trusted.error().remedy);
  return {};
}

// read: PEM_read_bio_PUBKEY or PEM_read_bio_PrivateKey. Null: no such key.
evp_key parse(const key_text& text, EVP_PKEY* (*read)(BIO*, EVP_PKEY**, pem_password_cb*, void*)) {
  const auto no_passphrase = [](char*, int, int, void*) { return -1; };
  const bio source(BIO_new_mem_buf(text.bytes.data(), static_cast<int>(text.size)), &BIO_free);
  evp_key key(source ? read(source.get(), nullptr, no_passphrase, nullptr) : nullptr, &EVP_PKEY_free);
  ERR_clear_error();  // the queue is the thread's: what stayed in it would be taken for another call's
  return key;
}

fault of_another_kind(const std::filesystem::path& file, std::string_view remedy) {
  return wrong_key(file, "holds a key of another kind than Ed25519.", remedy);
}

result<trusted_key> describe(const EVP_PKEY* key, const std::filesystem::path& file) {
  trusted_key known;
  known.file = file;
  std::size_t size = known.raw.size();
  unsigned char* der = nullptr;
  if (EVP_PKEY_get_raw_public_key(key, reinterpret_cast<unsigned char*>(known.raw.data()), &size) != 1 ||
      size != known.raw.size())
    return wrong_key(file, "holds a key that OpenSSL cannot take apart.", "Make it again.");
  const int length = i2d_PUBKEY(key, &der);
  if (length <= 0) return wrong_key(file, "holds a key that OpenSSL cannot write.", "Make it again.");
  SHA256(der, static_cast<std::size_t>(length), reinterpret_cast<unsigned char*>(known.id.data()));
  OPENSSL_free(der);
  return known;
}

}  // namespace

signing_key::~signing_key() { OPENSSL_cleanse(secret.data(), secret.size()); }

namespace {

result<trusted_key> public_key_of(const key_text& text, const std::filesystem::path& file) {
  const evp_key key = parse(text, &PEM_read_bio_PUBKEY);
  if (!key && text.holds("PRIVATE KEY-----"))
    return wrong_key(file, "holds a private key, which has no place on a host that only checks.", make_public_key);
  if (!key) return wrong_key(file, "holds no public key in PEM form.", make_public_key);
  if (EVP_PKEY_get_id(key.get()) != EVP_PKEY_ED25519) return of_another_kind(file, make_private_key);
  return describe(key.get(), file);
}

}  // namespace

result<trusted_key> read_public_key(const std::filesystem::path& file) {
  const auto text = read_text(file);
  if (!text) return text.error();
  if ((text->mode & S_IWOTH) != 0) {
    return wrong_key(file, "may be written by everybody, so that anybody could put a key of theirs there.",
                     "Check that it is yours still, then take that away: chmod o-w " + file.string());
  }
  return public_key_of(*text, file);
}

result<trusted_key> read_trusted_key(const std::filesystem::path& file) {
  const auto parent = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
  const open_file folder(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return unreadable(file, errno);
  const open_file opened(::openat(folder.descriptor(), file.filename().c_str(), how_to_open | O_NOFOLLOW));
  if (!opened && errno == ELOOP)
    return wrong_key(file, "is a symbolic link, which somebody else may turn elsewhere.", "Name the file itself.");
  const auto text = read_text(file, opened.descriptor());
  if (!text) return text.error();
  if (auto sound = check_place(file, folder.descriptor(), opened.descriptor()); !sound) return sound.error();
  return public_key_of(*text, file);
}

result<signing_key> read_private_key(const std::filesystem::path& file) {
  const auto text = read_text(file);
  if (!text) return text.error();
  if ((text->mode & (S_IRWXG | S_IRWXO)) != 0) {
    return wrong_key(file, "is open to others than its owner.",
                     "If nobody else has read it: chmod 600 " + file.string() + ". Else make another one.");
  }
  if (text->holds("ENCRYPTED")) {
    return wrong_key(file, "is locked with a passphrase, and nobody is asked for one here.",
                     "Unlock it into a file of your own: openssl pkey -in " + file.string() + " -out PRIVATE.pem");
  }
  const evp_key key = parse(*text, &PEM_read_bio_PrivateKey);
  if (!key && text->holds("PUBLIC KEY-----"))
    return wrong_key(file, "holds a public key, and signing takes the private one.", "Name the private key's file.");
  if (!key) return wrong_key(file, "holds no private key in PEM form.", make_private_key);
  if (EVP_PKEY_get_id(key.get()) != EVP_PKEY_ED25519) return of_another_kind(file, make_private_key);
  auto known = describe(key.get(), file);
  if (!known) return known.error();
  signing_key made;
  made.public_part = std::move(*known);
  std::size_t size = made.secret.size();
  if (EVP_PKEY_get_raw_private_key(key.get(), reinterpret_cast<unsigned char*>(made.secret.data()), &size) != 1 ||
      size != made.secret.size())
    return wrong_key(file, "holds a key that OpenSSL cannot take apart.", "Make it again.");
  return made;
}

}  // namespace tocsin
