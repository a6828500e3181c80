// Forgetting, in small steps, what was kept for long enough.
#include "core/store/tables.hpp"

#include <algorithm>

namespace tocsin {
namespace {

// A step holds the store up for a few milliseconds at most.
constexpr int events_a_step = 200;

}  // namespace

// Goes through the events from the oldest on, a step a call; what must stay (something waits, the dedup key holds) is
// left behind and met again the next time round. The round ends where the events are young; one that was accepted while
// the clock stood elsewhere is passed over.
purge_step tables::purge(time_ms now, time_ms before) {
  std::vector<std::int64_t> gone;
  std::int64_t last = 0;
  int seen = 0;
  bool young = false;
  {
    auto candidates = purge_candidates_.query(purge_from_, events_a_step);
    for (; candidates.next(); ++seen) {
      last = candidates.integer(0);
      const auto accepted = candidates.integer(1);
      young = accepted >= before && accepted <= now;
      if (accepted >= before || candidates.integer(2) > now) continue;
      auto waiting = unfinished_.query(last);
      if (!waiting.next()) gone.push_back(last);
    }
  }
  for (const auto event : gone) {
    purge_event(event);
  }
  const bool more = seen == events_a_step && !young;
  purge_from_ = more ? last : 0;
  return {gone.size(), more};
}

void tables::purge_event(std::int64_t event) {
  struct row {
    std::int64_t id, organization;
    delivery_state state;
  };
  std::vector<row> deliveries;
  {
    auto found = purge_deliveries_.query(event);
    while (found.next()) {
      deliveries.push_back({found.integer(0), found.integer(1), static_cast<delivery_state>(found.integer(2))});
    }
  }
  std::int64_t highest = event;
  for (const auto& delivery : deliveries) {
    purge_attempts_.run(delivery.id);
    purge_delivery_.run(delivery.id);
    count(delivery.organization, delivery.state, -1);
    highest = std::max(highest, delivery.id);
  }
  purge_ack_.run(event);
  purge_duplicates_.run(event);
  purge_event_.run(event);
  // An identifier is never given out twice, not even when the newest rows are gone and the clock goes back.
  keep_last_identifier_.run(std::to_string(highest));
}

}  // namespace tocsin
