// Identifiers of events and deliveries: 64 bits in order of time, shown as 13 letters and digits.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tocsin {

enum class event_id : std::int64_t {};
enum class delivery_id : std::int64_t {};

// Crockford base 32, 13 characters, upper case: sorts as the number does. The number is not negative.
std::string to_text(event_id id);
std::string to_text(delivery_id id);
// Takes lower case, too. Nothing, if text is not an identifier.
std::optional<event_id> parse_event_id(std::string_view text);
std::optional<delivery_id> parse_delivery_id(std::string_view text);

// Makes identifiers: 42 bits of Unix time in ms, then 21 bits that count on within it. Unique and growing within a
// process, also when the clock goes back; seeded from what the store has, it grows over restarts, too. [any thread]
class identifier_source {
 public:
  // last: the highest identifier ever given out, or 0.
  explicit identifier_source(std::int64_t last = 0) : last_(last) {}
  std::int64_t next(std::int64_t now_ms);
  void raise_to(std::int64_t last);

 private:
  alignas(8) std::int64_t last_;  // through std::atomic_ref only: a compare-and-swap loop, no lock
};

}  // namespace tocsin
