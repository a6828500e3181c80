// What a server offers: its reply to EHLO, read.
#include "plugins/channels/smtp/protocol/capabilities.hpp"

#include <algorithm>
#include <charconv>

namespace tocsin::smtp {
namespace {

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return out;
}

// Takes the first word off text.
std::string_view next_word(std::string_view& text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) {
    text = {};
    return {};
  }
  const std::size_t end = std::min(text.find_first_of(" \t", begin), text.size());
  const std::string_view word = text.substr(begin, end - begin);
  text.remove_prefix(end);
  return word;
}

void read_line(std::string_view line, capabilities& found) {
  found.lines.emplace_back(line);
  std::string keyword = upper(next_word(line));
  if (keyword.starts_with("AUTH=")) {  // the form of before RFC 2554, still sent beside the right one
    const std::string first = keyword.substr(5);
    keyword = "AUTH";
    if (!first.empty() && !found.offers(first)) found.mechanisms.push_back(first);
  }
  if (keyword == "STARTTLS") {
    found.starttls = true;
  } else if (keyword == "PIPELINING") {
    found.pipelining = true;
  } else if (keyword == "8BITMIME") {
    found.eight_bit_mime = true;
  } else if (keyword == "SMTPUTF8") {
    found.smtputf8 = true;
  } else if (keyword == "SIZE") {
    found.size = true;
    const std::string_view number = next_word(line);
    std::uint64_t limit = 0;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), limit);
    if (error == std::errc{} && end == number.data() + number.size()) found.size_limit = limit;
  } else if (keyword == "AUTH") {
    found.auth = true;
    for (std::string_view word = next_word(line); !word.empty(); word = next_word(line)) {
      std::string mechanism = upper(word);
      if (!found.offers(mechanism)) found.mechanisms.push_back(std::move(mechanism));
    }
  }
}

}  // namespace

bool capabilities::offers(std::string_view mechanism) const {
  return std::find(mechanisms.begin(), mechanisms.end(), mechanism) != mechanisms.end();
}

capabilities read_capabilities(const reply& ehlo) {
  capabilities found;
  std::string_view text = ehlo.text;
  bool first = true;
  while (true) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (first) {
      found.server_name = next_word(line);
    } else {
      read_line(line, found);
    }
    if (end == text.size()) return found;
    text.remove_prefix(end + 1);
    first = false;
  }
}

}  // namespace tocsin::smtp
