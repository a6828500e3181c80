// What was said on a connection, for the outcome of a failed attempt: bounded, and without sign-in data.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tocsin::smtp {

class transcript {
 public:
  // The host takes 8 KiB.
  static constexpr std::size_t max_bytes = 8000;
  static constexpr std::size_t max_line = 512;

  // One line of ours or of the server's, without its CRLF. Control characters become spaces.
  void client(std::string_view line) { add("C: ", line); }
  void server(std::string_view line) { add("S: ", line); }
  // What happened that is no line: "(TLS begins)".
  void note(std::string_view text) { add("-- ", text); }
  // What came before stays (connecting, signing in); what came after the mark is of one transaction.
  void mark() { mark_ = text_.size() < max_bytes / 2 ? text_.size() : max_bytes / 2; }
  void forget_after_mark() {
    text_.resize(mark_ < text_.size() ? mark_ : text_.size());
    full_ = false;
  }

  const std::string& text() const { return text_; }

 private:
  void add(std::string_view who, std::string_view line) {
    if (full_) return;
    const std::string_view shown = line.substr(0, max_line);
    if (text_.size() + who.size() + shown.size() + 8 > max_bytes) {
      text_ += "...\n";
      full_ = true;
      return;
    }
    text_ += who;
    for (const char c : shown) text_ += static_cast<unsigned char>(c) < 0x20 && c != '\t' ? ' ' : c;
    if (shown.size() < line.size()) text_ += "...";
    text_ += '\n';
  }

  std::string text_;
  std::size_t mark_ = 0;
  bool full_ = false;
};

}  // namespace tocsin::smtp
