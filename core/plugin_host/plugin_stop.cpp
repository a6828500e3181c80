// Takes plugins down in the reverse order of their start, and leaves those as they are that hang or are needed by one
// that does.
#include "core/plugin_host/plugin_host_impl.hpp"

#include "core/observe/log.hpp"
#include "core/plugin_host/plugin_lifetime.hpp"

#include <algorithm>

namespace tocsin {

void plugin_host::impl::give_up(std::size_t index, plugin_instance& instance) {
  std::shared_ptr<channel_adapter> channel;
  plugin_info told;
  {
    const std::lock_guard lock(mutex);
    hung.push_back(&instance);
    infos[index].state = plugin_state::failed;
    infos[index].reason = instance.hung_reason();
    told = infos[index];
    const auto found = active.find(infos[index].id);
    if (found != active.end()) channel = found->second.channel;
  }
  answer_in_its_place(instance);
  if (channel) channel->plugin_hangs();
  if (services.hung) services.hung(told);
}

void plugin_host::impl::report_overdue(const call_record& overdue) {
  plugin_instance* found = nullptr;
  {
    const std::lock_guard lock(mutex);
    for (plugin_instance* instance : instances)
      if (&instance->identity == overdue.identity) found = instance;
  }
  if (!found) return;  // of another plugin host in this process
  found->hangs(overdue.call, overdue.about, services.call_limit);
  services.pool->add_thread();
}

std::set<const plugin_instance*> plugin_host::impl::kept() const {
  const std::lock_guard lock(mutex);
  std::set<const plugin_instance*> all(hung.begin(), hung.end());
  std::vector<const plugin_instance*> open(hung.begin(), hung.end());
  while (!open.empty()) {
    const plugin_instance* user = open.back();
    open.pop_back();
    for (const auto& [id, entry] : active) {
      const auto& offered = entry.instance->tables.all;
      const bool serves = std::any_of(user->required.begin(), user->required.end(), [&offered](const auto& service) {
        const auto found = offered.find(service.first);
        return found != offered.end() && found->second == service.second.table;
      });
      if (serves && all.insert(entry.instance).second) open.push_back(entry.instance);
    }
  }
  return all;
}

void plugin_host::impl::stop(std::chrono::milliseconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  const auto time_left = [&] {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    return std::clamp(left, std::chrono::milliseconds(100), services.call_limit);
  };
  while (!started.empty()) {
    const std::string id = started.back();
    const active_plugin leaving = active.at(id);
    started.pop_back();
    if (kept().contains(leaving.instance)) {
      if (!leaving.instance->is_hung()) {
        log::write(log::level::warn, "plugin left as it is, since one that hangs may be within it",
                   {{"plugin", id}, {"version", infos[leaving.index].version}});
      }
      continue;
    }
    set_state(leaving.index, plugin_state::draining);
    {
      const std::lock_guard lock(mutex);
      active.erase(id);
    }
    if (auto stopped = stop_plugin(*leaving.instance, time_left()); stopped) {
      set_state(leaving.index, plugin_state::stopped);
      log::write(log::level::info, "plugin stopped", {{"plugin", id}});
    } else {
      fail(leaving.index, stopped.error());
    }
  }
  sources.clear();
}

}  // namespace tocsin
