// Reads SMTP replies from bytes as they arrive, in bounded memory (RFC 5321 section 4.2.1). No I/O.
#pragma once

#include "plugins/channels/smtp/protocol/reply.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace tocsin::smtp {

// What a server may say at most. RFC 5321 asks for 512 octets a line; real servers go beyond it.
inline constexpr std::size_t max_reply_line_bytes = 4096;
inline constexpr std::size_t max_reply_lines = 256;
inline constexpr std::size_t max_reply_bytes = std::size_t{64} << 10;

class reply_parser {
 public:
  enum class status {
    need_more,  // all bytes are taken, the reply is not whole yet
    complete,   // value() is a reply; the bytes after it are left
    violation,  // this is not SMTP; why() says what is wrong. The parser is of no more use.
  };

  // Takes bytes from the front of `bytes`, up to the end of one reply.
  status feed(std::string_view& bytes);

  // Valid after complete, until the next feed().
  const reply& value() const { return reply_; }
  // One line: which rule was broken.
  const std::string& why() const { return why_; }
  // True if a reply has begun and is not whole.
  bool in_progress() const { return !partial_.empty() || lines_ > 0; }

  // Text beyond ASCII is allowed once SMTPUTF8 was used (RFC 6531 section 3.6); it must be UTF-8 all the same.
  void allow_utf8() { utf8_allowed_ = true; }

 private:
  status take_line(std::string_view line);
  status refuse(std::string why);

  reply reply_;
  std::string partial_;  // a line of which the end has not arrived
  std::string why_;
  std::size_t lines_ = 0;
  std::size_t bytes_ = 0;
  bool done_ = true;
  bool broken_ = false;
  bool utf8_allowed_ = false;
};

}  // namespace tocsin::smtp
