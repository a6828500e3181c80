// A request's header as it came, held against RFC 9112: what two readers could take in two ways is refused.
#include "core/http/request_head.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

namespace tocsin {
namespace {

constexpr std::size_t most_fields = 100;
constexpr std::size_t most_digits = 19;  // of a Content-Length: it fits into 64 bits

http_answer malformed(const std::string& what) {
  return problem(400, {"REQUEST_INVALID", what, "Send the request as RFC 9112 has it.", {}}, "Bad Request");
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c); });
  return out;
}

bool is_token_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), &is_token_character);
}

std::string_view trimmed(std::string_view text) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// Up to the next line end, which is taken away, too.
std::string_view take_line(std::string_view& text) {
  const auto end = text.find("\r\n");
  const auto line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 2);
  return line;
}

std::optional<http_answer> check_request_line(std::string_view line, bool& is_1_0) {
  const auto first = line.find(' ');
  const auto second = line.rfind(' ');
  if (first == std::string_view::npos || second == first || !is_token(line.substr(0, first)))
    return malformed("The request line is not METHOD TARGET HTTP/1.1.");
  const auto version = line.substr(second + 1);
  is_1_0 = version == "HTTP/1.0";
  if (version.starts_with("HTTP/") && version != "HTTP/1.1" && !is_1_0)
    return malformed("The host speaks HTTP/1.1 and HTTP/1.0.");
  const auto target = line.substr(first + 1, second - first - 1);
  const bool printable = std::all_of(target.begin(), target.end(), [](char c) { return c > ' ' && c < '\x7f'; });
  if (!version.starts_with("HTTP/") || target.empty() || !printable)
    return malformed("The request line is not METHOD TARGET HTTP/1.1.");
  if (!origin_form(target).starts_with('/')) return malformed("The request's target is no path.");
  return std::nullopt;
}

// The fields that say where a request ends, whose it is and what it holds, each there once at most.
struct framing {
  std::array<std::pair<std::string_view, std::optional<std::string>>, 6> fields{{{"host", {}},
                                                                                 {"content-length", {}},
                                                                                 {"transfer-encoding", {}},
                                                                                 {"authorization", {}},
                                                                                 {"content-type", {}},
                                                                                 {"expect", {}}}};

  // False: it was there before.
  bool keep(std::string_view name, std::string_view value) {
    for (auto& [known, kept] : fields) {
      if (known != name) continue;
      if (kept) return false;
      kept = std::string(value);
    }
    return true;
  }
  const std::optional<std::string>& operator[](std::string_view name) const {
    return std::find_if(fields.begin(), fields.end(), [name](const auto& one) { return one.first == name; })->second;
  }
};

std::optional<http_answer> check_field(std::string_view line, framing& seen) {
  if (line.front() == ' ' || line.front() == '\t')
    return malformed("A header field goes on in a second line, which HTTP/1.1 does not allow any more.");
  const auto colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon)))
    return malformed("A header field is not NAME: VALUE.");
  const auto value = trimmed(line.substr(colon + 1));
  const bool has_control =
      std::any_of(value.begin(), value.end(), [](char c) { return (c >= 0 && c < ' ' && c != '\t') || c == '\x7f'; });
  if (has_control) return malformed("A header field has a control character in it.");
  const auto name = lower(line.substr(0, colon));
  if (!seen.keep(name, value)) return malformed("The header field " + name + " is there twice.");
  return std::nullopt;
}

std::optional<http_answer> check_framing(const framing& seen, bool is_1_0) {
  const auto& length = seen["content-length"];
  const auto& coding = seen["transfer-encoding"];
  if (length && coding) return malformed("Content-Length and Transfer-Encoding exclude each other.");
  if (coding && is_1_0) return malformed("HTTP/1.0 has no Transfer-Encoding.");
  if (coding && lower(*coding) != "chunked")
    return malformed("Of transfer codings, a request may have \"chunked\" alone.");
  if (length) {
    const bool digits = std::all_of(length->begin(), length->end(), [](char c) { return c >= '0' && c <= '9'; });
    if (length->empty() || length->size() > most_digits || !digits) return malformed("Content-Length is no number.");
  }
  if (!is_1_0 && !seen["host"]) return malformed("The header Host is missing.");
  if (const auto& expected = seen["expect"]; expected && lower(*expected) != "100-continue") {
    return problem(417, "EXPECTATION_UNSUPPORTED", "Expectation Failed", "Only 100-continue can be expected.");
  }
  return std::nullopt;
}

}  // namespace

std::optional<http_answer> check_part_of_head(std::string_view part) {
  for (std::size_t at = 0; at < part.size(); ++at) {
    if (part[at] == '\n' && (at == 0 || part[at - 1] != '\r'))
      return malformed("A line of the header ends in a line feed alone.");
  }
  return std::nullopt;
}

std::optional<http_answer> check_head(std::string_view head) {
  if (auto refused = check_part_of_head(head)) return refused;
  bool is_1_0 = false;
  if (auto refused = check_request_line(take_line(head), is_1_0)) return refused;
  framing seen;
  std::size_t fields = 0;
  for (auto line = take_line(head); !line.empty(); line = take_line(head)) {
    if (++fields > most_fields) {
      return problem(431, "HEADER_TOO_LARGE", "Request Header Fields Too Large",
                     "The header has at most " + std::to_string(most_fields) + " fields.");
    }
    if (auto refused = check_field(line, seen)) return refused;
  }
  return check_framing(seen, is_1_0);
}

std::string origin_form(std::string_view target) {
  const auto scheme = lower(target.substr(0, std::min(target.find("://"), target.size())));
  if (scheme != "http" && scheme != "https") return std::string(target);
  target.remove_prefix(scheme.size() + 3);
  const auto path = target.find_first_of("/?");
  if (path == std::string_view::npos) return "/";
  return (target[path] == '?' ? "/" : "") + std::string(target.substr(path));
}

}  // namespace tocsin
