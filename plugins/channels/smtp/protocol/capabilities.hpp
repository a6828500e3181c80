// What a server offers: its reply to EHLO, read (RFC 5321 section 4.1.1.1).
#pragma once

#include "plugins/channels/smtp/protocol/reply.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::smtp {

struct capabilities {
  std::string server_name;  // the first word of the reply
  bool starttls = false;
  bool pipelining = false;
  bool eight_bit_mime = false;
  bool smtputf8 = false;
  bool size = false;
  std::uint64_t size_limit = 0;         // bytes; 0: none told
  bool auth = false;                    // an AUTH line was there, be it empty
  std::vector<std::string> mechanisms;  // of AUTH, upper case, as offered
  std::vector<std::string> lines;       // every keyword line, for people

  bool offers(std::string_view mechanism) const;
};

// Lines that are not understood are passed over.
capabilities read_capabilities(const reply& ehlo);

}  // namespace tocsin::smtp
