// Bytes as people write them: hexadecimal, in lower case.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace tocsin {

// Two digits a byte.
std::string to_hex(std::span<const std::byte> bytes);

}  // namespace tocsin
