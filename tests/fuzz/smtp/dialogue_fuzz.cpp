// Any bytes as a whole dialogue of a server's: every mail comes back exactly once, no password goes in clear, and
// nothing is written after the end. The first byte chooses the settings; a byte 0xff cuts what arrives, 0xfe is a
// deadline, 0xfd the end.
#include "tests/unit/smtp/dialogue.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>

using tocsin::smtp::testing::dialogue;

namespace {

void act(dialogue& with, unsigned char what) {
  switch (what) {
    case 0xff:
      break;
    case 0xfe:
      with.deadline();
      break;
    default:
      with.drop();
  }
  with.written();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  tocsin::smtp::fsm_settings settings = (data[0] & 1U) != 0 ? dialogue::with_sign_in() : dialogue::plain();
  settings.step_by_step = (data[0] & 2U) != 0;
  settings.messages_per_connection = (data[0] & 4U) != 0 ? 2 : 0;
  dialogue with(settings);
  for (std::uint64_t i = 1; i <= 3; ++i) with.queue(tocsin::smtp::testing::make_mail(i));
  with.connect();
  bool in_clear = settings.security == tocsin::smtp::security::starttls;
  std::string piece;
  for (std::size_t i = 1; i <= size; ++i) {
    if (i < size && data[i] < 0xfd) {
      piece += static_cast<char>(data[i]);
      continue;
    }
    with.server(piece);
    piece.clear();
    if (in_clear &&
        (with.all_written.find("AUTH") != std::string::npos || with.all_written.find("MAIL") != std::string::npos)) {
      std::abort();
    }
    if (with.secure_wanted && with.fsm.state() == tocsin::smtp::fsm_state::securing) {
      in_clear = false;
      with.secured();
    }
    if (i < size) act(with, data[i]);
  }
  with.drop();
  std::set<std::uint64_t> seen;
  for (const auto& one : with.done) {
    if (!seen.insert(one.number).second || one.came_to.code.empty()) std::abort();
  }
  if (with.done.size() + with.waiting.size() != 3 || with.fsm.in_flight() != 0 || with.wrote_after_close) std::abort();
  if (with.fsm.dialogue().size() > 8192 || with.fsm.dialogue().find("c2VjcmV0") != std::string::npos) std::abort();
  return 0;
}
