// SPDX-License-Identifier: Apache-2.0
// Checks of values that a plugin hands in.
#pragma once

#include "sdk/conformance/src/law.hpp"

#include <tocsin/abi/types.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace tocsin::conformance {

class kit_host;

bool is_utf8(std::string_view text);
// For a sentence: quoted, control characters as \xNN, cut after 80 bytes.
std::string shown(std::string_view text);
bool is_one_line(std::string_view text);

// The text, checked; of a broken one a breach is written that names `what`, and nothing is returned of it that cannot
// be read.
std::string take_text(const kit_host& host, tocsin_string text, const char* what);
std::string take_bytes(const kit_host& host, tocsin_bytes bytes, const char* what);
// True: a struct is there and at least `least` bytes large.
bool check_struct(const kit_host& host, const void* with_size, std::uint32_t least, const char* what);
// A sink of the plugin's: whole and usable.
bool write_to_plugin(const kit_host& host, const tocsin_sink* sink, std::string_view text, const char* what);

}  // namespace tocsin::conformance
