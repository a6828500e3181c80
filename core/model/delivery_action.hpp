// What an operator does to a delivery, and whether its state allows it: pure.
#pragma once

#include "core/model/delivery.hpp"
#include "core/model/fault.hpp"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace tocsin {

enum class delivery_action : std::uint8_t {
  retry,   // on its old terms: what waits is due now, what is dead gets another attempt; attempts and give_up go on
  drop,    // what waits, or is dead, ends as dropped
  replay,  // as if it had been accepted now: attempts, give_up and time to live begin anew
};

std::string_view to_text(delivery_action action);
std::optional<delivery_action> parse_delivery_action(std::string_view text);

// The code of the line that the action leaves in a delivery's history: RETRIED, DROPPED, REPLAYED.
std::string_view history_code(delivery_action action);

// The states that an action on many takes where no state is named: what waits, or for a replay what is dead. Others are
// taken only when they are named, so that nobody wakes three weeks of dead letters by accident.
std::vector<delivery_state> usual_states(delivery_action action);
// Can the action be carried out in this state at all?
bool takes(delivery_action action, delivery_state state);

// What else decides.
struct action_facts {
  delivery_state state = delivery_state::pending;
  bool erased = false;   // the event was sensitive and is gone
  bool expired = false;  // its time to live has run out
};

// Nothing: it may be done. Codes: DELIVERY_SENDING, DELIVERY_HELD, DELIVERY_WAITS, DELIVERY_FINAL, EVENT_ERASED,
// EVENT_EXPIRED.
std::optional<fault> refuse(delivery_action action, const action_facts& facts);

}  // namespace tocsin
