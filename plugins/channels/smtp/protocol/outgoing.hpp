// A mail on its way: envelope and composed data.
#pragma once

#include <tocsin/abi/types.h>

#include <memory>
#include <string>

namespace tocsin::smtp {

// How far a transaction goes. Short of `whole` it ends with RSET: a diagnosis that sends nothing.
enum class extent { up_to_sender, up_to_recipient, whole };

struct outgoing {
  tocsin_token delivery{};
  tocsin_token endpoint{};
  std::string sender;     // "<noreply@example.org>"
  std::string recipient;  // "<ops@example.org>"
  bool sender_needs_smtputf8 = false;
  bool recipient_needs_smtputf8 = false;
  std::string data;  // of compose(): dots doubled, the final dot included
  extent goes = extent::whole;
  bool replaced = false;  // it was taken back from a dead connection once already
};

using outgoing_ptr = std::unique_ptr<outgoing>;

}  // namespace tocsin::smtp
