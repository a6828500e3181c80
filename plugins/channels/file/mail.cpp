// A notification as a mail in a file (RFC 5322; lines end in LF, as in any Maildir).
#include "plugins/channels/file/mail.hpp"

#include "plugins/channels/file/text.hpp"

#include <algorithm>

namespace tocsin::file {
namespace {

constexpr std::size_t longest_line = 998;  // RFC 5322, section 2.1.1

std::string host_of(std::string_view message_id) {
  const std::size_t at = message_id.rfind('@');
  const std::string_view host = at == std::string_view::npos ? std::string_view{} : message_id.substr(at + 1);
  const std::string address = "tocsin@" + std::string(host);
  return is_plain_address(address) ? std::string(host) : "localhost";
}

// A recipient that is no mail address (a team, a room) is named as a group without members, which any reader shows.
std::string to_field(std::string_view recipient) {
  if (is_plain_address(recipient)) return std::string(recipient);
  const std::string shown = header_text(recipient);
  const bool is_encoded = shown.find("=?") == 0;
  if (shown.empty()) return "undisclosed-recipients:;";
  if (is_encoded) return shown + " :;";  // a space, as RFC 2047, section 5 (3), wants it
  std::string quoted = "\"";
  for (const char c : shown) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\":;";
}

std::string id_field(std::string_view id) {
  std::string field = "<";
  for (const char c : id.substr(0, 900)) {
    const bool fits = c > 0x20 && c < 0x7f && std::string_view("<>()\",;\\").find(c) == std::string_view::npos;
    field += fits ? c : '_';
  }
  return field + ">";
}

bool goes_as_it_is(std::string_view text) {
  std::size_t column = 0;
  for (const char c : text) {
    column = c == '\n' ? 0 : column + 1;
    if (c == '\0' || c == '\r' || column > longest_line) return false;
  }
  return true;
}

void append_body(std::string& out, std::string_view given) {
  std::string text = clean_utf8(given);
  if (text.empty() || text.back() != '\n') text += '\n';
  out += "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: ";
  if (goes_as_it_is(text)) {
    out.append("8bit\n\n").append(text);
    return;
  }
  out += "base64\n\n";
  const std::string encoded = to_base64(text);
  for (std::size_t at = 0; at < encoded.size(); at += 76) out.append(encoded, at, 76).append("\n");
}

}  // namespace

std::string compose_mail(const sdk::message& message) {
  std::string out = "From: Tocsin <tocsin@" + host_of(message.message_id()) + ">\n";
  out.append("To: ").append(to_field(message.recipient())).append("\n");
  out.append("Subject: ").append(header_text(message.subject())).append("\n");
  out.append("Date: ").append(mail_date(message.created_ms())).append("\n");
  out.append("Message-ID: ").append(id_field(message.message_id())).append("\n");
  out.append("MIME-Version: 1.0\nAuto-Submitted: auto-generated\n");
  append_body(out, message.text());
  return out;
}

std::string maildir_name(const sdk::message& message) {
  const std::int64_t seconds = std::max<std::int64_t>(message.created_ms() / 1000, 0);
  return std::to_string(seconds) + ".T" + file_name(message.message_id());
}

}  // namespace tocsin::file
