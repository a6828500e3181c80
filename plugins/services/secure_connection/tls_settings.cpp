// Reads a stream's settings and the files that they name.
#include "plugins/services/secure_connection/tls_settings.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <stdexcept>

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <sys/stat.h>

namespace tocsin::secure_connection {
namespace {

namespace json = boost::json;

constexpr std::size_t max_file_bytes = 16u << 20;

// Thrown inside this file only; read_settings() turns it into a failure.
struct wrong_setting : std::runtime_error {
  wrong_setting(const std::string& key, const std::string& what) : std::runtime_error(key + ": " + what) {}
};

// One table of the settings with its place in the whole, for messages.
class table {
 public:
  table(const json::object& values, std::string prefix) : values_(values), prefix_(std::move(prefix)) {}

  std::string key(std::string_view name) const { return prefix_ + std::string(name); }
  // Null where the key is absent or null.
  const json::value* find(std::string_view name) const {
    const json::value* value = values_.if_contains(name);
    return value == nullptr || value->is_null() ? nullptr : value;
  }

  std::string string(std::string_view name, std::string_view otherwise) const {
    const json::value* value = find(name);
    if (value == nullptr) return std::string(otherwise);
    if (!value->is_string()) throw wrong_setting(key(name), "must be a string");
    return std::string(value->get_string());
  }
  bool boolean(std::string_view name, bool otherwise) const {
    const json::value* value = find(name);
    if (value == nullptr) return otherwise;
    if (!value->is_bool()) throw wrong_setting(key(name), "must be true or false");
    return value->get_bool();
  }
  std::int64_t integer(std::string_view name, std::int64_t otherwise, std::int64_t least, std::int64_t most) const {
    const json::value* value = find(name);
    if (value == nullptr) return otherwise;
    boost::system::error_code fault;
    const auto number = value->to_number<std::int64_t>(fault);
    if (fault || number < least || number > most) {
      throw wrong_setting(key(name),
                          "must be an integer from " + std::to_string(least) + " to " + std::to_string(most));
    }
    return number;
  }
  std::vector<std::string> strings(std::string_view name) const {
    std::vector<std::string> all;
    const json::value* value = find(name);
    if (value == nullptr) return all;
    if (!value->is_array()) throw wrong_setting(key(name), "must be an array of strings");
    for (const json::value& element : value->get_array()) {
      if (!element.is_string()) throw wrong_setting(key(name), "must be an array of strings");
      all.emplace_back(element.get_string());
    }
    return all;
  }

  table sub_table(std::string_view name) const {
    static const json::object none;
    const json::value* value = find(name);
    if (value == nullptr) return {none, key(name) + "."};
    if (!value->is_object()) throw wrong_setting(key(name), "must be a table");
    return {value->get_object(), key(name) + "."};
  }

 private:
  const json::object& values_;
  std::string prefix_;
};

named_content read_named(const table& from, std::string_view name, const file_reader& files) {
  named_content out{from.string(name, ""), {}};
  if (out.path.empty()) return out;
  auto content = files(out.path);
  if (!content) throw wrong_setting(from.key(name), out.path + " cannot be read: " + content.error().detail);
  out.content = std::move(*content);
  return out;
}

std::string host_name(const table& from, std::string_view name) {
  const std::string text = from.string(name, "");
  if (text.empty()) return {};
  auto canonical = canonical_host(text);
  if (!canonical) throw wrong_setting(from.key(name), canonical.error().detail);
  return *canonical;
}

security_mode read_mode(const table& from, std::uint16_t port) {
  const std::string text = from.string("secure_connection", "auto");
  const auto mode = resolve_mode(text, port);
  if (!mode) {
    throw wrong_setting(from.key("secure_connection"),
                        "\"" + printable(text) + "\" is not one of auto, starttls, implicit, off");
  }
  return *mode;
}

int read_minimum_version(const table& from) {
  const std::string text = from.string("minimum_version", "1.2");
  if (text == "1.2") return TLS1_2_VERSION;
  if (text == "1.3") return TLS1_3_VERSION;
  throw wrong_setting(from.key("minimum_version"),
                      "\"" + printable(text) + "\" is not one of 1.2, 1.3; older versions are broken and not offered");
}

revocation_policy read_revocation(const table& from) {
  const std::string text = from.string("revocation", "soft");
  if (text == "off") return revocation_policy::off;
  if (text == "staple") return revocation_policy::staple;
  if (text == "soft") return revocation_policy::soft;
  if (text == "hard") return revocation_policy::hard;
  throw wrong_setting(from.key("revocation"), "\"" + printable(text) + "\" is not one of off, staple, soft, hard");
}

std::array<std::uint8_t, 32> read_pin(const table& from, const std::string& text) {
  // 32 bytes are 44 characters of base64, the last of them '='.
  std::array<std::uint8_t, 33> decoded{};
  if (text.size() != 44 || text[43] != '=' || text[42] == '=' ||
      EVP_DecodeBlock(decoded.data(), reinterpret_cast<const unsigned char*>(text.data()), 44) != 33) {
    throw wrong_setting(
        from.key("pin_sha256"),
        "\"" + printable(text) + "\" is not the base64 of a SHA-256 (44 characters, the last one \"=\")");
  }
  std::array<std::uint8_t, 32> pin{};
  std::copy_n(decoded.begin(), pin.size(), pin.begin());
  return pin;
}

// The key is a secret's handle, whose value is the PEM text itself, or the path of a file.
named_content read_client_key(const table& from, const secret_reader& secrets, const file_reader& files) {
  const json::value* value = from.find("client_key");
  const json::object* object = value == nullptr ? nullptr : value->if_object();
  if (object == nullptr) return read_named(from, "client_key", files);
  const json::value* handle = object->if_contains("secret");
  boost::system::error_code fault;
  const std::uint64_t number = handle == nullptr ? 0 : handle->to_number<std::uint64_t>(fault);
  if (handle == nullptr || fault) throw wrong_setting(from.key("client_key"), "must be a path or {\"secret\": HANDLE}");
  auto text = secrets(number);
  if (!text) throw wrong_setting(from.key("client_key"), "the secret cannot be read: " + text.error().detail);
  return {"the secret", std::move(*text)};
}

tls_settings read_tls(const table& from, const secret_reader& secrets, const file_reader& files) {
  tls_settings tls;
  tls.ca_file = read_named(from, "ca_file", files);
  tls.server_name = host_name(from, "server_name");
  tls.minimum_version = read_minimum_version(from);
  tls.revocation = read_revocation(from);
  for (const std::string& path : from.strings("crl_files")) {
    auto content = files(path);
    if (!content) throw wrong_setting(from.key("crl_files"), path + " cannot be read: " + content.error().detail);
    tls.crl_files.push_back({path, std::move(*content)});
  }
  for (const std::string& pin : from.strings("pin_sha256")) tls.pins.push_back(read_pin(from, pin));
  tls.pin_only = from.boolean("pin_only", false);
  if (tls.pin_only && tls.pins.empty()) {
    throw wrong_setting(from.key("pin_only"), "is true, but pin_sha256 names no pin: nothing could be trusted");
  }
  if (tls.pin_only && tls.revocation == revocation_policy::hard) {
    throw wrong_setting(
        from.key("revocation"),
        "\"hard\" cannot be met with pin_only = true: without a trusted issuer nobody can vouch for the "
        "certificate; choose soft or off, or switch pin_only off");
  }
  tls.client_certificate = read_named(from, "client_certificate", files);
  tls.client_key = read_client_key(from, secrets, files);
  if (tls.client_certificate.path.empty() != tls.client_key.path.empty()) {
    const bool no_key = tls.client_key.path.empty();
    throw wrong_setting(from.key(no_key ? "client_certificate" : "client_key"),
                        std::string("is set, but ") + (no_key ? "client_key" : "client_certificate") +
                            " is not: a client certificate needs both");
  }
  return tls;
}

std::chrono::milliseconds read_connect_timeout(const table& from) {
  constexpr std::int64_t day_ms = 86'400'000;
  const std::int64_t limit_ms = from.integer("connect", 30'000, 0, day_ms);
  if (limit_ms == 0) {
    throw wrong_setting(from.key("connect"),
                        "is 0, but there is no connecting without a limit: a server that says nothing would hold its "
                        "messages for ever; choose a time such as 30 seconds");
  }
  return std::chrono::milliseconds(limit_ms);
}

}  // namespace

result<std::string> read_file(const std::string& path) {
  const auto fail = [](const std::string& why) {
    return result<std::string>(failure{"settings", "SETTINGS_INVALID", why});
  };
  struct ::stat about {};
  if (::stat(path.c_str(), &about) != 0) return fail(std::strerror(errno));
  if (!S_ISREG(about.st_mode)) return fail("it is not a regular file");
  if (static_cast<std::uint64_t>(about.st_size) > max_file_bytes) return fail("it is larger than 16 MiB");
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(std::strerror(errno));
  std::string content(static_cast<std::size_t>(about.st_size), '\0');
  file.read(content.data(), static_cast<std::streamsize>(content.size()));
  if (file.bad()) return fail(std::strerror(errno));
  content.resize(static_cast<std::size_t>(file.gcount()));
  return content;
}

result<stream_settings> read_settings(std::string_view text, const secret_reader& secrets, const file_reader& files) {
  const auto fail = [](const std::string& why) {
    return result<stream_settings>(failure{"settings", "SETTINGS_INVALID", why});
  };
  boost::system::error_code fault;
  const json::value parsed = json::parse(json::string_view(text.data(), text.size()), fault);
  if (fault) return fail("the settings are no JSON: " + fault.message());
  if (!parsed.is_object()) return fail("the settings are no JSON object");
  try {
    const table top(parsed.get_object(), "");
    stream_settings out;
    out.host = host_name(top, "host");
    if (out.host.empty()) return fail("host: is not set; it is the server's name or address");
    if (top.find("port") == nullptr) return fail("port: is not set; mail servers take submissions at 587 or 465");
    out.port = static_cast<std::uint16_t>(top.integer("port", 0, 1, 65535));
    out.mode = read_mode(top, out.port);
    out.tls = read_tls(top.sub_table("tls"), secrets, files);
    out.connect_timeout = read_connect_timeout(top.sub_table("timeouts"));
    return out;
  } catch (const wrong_setting& wrong) {
    return fail(wrong.what());
  }
}

}  // namespace tocsin::secure_connection
