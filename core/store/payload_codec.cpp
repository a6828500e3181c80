// The part of an event that has no column of its own, as bytes.
#include "core/store/payload_codec.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstdint>
#include <utility>

namespace tocsin {
namespace {

constexpr char format_without_sum = 1;
constexpr char format = 2;  // a sum of all that follows stands behind it
constexpr std::size_t sum_bytes = 8;

// XXH3, 64 bits, the lowest byte first: finds what a disk changed, not what somebody forged.
std::string sum_of(std::string_view members) {
  auto sum = XXH3_64bits(members.data(), members.size());
  std::string out;
  for (std::size_t at = 0; at < sum_bytes; ++at, sum >>= 8) {
    out += static_cast<char>(sum & 0xff);
  }
  return out;
}

// Takes what stands before the members. False: they are not what was written.
bool take_head(std::string_view& bytes) {
  if (bytes.empty()) {
    return false;
  }
  const char written = bytes.front();
  bytes.remove_prefix(1);
  if (written != format) {
    return written == format_without_sum;
  }
  const auto sum = bytes.substr(0, sum_bytes);
  bytes.remove_prefix(sum.size());
  return sum == sum_of(bytes);
}

// The numbers are stored: never change one, add at the end.
enum class tag : std::uint8_t {
  subject = 1,
  time = 2,
  data_content_type = 3,
  data = 4,
  recipient = 5,
  language = 6,
  dedupkey = 7,
  component = 8,
  folder = 9,
  traceparent = 10,
  attribute = 11,  // its name, a NUL, its value
};

// Seven bits a byte, the lowest first; the high bit says that another follows.
void put_number(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) {
    out += static_cast<char>(value | 0x80);
  }
  out += static_cast<char>(value);
}

bool take_number(std::string_view& in, std::uint64_t& value) {
  value = 0;
  for (unsigned shift = 0; !in.empty() && shift < 64; shift += 7) {
    const auto byte = static_cast<unsigned char>(in.front());
    in.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) {
      return true;
    }
  }
  return false;
}

void put(std::string& out, tag what, std::string_view value) {
  if (!value.empty()) {
    out += static_cast<char>(what);
    put_number(out, value.size());
    out += value;
  }
}

// Small lengths of either sign stay small: 0, -1, 1, -2 ... become 0, 1, 2, 3 ...
std::uint64_t fold_sign(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}

std::int64_t unfold_sign(std::uint64_t value) {
  return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
}

bool take_member(tag what, std::string_view value, event& into) {
  switch (what) {
    case tag::subject:
      into.subject = value;
      return true;
    case tag::time: {
      std::uint64_t number = 0;
      if (!take_number(value, number)) {
        return false;
      }
      into.time = unfold_sign(number);
      return true;
    }
    case tag::data_content_type:
      into.data_content_type = value;
      return true;
    case tag::data:
      into.data = value;
      return true;
    case tag::recipient:
      into.recipient = value;
      return true;
    case tag::language:
      into.language = value;
      return true;
    case tag::dedupkey:
      into.dedupkey = value;
      return true;
    case tag::component:
      into.component = value;
      return true;
    case tag::folder:
      into.folder = value;
      return true;
    case tag::traceparent:
      into.traceparent = value;
      return true;
    case tag::attribute: {
      const auto end = value.find('\0');
      if (end == std::string_view::npos) {
        return false;
      }
      into.attributes.insert_or_assign(std::string(value.substr(0, end)), std::string(value.substr(end + 1)));
      return true;
    }
  }
  return true;  // a member that a later version added
}

}  // namespace

std::string encode_payload(const event& value) {
  std::string out;
  out.reserve(value.data.size() + 256);
  out.append(1 + sum_bytes, format);
  put(out, tag::subject, value.subject);
  if (value.time) {
    std::string number;
    put_number(number, fold_sign(*value.time));
    put(out, tag::time, number);
  }
  put(out, tag::data_content_type, value.data_content_type);
  put(out, tag::data, value.data);
  put(out, tag::recipient, value.recipient);
  put(out, tag::language, value.language);
  put(out, tag::dedupkey, value.dedupkey);
  put(out, tag::component, value.component);
  put(out, tag::folder, value.folder);
  put(out, tag::traceparent, value.traceparent);
  for (const auto& [name, text] : value.attributes) {
    put(out, tag::attribute, std::string(name).append(1, '\0').append(text));
  }
  out.replace(1, sum_bytes, sum_of(std::string_view(out).substr(1 + sum_bytes)));
  return out;
}

bool decode_payload(std::string_view bytes, event& into) {
  if (!take_head(bytes)) {
    return false;
  }
  while (!bytes.empty()) {
    const auto what = static_cast<tag>(bytes.front());
    bytes.remove_prefix(1);
    std::uint64_t size = 0;
    if (!take_number(bytes, size) || size > bytes.size()) {
      return false;
    }
    if (!take_member(what, bytes.substr(0, size), into)) {
      return false;
    }
    bytes.remove_prefix(size);
  }
  return true;
}

}  // namespace tocsin
