// Writes composed mails, and what they were composed from, for composer_oracle.py: one JSON object a line.
#include "plugins/channels/smtp/mime/composer.hpp"
#include "plugins/channels/smtp/mime/encode.hpp"

#include <iostream>
#include <string>
#include <vector>

namespace {

struct sample {
  std::string name;
  std::string address;
  std::string to;
  std::string subject;
  std::string text;
  std::string html;
};

std::string encoded(const std::string& text) { return "\"" + tocsin::smtp::to_base64(text) + "\""; }

// A deterministic walk through odd texts: long words, blanks, every plane of Unicode, dots, equals signs.
std::string odd_text(unsigned seed, unsigned length, bool lines) {
  static const std::vector<std::string> pieces = {
      "a",
      " ",
      ".",
      "=",
      "?",
      "_",
      "word",
      "\xc3\xa9",
      "\xe2\x82\xac",
      "\xf0\x9f\x94\xa5",
      "=?",
      "?=",
      "\t",
      "\"",
      "\\",
      ",",
      "<",
      ">",
      "  ",
      "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
      "From "};
  std::string text;
  for (unsigned i = 0; i < length; ++i) {
    seed = seed * 1103515245U + 12345U;
    const unsigned pick = (seed >> 16U) % (pieces.size() + (lines ? 3 : 0));
    text += pick < pieces.size() ? pieces[pick] : pick == pieces.size() ? "\n." : "\n";
  }
  return text;
}

}  // namespace

int main() {
  std::vector<sample> samples = {
      {"", "noreply@example.org", "ops@example.org", "Plain", "text\n", ""},
      {"Acme, Inc.", "noreply@example.org", "ops@example.org", "Caf\xc3\xa9", "Caf\xc3\xa9\n", "<p>Caf\xc3\xa9</p>\n"},
      {"\xe6\x97\xa5\xe6\x9c\xac", "noreply@example.org", "\"a b\"@example.org", "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e",
       "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\n", "<p>\xe6\x97\xa5</p>"},
      {"x", "noreply@example.org", "ops@example.org", std::string(500, 's'), std::string(3000, 't') + "\n", ""},
      {"x", "noreply@example.org", "ops@example.org", "html only", "", "<p>.</p>\n.\n"},
      {"x", "noreply@example.org", "ops@example.org", "", "", ""},
      {std::string(120, 'n'), "noreply@example.org", "ops@example.org", "long name", "t\n", ""},
  };
  for (unsigned seed = 1; seed <= 300; ++seed) {
    samples.push_back({odd_text(seed, seed % 20, false), "noreply@example.org", "ops@example.org",
                       odd_text(seed + 1000, seed % 60, false), odd_text(seed + 2000, seed, true) + "\n",
                       seed % 3 == 0 ? odd_text(seed + 3000, seed, true) + "\n" : ""});
  }
  for (const sample& one : samples) {
    const std::string from = tocsin::smtp::compose_from(one.name, one.address);
    tocsin::smtp::mail_parts parts;
    parts.from_field = from;
    parts.to = one.to;
    parts.subject = one.subject;
    parts.message_id = "sample@host.example";
    parts.created_ms = 1763769181000;
    parts.text = one.text;
    parts.html = one.html;
    std::cout << "{\"name\":" << encoded(one.name) << ",\"address\":" << encoded(one.address)
              << ",\"to\":" << encoded(one.to) << ",\"subject\":" << encoded(one.subject)
              << ",\"text\":" << encoded(one.text) << ",\"html\":" << encoded(one.html)
              << ",\"mail\":" << encoded(tocsin::smtp::compose(parts)) << "}\n";
  }
}
