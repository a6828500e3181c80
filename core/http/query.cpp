// A request's target, taken apart: path and query parameters (RFC 3986).
#include "core/http/query.hpp"

#include "core/model/utf8.hpp"

#include <algorithm>

namespace tocsin {
namespace {

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

fault invalid(const std::string& what, const std::string& remedy, const std::string& name) {
  return fault{"REQUEST_INVALID", what, remedy, {{}, 0, 0, name}};
}

std::string listed(std::initializer_list<std::string_view> names) {
  if (names.size() == 0) return "This call takes no query parameters.";
  std::string out;
  for (const auto name : names) out += (out.empty() ? "Those taken are: " : ", ") + std::string(name);
  return out + ".";
}

}  // namespace

std::optional<std::string> percent_decode(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      out += text[at];
      continue;
    }
    const int high = at + 2 < text.size() ? digit(text[at + 1]) : -1;
    const int low = high >= 0 ? digit(text[at + 2]) : -1;
    if (low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    at += 2;
  }
  return is_utf8(out) ? std::optional(out) : std::nullopt;
}

request_target split_target(std::string_view target) {
  const auto mark = target.find('?');
  if (mark == std::string_view::npos) return {target, {}};
  return {target.substr(0, mark), target.substr(mark + 1)};
}

result<query_parameters> parse_query(std::string_view query, std::initializer_list<std::string_view> known) {
  query_parameters out;
  while (!query.empty()) {
    const auto end = query.find('&');
    const auto one = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
    if (one.empty()) continue;
    const auto equals = one.find('=');
    const auto name = percent_decode(one.substr(0, equals));
    const auto value =
        equals == std::string_view::npos ? std::optional<std::string>("") : percent_decode(one.substr(equals + 1));
    if (!name || !value)
      return invalid("A query parameter has broken percent-encoding, or is no UTF-8.",
                     "Send '%' as %25, and other bytes as % and two hexadecimal digits.", name.value_or(""));
    if (std::find(known.begin(), known.end(), *name) == known.end())
      return invalid("There is no query parameter \"" + *name + "\".", listed(known), *name);
    if (!out.emplace(*name, *value).second)
      return invalid("The query parameter \"" + *name + "\" is there twice.", "Send it once.", *name);
  }
  return out;
}

}  // namespace tocsin
