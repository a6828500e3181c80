// Lets the store forget, step by step, what was kept for long enough.
#include "core/app/purger.hpp"

#include "core/observe/log.hpp"

namespace tocsin::app {
namespace {

constexpr std::chrono::seconds first_pause{1};
constexpr std::chrono::milliseconds pause{10};
constexpr std::chrono::hours interval{1};

}  // namespace

purger::purger(store& from, clock& time, std::function<std::chrono::milliseconds()> retention)
    : store_(from), clock_(time), retention_(std::move(retention)) {}

void purger::start() { step_after(first_pause); }

void purger::step_after(std::chrono::milliseconds delay) {
  clock_.after(delay, [this] {
    const auto now = clock_.now();
    store_.purge(now, now - retention_().count(), [this](result<purge_step> made) {
      if (!made && made.error().code == "STORE_CLOSED") return;
      if (made && made->gone > 0) log::write(log::level::debug, "purged", {{"events", std::to_string(made->gone)}});
      step_after(made && made->more ? pause : std::chrono::milliseconds(interval));
    });
  });
}

}  // namespace tocsin::app
