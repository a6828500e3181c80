// Envelope addresses: what may stand in MAIL FROM and RCPT TO.
#include "plugins/channels/smtp/protocol/address.hpp"

#include "plugins/channels/smtp/mime/utf8.hpp"

#include <idn2.h>

#include <algorithm>
#include <charconv>
#include <memory>

namespace tocsin::smtp {
namespace {

constexpr std::size_t max_local_bytes = 64;
constexpr std::size_t max_domain_bytes = 255;
constexpr std::size_t max_mailbox_bytes = 254;  // RFC 5321 4.5.3.1.3: a path of 256 with its angle brackets

address_result refuse(std::string why) { return {{}, std::move(why)}; }

bool is_letter_or_digit(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// RFC 5322 atext.
bool is_atext(char c) {
  return is_letter_or_digit(c) || std::string_view{"!#$%&'*+-/=?^_`{|}~"}.find(c) != std::string_view::npos;
}

bool is_beyond_ascii(char c) { return static_cast<unsigned char>(c) >= 0x80; }

// Returns where the local part ends (the index of its '@'), or npos with the reason in why.
std::size_t find_at_sign(std::string_view text, std::string& why) {
  if (text.front() == '"') {
    for (std::size_t i = 1; i < text.size(); ++i) {
      if (text[i] == '\\') {
        ++i;
      } else if (text[i] == '"') {
        if (i + 1 < text.size() && text[i + 1] == '@') return i + 1;
        why = "what follows the quoted part before the @ is no @";
        return std::string_view::npos;
      }
    }
    why = "the quotation mark before the @ is never closed";
    return std::string_view::npos;
  }
  const std::size_t at = text.find('@');
  if (at == std::string_view::npos) why = "it has no @";
  return at;
}

std::string check_local(std::string_view local) {
  if (local.empty()) return "nothing stands before the @";
  if (local.size() > max_local_bytes) return "the part before the @ is longer than 64 bytes";
  if (local.front() == '"') return {};  // quoted: control characters were refused already
  if (local.front() == '.' || local.back() == '.') return "the part before the @ begins or ends with a dot";
  if (local.find("..") != std::string_view::npos) return "two dots follow each other before the @";
  for (const char c : local) {
    if (!is_atext(c) && c != '.' && !is_beyond_ascii(c)) {
      return std::string{"'"} + c + "' may not stand before the @ without quotation marks";
    }
  }
  return {};
}

bool is_ipv4(std::string_view text) {
  for (int part = 0; part < 4; ++part) {
    const std::size_t end = part < 3 ? text.find('.') : text.size();
    if (end == std::string_view::npos || end == 0 || end > 3) return false;
    unsigned value = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + end, value);
    if (error != std::errc{} || stop != text.data() + end || value > 255) return false;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return text.empty();
}

bool is_address_literal(std::string_view inside) {
  if (inside.size() > 5 && (inside.starts_with("IPv6:") || inside.starts_with("ipv6:"))) {
    inside.remove_prefix(5);
    return inside.size() >= 2 && inside.size() <= 45 && inside.find(':') != std::string_view::npos &&
           inside.find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos;
  }
  return is_ipv4(inside);
}

// Letters, digits, hyphens and, since such names are in use inside companies, underscores.
std::string check_domain(std::string_view domain) {
  if (domain.empty()) return "nothing stands after the @";
  if (domain.size() > max_domain_bytes) return "the domain is longer than 255 bytes";
  while (true) {
    const std::size_t end = std::min(domain.find('.'), domain.size());
    const std::string_view label = domain.substr(0, end);
    if (label.empty()) return "the domain has an empty part (a dot too many)";
    if (label.size() > 63) return "a part of the domain is longer than 63 bytes";
    if (label.front() == '-' || label.back() == '-') return "a part of the domain begins or ends with a hyphen";
    for (const char c : label) {
      if (!is_letter_or_digit(c) && c != '-' && c != '_') return std::string{"'"} + c + "' may not stand in a domain";
    }
    if (end == domain.size()) return {};
    domain.remove_prefix(end + 1);
  }
}

// The domain in A-labels (RFC 5891, with the mapping of UTS 46, non-transitional).
std::string to_a_labels(std::string_view domain, std::string& why) {
  const std::string text(domain);
  char* converted = nullptr;
  const int status = idn2_to_ascii_8z(text.c_str(), &converted, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
  const std::unique_ptr<char, void (*)(void*)> owner(converted, idn2_free);
  if (status != IDN2_OK) {
    why = std::string{"its domain is no internationalized domain name ("} + idn2_strerror(status) + ")";
    return {};
  }
  return converted;
}

}  // namespace

std::string shown_address(std::string_view text) {
  static constexpr std::size_t most = 254;
  std::string line = "\"";
  for (const char c : text.substr(0, most)) {
    const auto byte = static_cast<unsigned char>(c);
    line.push_back(byte < 0x20 || byte == 0x7f ? '?' : c);
  }
  if (text.size() > most) {
    // Not in the middle of a character.
    while ((static_cast<unsigned char>(line.back()) & 0xc0) == 0x80) line.pop_back();
    if (static_cast<unsigned char>(line.back()) >= 0xc0) line.pop_back();
    line += "...";
  }
  return line + "\"";
}

address_result parse_address(std::string_view text) {
  if (text.empty()) return refuse("it is empty");
  if (text.size() > 4 * max_mailbox_bytes) return refuse("it is longer than 254 bytes");
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) return refuse("it contains a control character");
  }
  if (!is_utf8(text)) return refuse("it is not UTF-8");

  std::string why;
  const std::size_t at = find_at_sign(text, why);
  if (at == std::string_view::npos) return refuse(std::move(why));
  const std::string_view local = text.substr(0, at);
  const std::string_view domain = text.substr(at + 1);
  why = check_local(local);
  if (!why.empty()) return refuse(std::move(why));

  std::string wire_domain(domain);
  if (domain.size() > 2 && domain.front() == '[' && domain.back() == ']') {
    if (!is_address_literal(domain.substr(1, domain.size() - 2))) {
      return refuse("what stands in the brackets after the @ is no IP address");
    }
  } else {
    if (!is_ascii(domain)) {
      wire_domain = to_a_labels(domain, why);
      if (!why.empty()) return refuse(std::move(why));
    }
    why = check_domain(wire_domain);
    if (!why.empty()) return refuse(std::move(why));
  }
  if (local.size() + 1 + wire_domain.size() > max_mailbox_bytes) return refuse("it is longer than 254 bytes");

  address_result result;
  result.value.mailbox.reserve(local.size() + 1 + wire_domain.size());
  result.value.mailbox.append(local).append("@").append(wire_domain);
  result.value.needs_smtputf8 = !is_ascii(local);
  return result;
}

}  // namespace tocsin::smtp
