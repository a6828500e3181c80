// Reads SMTP replies from bytes as they arrive, in bounded memory.
#include "plugins/channels/smtp/protocol/reply_parser.hpp"

#include "plugins/channels/smtp/mime/utf8.hpp"

#include <algorithm>
#include <cstring>

namespace tocsin::smtp {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The number of digits at the front of text: 1 to 3, else 0.
std::size_t digits_at_front(std::string_view text) {
  std::size_t count = 0;
  while (count < text.size() && is_digit(text[count])) ++count;
  return count <= 3 ? count : 0;
}

}  // namespace

std::string reply::to_line() const {
  std::string line = std::to_string(code);
  if (!text.empty()) line += ' ';
  for (const char c : text) {
    if (c == '\n') {
      line += " / ";
    } else {
      line += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
  }
  return line;
}

std::string_view find_enhanced_code(int code, std::string_view text) {
  if (text.empty() || text[0] != static_cast<char>('0' + code / 100)) return {};
  std::size_t at = 1;
  for (int part = 0; part < 2; ++part) {
    if (at >= text.size() || text[at] != '.') return {};
    const std::size_t digits = digits_at_front(text.substr(at + 1));
    if (digits == 0) return {};
    at += 1 + digits;
  }
  if (at < text.size() && text[at] != ' ' && text[at] != '\t' && text[at] != '\n') return {};
  return text.substr(0, at);
}

reply_parser::status reply_parser::refuse(std::string why) {
  broken_ = true;
  why_ = std::move(why);
  partial_.clear();
  partial_.shrink_to_fit();
  return status::violation;
}

reply_parser::status reply_parser::feed(std::string_view& bytes) {
  if (broken_) return status::violation;
  if (done_) {
    reply_.code = 0;
    reply_.enhanced.clear();
    reply_.text.clear();
    lines_ = 0;
    bytes_ = 0;
    done_ = false;
  }
  while (!bytes.empty()) {
    const std::size_t room = max_reply_line_bytes - partial_.size();
    const std::size_t window = std::min(room, bytes.size());
    const auto* newline = static_cast<const char*>(std::memchr(bytes.data(), '\n', window));
    if (newline == nullptr) {
      if (window == room) return refuse("a line of the reply is longer than 4096 bytes");
      // Do not collect what can never become a reply: the first bytes must be digits.
      partial_.append(bytes);
      bytes = {};
      for (std::size_t i = 0; i < std::min<std::size_t>(3, partial_.size()); ++i) {
        if (!is_digit(partial_[i])) return refuse("a line does not begin with a three-digit code");
      }
      return status::need_more;
    }
    const auto size = static_cast<std::size_t>(newline - bytes.data()) + 1;
    status now;
    if (partial_.empty()) {
      now = take_line(bytes.substr(0, size));
    } else {
      partial_.append(bytes.substr(0, size));
      now = take_line(partial_);
      partial_.clear();
    }
    bytes.remove_prefix(size);
    if (now != status::need_more) return now;
  }
  return status::need_more;
}

// line includes its LF.
reply_parser::status reply_parser::take_line(std::string_view line) {
  bytes_ += line.size();
  if (bytes_ > max_reply_bytes) return refuse("the reply is longer than 64 KiB");
  if (++lines_ > max_reply_lines) return refuse("the reply has more than 256 lines");
  if (line.size() < 2 || line[line.size() - 2] != '\r') return refuse("a line ends in LF without CR");
  line.remove_suffix(2);
  if (line.size() < 3 || !is_digit(line[0]) || !is_digit(line[1]) || !is_digit(line[2])) {
    return refuse("a line does not begin with a three-digit code");
  }
  const int code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
  if (code < 200 || code > 599) return refuse("the code " + std::to_string(code) + " is not one of SMTP's");
  if (lines_ > 1 && code != reply_.code) return refuse("the lines of one reply bear different codes");
  const char separator = line.size() == 3 ? ' ' : line[3];
  if (separator != ' ' && separator != '-') return refuse("the code is followed by neither a space nor a hyphen");
  const std::string_view text = line.size() > 4 ? line.substr(4) : std::string_view{};
  bool beyond_ascii = false;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte == 0) return refuse("the reply contains a NUL byte");
    if (byte == '\r') return refuse("a line contains a CR that no LF follows");
    beyond_ascii |= byte >= 0x80;
  }
  if (beyond_ascii && !(utf8_allowed_ && is_utf8(text))) return refuse("the reply contains bytes beyond ASCII");

  if (lines_ == 1) {
    reply_.code = code;
    reply_.enhanced = find_enhanced_code(code, text);
  } else {
    reply_.text += '\n';
  }
  reply_.text += text;
  if (separator == '-') return status::need_more;
  done_ = true;
  lines_ = 0;
  return status::complete;
}

}  // namespace tocsin::smtp
