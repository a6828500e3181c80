// What is to be announced of a license, and what is to be remembered: old knowledge, license and time in; at most one
// announcement and new knowledge out. No I/O, no clock.
//
// A *term* is a license with its present end. A *step* of N days is crossed at the very millisecond N * 24 h before the
// end (all in UTC, so that no day is longer than another). Within a term each step is announced at most once, and never
// one that is farther from the end than one that was announced: of several steps that were crossed unseen only the
// nearest to the end is announced, and a clock that goes back announces nothing twice.
#pragma once

#include "plugins/sources/license_status/license_file.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::license_status {

// All that is remembered of a license over a restart.
struct knowledge {
  std::int64_t expires_ms = 0;       // the term's end
  std::int64_t since_ms = 0;         // when this term was first seen
  std::optional<std::int64_t> step;  // the nearest to the end that was announced
  bool expired = false;              // the end was announced

  bool operator==(const knowledge&) const = default;
};

// As a text to hand to the host's memory, and back; nothing if it is not such a text.
std::string to_memory(const knowledge& known);
std::optional<knowledge> from_memory(std::string_view text);

struct policy_settings {
  std::vector<std::int64_t> steps;  // days, any order
  // How long after its moment an announcement is still in time.
  std::chrono::milliseconds tolerance{0};
};

enum class notice_kind { expiring, expired, renewed };

struct notice {
  notice_kind kind = notice_kind::expiring;
  std::int64_t step = 0;                 // expiring: which
  std::int64_t days_left = 0;            // days begun until the end; negative: whole days since it
  bool late = false;                     // its moment passed, unseen, while the term was known: the host was down
  std::int64_t previous_expires_ms = 0;  // renewed: the old end

  bool operator==(const notice&) const = default;
};

struct decision {
  std::optional<notice> announce;
  // What to remember instead of the old knowledge, in the same commit as the announcement; nothing: as it was.
  std::optional<knowledge> remember;
};

// One announcement a call: call again with the new knowledge until there is none.
decision decide(const policy_settings& settings, const std::optional<knowledge>& known, const license& file,
                std::int64_t now_ms);

// Of several files for one license the one that ends last holds, so that the old file may stay beside the new one.
// The organization is the source's where the file names none. Sorted by identity().
std::vector<license> current_licenses(std::vector<license> files, std::string_view organization);

// Tells a license from others, whatever its term; unique text, printable, no spaces.
std::string identity(const license& file);

// Text in which only letters, digits and "-._~" stand for themselves (RFC 3986, section 2.3), all else as %XX.
std::string encode_name(std::string_view text);

}  // namespace tocsin::license_status
