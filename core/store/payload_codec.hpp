// The part of an event that has no column of its own, as bytes. docs/formats/store.md, "Payload".
#pragma once

#include "core/model/event.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace tocsin {

// Everything of value but id, source, type, organization, severity and expires.
std::string encode_payload(const event& value);
// Fills what encode_payload() wrote into `into`. False: bytes are no payload, or were changed since they were written;
// into is then unspecified.
bool decode_payload(std::string_view bytes, event& into);

}  // namespace tocsin
