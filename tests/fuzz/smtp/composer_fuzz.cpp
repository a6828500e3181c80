// Any bytes as the parts of a mail: one mail comes of them, with each header field once. The parts are cut by bytes
// 0xff.
#include "plugins/channels/smtp/mime/composer.hpp"
#include "plugins/channels/smtp/protocol/address.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

std::size_t count(std::string_view text, std::string_view wanted) {
  std::size_t found = 0;
  for (std::size_t at = text.find(wanted); at != std::string_view::npos; at = text.find(wanted, at + 1)) ++found;
  return found;
}

void check_lines(std::string_view mail) {
  require(mail.ends_with("\r\n.\r\n"));
  while (!mail.empty()) {
    const std::size_t end = mail.find('\n');
    require(end != std::string_view::npos && end > 0 && mail[end - 1] == '\r');
    const std::string_view line = mail.substr(0, end - 1);
    require(line.size() <= 999 && line.find('\r') == std::string_view::npos &&
            line.find('\0') == std::string_view::npos);
    require(line != "." || mail.size() == 3);
    require(!line.starts_with('.') || line == "." || line.starts_with(".."));
    mail.remove_prefix(end + 1);
  }
}

void check_head(std::string_view head) {
  const std::string text = "\r\n" + std::string(head);
  for (const char* field : {"\r\nFrom:", "\r\nTo:", "\r\nSubject:", "\r\nDate:", "\r\nMessage-ID:", "\r\nMIME-Version:",
                            "\r\nAuto-Submitted:", "\r\nContent-Type:"}) {
    require(count(text, field) == 1);
  }
  // Nothing but these, their continuations and the transfer encoding.
  std::size_t fields = 0;
  for (std::size_t at = text.find("\r\n"); at != std::string::npos; at = text.find("\r\n", at + 2)) {
    if (at + 2 < text.size() && text[at + 2] != ' ') ++fields;
  }
  require(fields == 8 + count(text, "\r\nContent-Transfer-Encoding:"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  std::array<std::string_view, 6> parts;
  for (std::string_view& part : parts) {
    const std::size_t end = std::min(rest.find('\xff'), rest.size());
    part = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  std::string to = "ops@example.org";
  if (const auto parsed = tocsin::smtp::parse_address(parts[3])) {
    to = parsed.value.mailbox;
    require(to.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos && to.size() <= 254);
  }
  const std::string from = tocsin::smtp::compose_from(parts[0], "noreply@example.org");
  tocsin::smtp::mail_parts what;
  what.from_field = from;
  what.to = to;
  what.subject = parts[1];
  what.message_id = parts[2];
  what.created_ms = static_cast<std::int64_t>(size) * 86400000 * 365;
  what.text = parts[4];
  what.html = parts[5];
  const std::string mail = tocsin::smtp::compose(what);
  check_lines(mail);
  check_head(std::string_view(mail).substr(0, mail.find("\r\n\r\n")));
  require(mail == tocsin::smtp::compose(what));
  return 0;
}
