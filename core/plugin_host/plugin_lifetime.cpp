// Takes a plugin through its states, and its gates with it.
#include "core/plugin_host/plugin_lifetime.hpp"

#include "core/observe/log.hpp"
#include "core/plugin_host/abi_values.hpp"

#include <utility>

namespace tocsin {
namespace {

// How long a call may hang in a plugin before stop() goes on without it.
constexpr std::chrono::milliseconds hang_limit = std::chrono::seconds(5);

fault failed(std::string what) { return {"PLUGIN_FAILED", std::move(what), {}, {}}; }

void shut_host(plugin_instance& instance) {
  instance.running = false;
  if (!instance.into_host.shut(hang_limit))
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

}  // namespace

result<void> create_plugin(plugin_instance& instance, const tocsin_entry* entry) {
  if (auto known = check_entry(entry, instance.about); !known) return known.error();
  const std::lock_guard control(instance.control);
  instance.into_host.open();
  abi::gathering_sink reason(instance.late_sink("create"));
  const tocsin_plugin* plugin = nullptr;
  const tocsin_status status = [&] {
    const plugin_call call(instance, "create", call_thread::control);
    return entry->create(&instance.host, &plugin, reason.raw());
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

result<void> start_plugin(plugin_instance& instance, service_map required) {
  instance.required = std::move(required);
  {
    const std::lock_guard control(instance.control);
    abi::gathering_sink reason(instance.late_sink("start"));
    instance.running = true;
    const tocsin_status status = [&] {
      const plugin_call call(instance, "start", call_thread::control);
      return instance.plugin->start(instance.plugin->self, reason.raw());
    }();
    if (status == TOCSIN_OK) {
      instance.into_plugin.open();
      instance.publications.open();
      return {};
    }
    instance.running = false;
    instance.timers.cancel_all(*instance.services.clock);
    const fault why = failed("it could not be started: " + reason.words("it gave no reason."));
    destroy(instance);
    shut_host(instance);
    return why;
  }
}

result<void> stop_plugin(plugin_instance& instance) {
  instance.diagnoses.give_up_all();
  if (!instance.publications.shut(instance.answer_limit)) {
    log::write(log::level::warn, "a plugin is stopped before all that it published is answered",
               {{"plugin", instance.about.id}});
  }
  const bool idle = instance.into_plugin.shut(hang_limit);
  instance.timers.cancel_all(*instance.services.clock);
  if (!idle) {
    shut_host(instance);
    instance.misbehaves("a call into it did not return; it is left as it is");
    return failed("a call into it did not return within 5 s, so that it could not be stopped.");
  }
  const std::lock_guard control(instance.control);
  {
    const plugin_call call(instance, "stop", call_thread::control);
    instance.plugin->stop(instance.plugin->self);
  }
  instance.running = false;
  instance.timers.cancel_all(*instance.services.clock);
  instance.sources.clear();
  report_lost(instance, instance.deliveries.take_all(), "it stopped without completing deliveries");
  destroy(instance);
  shut_host(instance);
  return {};
}

void destroy_plugin(plugin_instance& instance) {
  const std::lock_guard control(instance.control);
  destroy(instance);
  shut_host(instance);
}

void report_lost(plugin_instance& instance, const std::vector<outstanding_deliveries::entry>& lost,
                 std::string_view when) {
  if (lost.empty()) return;
  instance.misbehaves(when, std::to_string(lost.size()) + " deliveries");
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
