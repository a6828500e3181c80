// A delivery: one event to one recipient over one endpoint; the unit that is tracked.
#pragma once

#include "core/model/endpoint.hpp"
#include "core/model/event.hpp"
#include "core/model/identifier.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin {

// The contract explains each. The values are stored: never change one, add at the end.
enum class delivery_state : std::uint8_t {
  pending = 0,   // never tried
  sending = 1,   // leased: in the hands of a channel
  deferred = 2,  // tried, waits for its next attempt or for its endpoint's pause to end
  held = 3,      // a digest will carry it
  delivered = 4,
  dead = 5,
  dropped = 6,  // by an operator
  suppressed = 7,
  superseded = 8,  // the next channel took over
  expired = 9,
};
inline constexpr std::size_t delivery_state_count = 10;

std::string_view to_text(delivery_state state);
std::optional<delivery_state> parse_delivery_state(std::string_view text);
// delivered, dead, dropped, suppressed, superseded, expired.
bool is_final(delivery_state state);

// A route's decision, before it is written down.
struct planned_delivery {
  std::string route;                  // its name
  std::vector<std::string> channels;  // in order; the first is where it goes now, the others when that one gives up
  std::string recipient;
  std::string template_name;
};

// A delivery as it is written down with its event.
struct new_delivery {
  delivery_id id{};
  endpoint_key endpoint;
  std::string recipient;
  std::string route;
  std::string template_name;
  std::string language;    // BCP 47
  std::string message_id;  // left@right
  std::vector<std::string> next_channels;
  std::optional<time_ms> give_up_at;  // expiry of the event or nothing; the retry policy's give_up is the endpoint's
  bool leased = false;                // a free slot was reserved: written as `sending`
};

// A delivery that was leased, with all that an attempt needs.
struct leased_delivery {
  delivery_id id{};
  event_id event{};
  endpoint_key endpoint;
  std::string organization;  // of the event
  std::string recipient;
  std::string template_name;
  std::string language;
  std::string message_id;
  std::vector<std::string> next_channels;
  std::uint32_t attempts = 0;  // made so far
  bool uncertain = false;
  time_ms created = 0;
  std::optional<time_ms> expires;
  std::string last_code;
  std::shared_ptr<const tocsin::event> payload;  // null: it cannot be read, and the delivery cannot be made
  std::string route;                             // what the delivery that takes over is written down with
  std::uint32_t interrupted = 0;                 // how many runs of the host in a row ended while they had it leased
};

// One line of a delivery's history.
struct attempt_record {
  time_ms at = 0;
  std::string code;
  std::string detail;
  std::string server_reply;
};

// Everything that is known of a delivery, for those who ask.
struct delivery_record {
  delivery_id id{};
  event_id event{};
  std::string event_source, event_external_id, event_type;  // CloudEvents source, id, type
  std::string organization;
  endpoint_key endpoint;
  std::string recipient;
  std::string route;
  delivery_state state = delivery_state::pending;
  std::uint32_t attempts = 0;
  bool uncertain = false;
  std::string code;  // empty: nothing was tried
  std::string detail;
  std::string server_reply;
  std::string message_id;
  std::optional<delivery_id> parent;
  std::optional<delivery_id> superseded_by;
  std::optional<time_ms> next_attempt;
  time_ms created = 0;
  std::vector<attempt_record> history;
};

using state_counts = std::array<std::uint64_t, delivery_state_count>;

}  // namespace tocsin
