// What an operator does to a delivery, and whether its state allows it: pure.
#include "core/model/delivery_action.hpp"

#include <algorithm>
#include <string>

namespace tocsin {
namespace {

using state = delivery_state;

std::vector<delivery_state> states_of(delivery_action action) {
  switch (action) {
    case delivery_action::retry:
      return {state::pending, state::deferred, state::dead};
    case delivery_action::drop:
      return {state::pending, state::deferred, state::held, state::dead};
    default:
      return {state::dead, state::dropped, state::expired};
  }
}

fault final_fault(delivery_action action, delivery_state in) {
  const std::string word(to_text(in));
  std::string remedy = "Nothing is left to do for it.";
  if (in == state::delivered) remedy = "To send it once more, publish the event again with another id.";
  if (in == state::superseded) remedy = "Act on the delivery that took over: superseded_by names it.";
  if (action == delivery_action::retry && takes(delivery_action::replay, in))
    remedy = "Replay it: it then begins anew.";
  return {"DELIVERY_FINAL", "The delivery is " + word + ": there is nothing to " + std::string(to_text(action)) + ".",
          remedy};
}

}  // namespace

std::string_view to_text(delivery_action action) {
  switch (action) {
    case delivery_action::retry:
      return "retry";
    case delivery_action::drop:
      return "drop";
    default:
      return "replay";
  }
}

std::optional<delivery_action> parse_delivery_action(std::string_view text) {
  for (const auto action : {delivery_action::retry, delivery_action::drop, delivery_action::replay})
    if (text == to_text(action)) return action;
  return std::nullopt;
}

std::string_view history_code(delivery_action action) {
  switch (action) {
    case delivery_action::retry:
      return "RETRIED";
    case delivery_action::drop:
      return "DROPPED";
    default:
      return "REPLAYED";
  }
}

std::vector<delivery_state> usual_states(delivery_action action) {
  if (action == delivery_action::replay) return {state::dead};
  auto all = states_of(action);
  all.erase(std::remove(all.begin(), all.end(), state::dead), all.end());
  return all;
}

bool takes(delivery_action action, delivery_state in) {
  const auto all = states_of(action);
  return std::find(all.begin(), all.end(), in) != all.end();
}

std::optional<fault> refuse(delivery_action action, const action_facts& facts) {
  if (facts.state == state::sending)
    return fault{"DELIVERY_SENDING", "The delivery is in its channel's hands at this moment.",
                 "Wait for the outcome of this attempt, then ask again."};
  if (facts.state == state::held && action != delivery_action::drop)
    return fault{"DELIVERY_HELD", "A digest will carry the delivery.", "Act on the digest: parent names it."};
  if (action == delivery_action::replay && !is_final(facts.state))
    return fault{"DELIVERY_WAITS", "The delivery still waits: it has not ended.", "Retry it: it is then due now."};
  if (!takes(action, facts.state)) return final_fault(action, facts.state);
  if (action == delivery_action::drop) return std::nullopt;
  if (facts.erased)
    return fault{"EVENT_ERASED", "The event was sensitive: its content was erased when its deliveries had ended.",
                 "Publish a new event."};
  if (action == delivery_action::retry && facts.expired && is_final(facts.state))
    return fault{"EVENT_EXPIRED", "The event's time to live has run out.",
                 "Replay the delivery, if it is still worth sending: its time begins anew."};
  return std::nullopt;
}

}  // namespace tocsin
