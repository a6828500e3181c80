// A notification as a mail in a file (RFC 5322; lines end in LF, as in any Maildir).
#pragma once

#include <tocsin/sdk/message.hpp>

#include <string>

namespace tocsin::file {

// Depends on the message alone, so that a repeated copy is the same byte for byte.
std::string compose_mail(const sdk::message& message);

// Its name in a Maildir: without '/', ':' and a dot at the front, and the same for the same message id.
std::string maildir_name(const sdk::message& message);

}  // namespace tocsin::file
