// Fuzz target: any bytes as a plugin's file; signed, they are valid, and with a byte changed they are not.
#include "core/plugin_host/files/signature.hpp"
#include "support/signing_keys.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

namespace {

tocsin::signing_key make_key() {
  tocsin::signing_key key;
  key.secret.fill(std::byte{7});
  auto& known = key.public_part;
  std::size_t size = known.raw.size();
  EVP_PKEY_get_raw_public_key(tocsin::test::key_of(tocsin::test::seed_of(7)).get(),
                              reinterpret_cast<unsigned char*>(known.raw.data()), &size);
  known.id.fill(std::byte{'k'});  // what the corpus has
  return key;
}

void expect(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using state = tocsin::signature_state;
  static const tocsin::signing_key key = make_key();
  const std::span trusted(&key.public_part, 1);
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto trailer = tocsin::find_signature(bytes);
  const auto found = tocsin::check_signature(bytes, trusted);
  expect(trailer.has_value() == (found.state != state::unsigned_file));
  expect(found.reason.empty() == (found.state == state::valid));
  expect(!trailer || trailer->content.size() + tocsin::signature_trailer_bytes == size);

  auto made = tocsin::sign_bytes(bytes, key).value();
  // There is one signature of given bytes with given key, so that what is valid is what signing makes.
  expect(found.state != state::valid || std::equal(made.begin(), made.end(), bytes.begin(), bytes.end()));
  expect(tocsin::check_signature(made, trusted).state == state::valid);
  made[size > 0 ? (data[0] * std::size_t{251} + data[size - 1]) % made.size() : 0] ^= std::byte{1};
  expect(tocsin::check_signature(made, trusted).state != state::valid);
  return 0;
}
