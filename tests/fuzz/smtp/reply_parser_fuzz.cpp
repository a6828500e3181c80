// Any bytes as a server's replies: the same ones however they are cut, and bounded.
#include "plugins/channels/smtp/protocol/capabilities.hpp"
#include "plugins/channels/smtp/protocol/reply_parser.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

using tocsin::smtp::reply_parser;

namespace {

std::vector<std::string> read(std::string_view bytes, std::size_t piece) {
  reply_parser parser;
  std::vector<std::string> replies;
  while (!bytes.empty()) {
    std::string_view part = bytes.substr(0, piece);
    bytes.remove_prefix(part.size());
    while (!part.empty()) {
      const std::size_t before = part.size();
      switch (parser.feed(part)) {
        case reply_parser::status::violation:
          if (parser.why().empty()) std::abort();
          replies.emplace_back("violation");
          return replies;
        case reply_parser::status::complete: {
          const auto& said = parser.value();
          if (said.code < 200 || said.code > 599 || said.text.size() > tocsin::smtp::max_reply_bytes) std::abort();
          if (said.to_line().find('\n') != std::string::npos) std::abort();
          static_cast<void>(tocsin::smtp::read_capabilities(said));
          replies.push_back(said.to_line());
          break;
        }
        case reply_parser::status::need_more:
          if (!part.empty()) std::abort();
          break;
      }
      if (part.size() >= before) std::abort();  // no progress
    }
  }
  return replies;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto whole = read(bytes, size == 0 ? 1 : size);
  if (whole != read(bytes, 1) || whole != read(bytes, 7)) std::abort();
  return 0;
}
