// Polls plugins' health, and logs what changes.
#include "core/plugin_host/calls/plugin_health.hpp"

#include "core/observe/log.hpp"
#include "core/plugin_host/abi_values.hpp"
#include "core/plugin_host/calls/guarded_call.hpp"
#include "core/plugin_host/plugin_instance.hpp"

#include <algorithm>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace tocsin {
namespace {

health_state state_of(tocsin_health_state given) {
  if (given == TOCSIN_HEALTH_GOOD) return health_state::good;
  return given == TOCSIN_HEALTH_DEGRADED ? health_state::degraded : health_state::failing;
}

void write_change(const plugin_instance& instance, const plugin_health& now) {
  const auto level = now.state == health_state::good       ? log::level::info
                     : now.state == health_state::degraded ? log::level::warn
                                                           : log::level::error;
  log::write(level, "plugin health",
             {{"plugin", instance.about.id},
              {"version", instance.about.version},
              {"health", std::string(to_text(now.state))},
              {"text", now.text}});
}

}  // namespace

std::string_view to_text(health_state state) {
  switch (state) {
    case health_state::good:
      return "good";
    case health_state::degraded:
      return "degraded";
    case health_state::failing:
      break;
  }
  return "failing";
}

std::optional<plugin_health> ask_for_health(plugin_instance& instance) {
  const auto pass = instance.into_plugin.enter();
  if (!pass) return std::nullopt;
  abi::gathering_sink text(instance.late_sink("health.check"));
  plugin_health answer;
  const bool ended_well = guarded_call(instance, "health.check", {}, [&] {
    answer.state = state_of(instance.tables.health->check(instance.plugin->self, text.raw()));
  });
  if (!ended_well) return plugin_health{health_state::failing, "It threw an exception when it was asked how it is."};
  answer.text = text.words(answer.state == health_state::good ? "" : "It gave no reason.");
  return answer;
}

struct health_monitor::impl : std::enable_shared_from_this<impl> {
  struct watched {
    plugin_instance* instance = nullptr;
    bool asking = false;
    std::chrono::nanoseconds asked{0};
    std::optional<plugin_health> last;
  };

  impl(executor& pool_, clock& time_, std::function<void(plugin_instance&, const plugin_health&)> changed_)
      : pool(pool_), time(time_), changed(std::move(changed_)) {}

  watched* find(const plugin_instance& instance) {
    const auto at = std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.instance == &instance; });
    return at == all.end() ? nullptr : &*at;
  }

  // With the mutex.
  void ask(watched& one) {
    if (one.asking) return;
    one.asking = true;
    one.asked = time.monotonic();
    pool.post(
        [self = shared_from_this(), instance = one.instance] { self->take(*instance, ask_for_health(*instance)); });
  }

  void ask_older_than(std::chrono::nanoseconds age) {
    const std::lock_guard lock(mutex);
    for (watched& one : all)
      if (time.monotonic() - one.asked >= age) ask(one);
  }

  void take(plugin_instance& instance, const std::optional<plugin_health>& answer) {
    const std::lock_guard lock(mutex);
    watched* one = find(instance);
    if (one == nullptr) return;
    one->asking = false;
    if (!answer || one->last == answer) return;
    // That all is well from the beginning is no news.
    if (one->last || answer->state != health_state::good) write_change(instance, *answer);
    one->last = answer;
    if (changed) changed(instance, *answer);
  }

  // With the mutex. The timer keeps nothing alive.
  void arm() {
    timer = time.after(interval, [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self) return;
      self->ask_older_than(fresh_for);
      const std::lock_guard lock(self->mutex);
      if (!self->stopped) self->arm();
    });
  }

  executor& pool;
  clock& time;
  std::mutex mutex;
  std::function<void(plugin_instance&, const plugin_health&)> changed;
  std::vector<watched> all;
  clock::timer timer = clock::timer::none;
  bool stopped = false;
};

health_monitor::health_monitor(executor& pool, clock& time,
                               std::function<void(plugin_instance&, const plugin_health&)> changed)
    : impl_(std::make_shared<impl>(pool, time, std::move(changed))) {}

health_monitor::~health_monitor() { stop(); }

void health_monitor::add(plugin_instance& instance) {
  if (!instance.tables.health) return;
  const std::lock_guard lock(impl_->mutex);
  if (impl_->stopped) return;
  impl_->all.push_back({&instance, false, {}, {}});
  impl_->ask(impl_->all.back());
  if (impl_->timer == clock::timer::none) impl_->arm();
}

void health_monitor::refresh() { impl_->ask_older_than(fresh_for); }

void health_monitor::stop() {
  clock::timer timer;
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopped = true;
    impl_->all.clear();
    impl_->changed = nullptr;
    timer = std::exchange(impl_->timer, clock::timer::none);
  }
  if (timer != clock::timer::none) impl_->time.cancel(timer);
}

}  // namespace tocsin
