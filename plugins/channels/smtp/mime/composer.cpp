// Composes a mail: headers, text and HTML, ready for the wire.
#include "plugins/channels/smtp/mime/composer.hpp"

#include "plugins/channels/smtp/mime/body.hpp"
#include "plugins/channels/smtp/mime/encode.hpp"

#include <array>

namespace tocsin::smtp {
namespace {

// Neither quoted-printable nor base64 can produce it; 7bit text that contains it is quoted.
constexpr std::string_view boundary_prefix = "=_tocsin-";

void append_two_digits(std::string& out, unsigned value) {
  out += static_cast<char>('0' + value / 10 % 10);
  out += static_cast<char>('0' + value % 10);
}

void append_date(std::string& out, std::int64_t unix_ms) {
  static constexpr std::array<std::string_view, 7> days = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
  static constexpr std::array<std::string_view, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  // RFC 5322 knows the years from 1900 on and four digits of them.
  constexpr std::int64_t first = -2208988800;
  constexpr std::int64_t last = 253402300799;
  std::int64_t seconds = unix_ms / 1000 - (unix_ms % 1000 < 0 ? 1 : 0);
  seconds = seconds < first ? first : seconds > last ? last : seconds;
  std::int64_t day = seconds / 86400;
  std::int64_t second = seconds % 86400;
  if (second < 0) {
    second += 86400;
    --day;
  }
  // Civil date from a count of days, in eras of 400 years that begin on the first of March of year 0.
  const std::int64_t shifted = day + 719468;
  const std::int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
  const auto day_of_era = static_cast<unsigned>(shifted - era * 146097);
  const unsigned year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const unsigned shifted_month = (5 * day_of_year + 2) / 153;
  const unsigned day_of_month = day_of_year - (153 * shifted_month + 2) / 5 + 1;
  const unsigned month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
  const auto year = static_cast<unsigned>(static_cast<std::int64_t>(year_of_era) + era * 400 + (month <= 2 ? 1 : 0));

  out += days[static_cast<std::size_t>((day % 7 + 7) % 7)];
  out += ", ";
  append_two_digits(out, day_of_month);
  out += ' ';
  out += months[month - 1];
  out += ' ';
  append_two_digits(out, year / 100);
  append_two_digits(out, year % 100);
  out += ' ';
  append_two_digits(out, static_cast<unsigned>(second / 3600));
  out += ':';
  append_two_digits(out, static_cast<unsigned>(second / 60 % 60));
  out += ':';
  append_two_digits(out, static_cast<unsigned>(second % 60));
  out += " +0000";
}

// What a message id may not contain is replaced, in the same way each time.
void append_message_id(std::string& out, std::string_view id) {
  out += '<';
  for (const char c : id.substr(0, 900)) {
    const bool fits = c > 0x20 && c < 0x7f && c != '<' && c != '>' && c != '(' && c != ')' && c != '"' && c != ',' &&
                      c != ';' && c != '\\';
    out += fits ? c : '_';
  }
  out += '>';
}

// Depends on the message id alone, so that a repeated copy has the same one.
std::string make_boundary(std::string_view message_id) {
  std::uint64_t hash = 14695981039346656037ULL;  // FNV-1a
  for (const char c : message_id) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  std::string boundary(boundary_prefix);
  for (unsigned shift = 0; shift < 64; shift += 4) boundary += "0123456789abcdef"[hash >> shift & 15U];
  return boundary;
}

void append_part(std::string& out, std::string_view type, std::string_view content) {
  const transfer_encoding encoding = choose_encoding(content, boundary_prefix);
  out += "Content-Type: text/";
  out += type;
  out += "; charset=";
  out += encoding == transfer_encoding::seven_bit ? "us-ascii" : "utf-8";
  out += "\r\nContent-Transfer-Encoding: ";
  out += encoding_name(encoding);
  out += "\r\n\r\n";
  append_body(out, content, encoding);
}

void append_delimiter(std::string& out, std::string_view boundary, std::string_view end) {
  out += "\r\n--";
  out += boundary;
  out += end;
  out += "\r\n";
}

}  // namespace

std::string compose_from(std::string_view name, std::string_view mailbox) {
  std::string field = "From: ";
  if (name.empty()) {
    field += mailbox;
  } else {
    append_phrase(field, name, field.size());
    const std::size_t line = field.rfind("\r\n") == std::string::npos ? 0 : field.rfind("\r\n") + 2;
    field += field.size() - line + mailbox.size() + 3 > 78 ? "\r\n <" : " <";
    field += mailbox;
    field += '>';
  }
  field += "\r\n";
  return field;
}

std::string compose(const mail_parts& parts) {
  std::string out;
  out.reserve(1024 + parts.subject.size() * 3 + (parts.text.size() + parts.html.size()) * 9 / 8);
  out += parts.from_field;
  out += "To: ";
  out += parts.to;
  out += "\r\nSubject: ";
  append_unstructured(out, parts.subject, 9);
  out += "\r\nDate: ";
  append_date(out, parts.created_ms);
  out += "\r\nMessage-ID: ";
  append_message_id(out, parts.message_id);
  out += "\r\nMIME-Version: 1.0\r\nAuto-Submitted: auto-generated\r\n";
  if (!parts.text.empty() && !parts.html.empty()) {
    const std::string boundary = make_boundary(parts.message_id);
    out += "Content-Type: multipart/alternative;\r\n boundary=\"";
    out += boundary;
    out += "\"\r\n";
    append_delimiter(out, boundary, "");
    append_part(out, "plain", parts.text);
    append_delimiter(out, boundary, "");
    append_part(out, "html", parts.html);
    append_delimiter(out, boundary, "--");
  } else if (!parts.html.empty()) {
    append_part(out, "html", parts.html);
  } else {
    append_part(out, "plain", parts.text);
  }
  out += end_of_data;
  return out;
}

std::string format_date(std::int64_t unix_ms) {
  std::string date;
  append_date(date, unix_ms);
  return date;
}

}  // namespace tocsin::smtp
