// Takes a plugin through its states, and its gates with it.
#include "core/plugin_host/plugin_lifetime.hpp"

#include "core/observe/log.hpp"
#include "core/plugin_host/abi_values.hpp"
#include "core/plugin_host/calls/bounded_call.hpp"

#include <algorithm>
#include <utility>

namespace tocsin {
namespace {

fault failed(std::string what) { return {"PLUGIN_FAILED", std::move(what), {}, {}}; }

void shut_host(plugin_instance& instance) {
  instance.running = false;
  // One that hangs may be within the host for ever.
  const auto limit = instance.is_hung() ? std::chrono::milliseconds(0) : instance.services.call_limit;
  if (!instance.into_host.shut(limit) && !instance.is_hung())
    instance.misbehaves("it did not come back from a call of the host's in time");
}

// The last call.
void destroy(plugin_instance& instance) {
  {
    const plugin_call call(instance, "destroy", call_thread::control);
    instance.plugin->destroy(instance.plugin->self);
  }
  instance.plugin = nullptr;
}

// One that hangs: nothing of it is freed, and nothing is called.
fault leave(plugin_instance& instance) {
  instance.running = false;
  shut_host(instance);
  return {"PLUGIN_HUNG", instance.hung_reason(), {}, {}};
}

result<void> create_now(plugin_instance& instance, const tocsin_entry* entry) {
  if (auto known = check_entry(entry, instance.about); !known) return known.error();
  const std::lock_guard control(instance.control);
  instance.into_host.open();
  abi::gathering_sink reason(instance.late_sink("create"));
  const tocsin_plugin* plugin = nullptr;
  const tocsin_status status = [&] {
    const plugin_call call(instance, "create", call_thread::control);
    try {
      return entry->create(&instance.host, &plugin, reason.raw());
    } catch (...) {
      shut_host(instance);
      throw;
    }
  }();
  if (status != TOCSIN_OK || !plugin) {
    shut_host(instance);
    return failed("it could not be created: " + reason.words("it gave no reason."));
  }
  instance.plugin = plugin;
  auto tables = [&] {
    const plugin_call call(instance, "get_extension", call_thread::control);
    return fetch_tables(*plugin, instance.about);
  }();
  if (!tables) {
    if (TOCSIN_HAS_FIELD(tocsin_plugin, plugin, destroy) && plugin->destroy) destroy(instance);
    instance.plugin = nullptr;
    shut_host(instance);
    return tables.error();
  }
  instance.tables = std::move(*tables);
  return {};
}

result<void> start_now(plugin_instance& instance) {
  {
    const std::lock_guard control(instance.control);
    abi::gathering_sink reason(instance.late_sink("start"));
    instance.running = true;
    instance.publications.open();
    const auto take_back = [&instance] {
      instance.running = false;
      static_cast<void>(instance.publications.shut(std::chrono::milliseconds(0)));
      instance.timers.cancel_all(*instance.services.clock);
    };
    const tocsin_status status = [&] {
      const plugin_call call(instance, "start", call_thread::control);
      try {
        return instance.plugin->start(instance.plugin->self, reason.raw());
      } catch (...) {  // what it left half done is called no more, nor may it call
        take_back();
        shut_host(instance);
        throw;
      }
    }();
    if (status == TOCSIN_OK) {
      instance.open_unless_hung();
      return {};
    }
    take_back();
    const fault why = failed("it could not be started: " + reason.words("it gave no reason."));
    destroy(instance);
    shut_host(instance);
    return why;
  }
}

void destroy_now(plugin_instance& instance) {
  const std::lock_guard control(instance.control);
  destroy(instance);
}

result<void> stop_now(plugin_instance& instance) {
  const std::lock_guard control(instance.control);
  const plugin_call call(instance, "stop", call_thread::control);
  instance.plugin->stop(instance.plugin->self);
  return {};
}

}  // namespace

result<void> create_plugin(plugin_instance& instance, const tocsin_entry* entry) {
  return call_bounded<void>(instance, "create", {}, [&instance, entry] { return create_now(instance, entry); });
}

result<void> start_plugin(plugin_instance& instance, service_map required) {
  instance.required = std::move(required);
  return call_bounded<void>(instance, "start", {}, [&instance] { return start_now(instance); });
}

result<void> stop_plugin(plugin_instance& instance, std::chrono::milliseconds limit) {
  instance.diagnoses.give_up_all();
  if (!instance.publications.shut(std::min(instance.answer_limit, limit))) {
    log::write(log::level::warn, "a plugin is stopped before all that it published is answered",
               {{"plugin", instance.about.id}});
  }
  const bool idle = instance.into_plugin.shut(limit);
  instance.timers.cancel_all(*instance.services.clock);
  if (!idle) instance.hangs("a call that was under way", {}, limit);
  if (instance.is_hung()) return leave(instance);
  auto stopped = call_bounded<void>(instance, "stop", {}, limit, [&instance] { return stop_now(instance); });
  instance.running = false;
  instance.timers.cancel_all(*instance.services.clock);
  instance.sources.clear();
  report_lost(instance, instance.deliveries.take_all(), "stop", "it stopped without completing deliveries");
  if (instance.is_hung()) return leave(instance);
  auto destroyed = destroy_plugin(instance, limit);
  if (!stopped) return stopped;
  return destroyed;
}

result<void> destroy_plugin(plugin_instance& instance, std::chrono::milliseconds limit) {
  auto destroyed = call_bounded<void>(instance, "destroy", {}, limit, [&instance]() -> result<void> {
    destroy_now(instance);
    return {};
  });
  shut_host(instance);
  instance.control_calls.end();
  return destroyed;
}

void answer_in_its_place(plugin_instance& instance) {
  instance.workers.drop_waiting();
  instance.diagnoses.give_up_all();
  instance.secret_requests.fail_all("The plugin hangs: " + instance.hung_reason());
  instance.http_calls.fail_all({"SOURCE_DOWN", "The source's plugin hangs: " + instance.hung_reason(), {}, {}});
  report_lost(instance, instance.deliveries.take_all(), {}, "it hangs, and these deliveries with it");
}

void report_late(plugin_instance& instance, const std::vector<outstanding_deliveries::entry>& late,
                 std::string_view call, std::string_view when) {
  if (late.empty()) return;
  const auto& first = late.front();
  instance.misbehaves(when, std::to_string(late.size()) + (late.size() == 1 ? " delivery" : " deliveries"), call,
                      to_text({.kind = "delivery",
                               .number = first.delivery.index,
                               .attempt = first.delivery.generation,
                               .more = late.size() - 1,
                               .event = first.payload ? std::string_view(first.payload->id) : std::string_view()}));
}

void report_lost(plugin_instance& instance, const std::vector<outstanding_deliveries::entry>& lost,
                 std::string_view call, std::string_view when) {
  if (lost.empty()) return;
  report_late(instance, lost, call, when);
  std::vector<outcome> outcomes;
  for (const auto& entry : lost) {
    outcome unknown;
    unknown.delivery = static_cast<delivery_id>(static_cast<std::int64_t>(entry.delivery.index));
    unknown.attempt = static_cast<std::uint32_t>(entry.delivery.generation);
    unknown.outcome_class = outcome_class::uncertain;
    unknown.code = "PLUGIN_HUNG";
    unknown.detail = "The plugin " + instance.about.id + " ended its work without saying what became of this delivery.";
    outcomes.push_back(std::move(unknown));
  }
  if (instance.services.complete) instance.services.complete(std::move(outcomes));
}

}  // namespace tocsin
