// The part of an event that has no column of its own, as bytes.
#include "core/store/payload_codec.hpp"

#include <cstdint>
#include <utility>

namespace tocsin {
namespace {

constexpr char format = 1;

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
  out += format;
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
  return out;
}

bool decode_payload(std::string_view bytes, event& into) {
  if (bytes.empty() || bytes.front() != format) {
    return false;
  }
  bytes.remove_prefix(1);
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
