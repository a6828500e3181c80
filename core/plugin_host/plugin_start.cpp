// Brings plugins up in the order of their requirements.
#include "core/plugin_host/plugin_host_impl.hpp"

#include "core/observe/log.hpp"
#include "core/plugin_host/calls/bounded_call.hpp"
#include "core/plugin_host/files/discovery.hpp"
#include "core/plugin_host/files/library.hpp"
#include "core/plugin_host/plugin_lifetime.hpp"
#include "core/plugin_host/start_order.hpp"

#include <algorithm>
#include <utility>

namespace tocsin {

void plugin_host::impl::start(const std::function<bool(const manifest&)>& needed) {
  std::vector<const manifest*> known;
  std::vector<std::size_t> at;
  for (std::size_t index = 0; index < infos.size(); ++index) {
    const plugin_info& info = infos[index];
    if (info.state == plugin_state::refused) {
      log::write(log::level::warn, "plugin refused", {{"file", info.file.string()}, {"reason", info.reason}});
    } else {
      known.push_back(&info.manifest);
      at.push_back(index);
    }
  }
  const start_plan plan = plan_start(known, needed);
  for (const auto& [which, why] : plan.impossible)
    if (infos[at[which]].state == plugin_state::verified) fail(at[which], why);
  std::vector<std::size_t> wanted;
  std::vector<plugin_candidate> files;
  for (const std::size_t which : plan.order) {
    if (infos[at[which]].state != plugin_state::verified) continue;
    wanted.push_back(at[which]);
    files.push_back({infos[at[which]].file, infos[at[which]].policy});
  }
  containment gate(services);
  auto admitted = gate.admit(files);
  for (std::size_t turn = 0; turn < wanted.size(); ++turn) {
    auto& one = admitted[turn];
    auto up = one ? start_one(wanted[turn], known, at, std::move(*one), gate) : result<void>(one.error());
    gate.leave();
    if (!up) fail(wanted[turn], up.error());
  }
}

result<service_map> plugin_host::impl::find_services(std::size_t index, std::span<const manifest* const> known,
                                                     std::span<const std::size_t> at) const {
  service_map found;
  const auto own = static_cast<std::size_t>(std::find(at.begin(), at.end(), index) - at.begin());
  for (const manifest_requirement& requirement : infos[index].manifest.requirements) {
    const std::size_t provider = *find_provider(known, requirement.service, own);
    const auto running = find(known[provider]->id);
    if (!running) {
      const std::lock_guard lock(mutex);
      return fault{"PLUGIN_FAILED",
                   "it requires " + requirement.service + " of the plugin \"" + known[provider]->id +
                       "\", which does not run: " + infos[at[provider]].reason,
                   {},
                   {}};
    }
    const auto& tables = running->instance->tables.all;
    found.emplace(requirement.service, service_table{tables.at(requirement.service), running->instance->plugin->self});
  }
  return found;
}

result<void> plugin_host::impl::start_one(std::size_t index, std::span<const manifest* const> known,
                                          std::span<const std::size_t> at, admitted_plugin admitted,
                                          containment& gate) {
  auto required = find_services(index, known, at);
  if (!required) return required.error();
  const plugin_info& info = infos[index];
  verified_file* const verified = &admitted.verified;
  if (verified->file.content_hash() != info.content) {
    return fault{"PLUGIN_REFUSED", "its file was changed since it was looked at.", "Start again.", {}};
  }
  if (auto loader = check_loader_is_free(); !loader) return loader.error();
  plugin_instance& instance = make_instance(info.manifest, services, codes, info.build_id);
  {
    const std::lock_guard lock(mutex);
    instances.push_back(&instance);
  }
  instance.on_hung = [this, index, &instance] { give_up(index, instance); };
  gate.enter(admitted, "load");
  const bool only_checked = info.policy && info.policy->demand != signed_plugins::off;
  const auto entry = call_bounded<const tocsin_entry*>(
      instance, "load", {}, [&instance, only_checked, file = std::make_shared<plugin_file>(std::move(verified->file))] {
        const plugin_call call(instance, "load", call_thread::control);
        return load_library(std::move(*file), only_checked);
      });
  if (!entry) {
    if (instance.is_hung()) gate.hangs_in_host(admitted);
    instance.control_calls.end();
    return entry.error();
  }
  set_state(index, plugin_state::loaded);
  gate.enter(admitted, "create");
  if (auto created = create_plugin(instance, *entry); !created) {
    instance.control_calls.end();
    return created.error();
  }
  set_state(index, plugin_state::created);
  gate.enter(admitted, "start");
  if (auto running = start_plugin(instance, std::move(*required)); !running) {
    instance.control_calls.end();
    return running.error();
  }
  {
    const std::lock_guard lock(mutex);
    active_plugin& entered = active[info.id];
    entered.instance = &instance;
    entered.index = index;
    entered.sha256 = admitted.sha256;
    entered.times = admitted.times;
    if (instance.tables.channel) entered.channel = std::make_shared<channel_adapter>(instance);
    infos[index].state = plugin_state::active;
    started.push_back(info.id);
  }
  log::write(log::level::info, "plugin active",
             {{"plugin", info.id}, {"version", info.version}, {"build", info.build_id}});
  health->add(instance);
  return {};
}

}  // namespace tocsin
