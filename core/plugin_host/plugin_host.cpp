// The plugin host as the rest of the house calls it: what is known of each plugin, and what is opened of it.
#include "core/plugin_host/plugin_host.hpp"

#include "core/observe/log.hpp"
#include "core/plugin_host/calls/config_call.hpp"
#include "core/plugin_host/calls/doctor_call.hpp"
#include "core/plugin_host/calls/source_call.hpp"
#include "core/plugin_host/calls/subscriber_call.hpp"
#include "core/plugin_host/plugin_host_impl.hpp"

#include <utility>

namespace tocsin {

void plugin_host::impl::set_state(std::size_t index, plugin_state state, std::string reason) {
  const std::lock_guard lock(mutex);
  infos[index].state = state;
  if (!reason.empty()) infos[index].reason = std::move(reason);
}

void plugin_host::impl::fail(std::size_t index, const fault& why) {
  const bool kept_out = why.code == "PLUGIN_QUARANTINED";
  set_state(index, kept_out ? plugin_state::quarantined : plugin_state::failed, why.to_string());
  const plugin_info& info = infos[index];
  log::write(
      log::level::error, kept_out ? "plugin quarantined" : "plugin failed",
      {{"plugin", info.id}, {"version", info.version}, {"file", info.file.string()}, {"reason", why.to_string()}});
}

void plugin_host::impl::note_health(const plugin_instance& instance, const plugin_health& now) {
  const std::lock_guard lock(mutex);
  for (const auto& [id, entry] : active)
    if (entry.instance == &instance) infos[entry.index].health = now;
}

std::optional<plugin_host::impl::active_plugin> plugin_host::impl::find(const std::string& id) const {
  const std::lock_guard lock(mutex);
  const auto found = active.find(id);
  return found == active.end() || found->second.instance->is_hung() ? std::nullopt : std::optional(found->second);
}

plugin_instance* plugin_host::impl::find_instance(const std::string& id) const {
  const auto found = find(id);
  return found ? found->instance : nullptr;
}

plugin_host::plugin_host(plugin_host_services services, std::vector<plugin_info> discovered)
    : impl_(std::make_unique<impl>(std::move(services), std::move(discovered))) {}

plugin_host::~plugin_host() {
  stop();
  // Whoever hangs reports to `impl` when it comes back after all.
  if (left_behind()) static_cast<void>(impl_.release());
}

void plugin_host::start(const std::function<bool(const manifest&)>& needed) { impl_->start(needed); }

void plugin_host::stop(std::chrono::milliseconds limit) {
  impl_->requests.end(std::chrono::milliseconds{0});
  impl_->health->stop();
  impl_->stop(limit);
  impl_->watchdog->end();
}

bool plugin_host::left_behind() const {
  const std::lock_guard lock(impl_->mutex);
  return !impl_->hung.empty();
}

void plugin_host::refresh_health() { impl_->health->refresh(); }

std::vector<plugin_info> plugin_host::plugins() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->infos;
}

const code_table& plugin_host::codes() const { return impl_->codes; }

std::shared_ptr<channel_port> plugin_host::channel(const std::string& plugin_id) const {
  const auto found = impl_->find(plugin_id);
  return found ? found->channel : nullptr;
}

result<void> plugin_host::open_source(const std::string& plugin_id, const source_opening& opening) {
  if (impl_->sources.contains(opening.name)) {
    return fault{"SETTINGS_INVALID", "A source of this name is open already.", "Close it first.",
                 at_key("sources." + opening.name)};
  }
  plugin_instance* const instance = impl_->find_instance(plugin_id);
  if (auto opened = tocsin::open_source(instance, plugin_id, opening); !opened) return opened;
  impl_->sources.emplace(opening.name, plugin_id);
  impl_->requests.add(opening.name, *instance, instance->sources.token_of(opening.name));
  return {};
}

void plugin_host::close_source(const std::string& name) {
  const auto opened = impl_->sources.find(name);
  if (opened == impl_->sources.end()) return;
  impl_->requests.remove(name);
  plugin_instance* const instance = impl_->find_instance(opened->second);
  impl_->sources.erase(opened);
  if (instance) tocsin::close_source(*instance, name);
}

std::optional<std::vector<manifest_http_route>> plugin_host::http_routes(const std::string& plugin_id) const {
  const std::lock_guard lock(impl_->mutex);
  for (const plugin_info& info : impl_->infos)
    if (info.id == plugin_id && info.state != plugin_state::refused) return info.manifest.http_routes;
  return std::nullopt;
}

void plugin_host::request(source_request what, source_answer_handler done) {
  impl_->requests.pass(std::move(what), std::move(done));
}

void plugin_host::end_requests(std::chrono::milliseconds limit) { impl_->requests.end(limit); }

result<subscriber_ptr> plugin_host::open_subscriber(const std::string& plugin_id, const table_opening& opening) {
  return tocsin::open_subscriber(impl_->find_instance(plugin_id), plugin_id, opening);
}

result<secret_store_ptr> plugin_host::open_secret_store(const std::string& plugin_id, const table_opening& opening) {
  return tocsin::open_secret_store(impl_->find_instance(plugin_id), plugin_id, opening);
}

std::vector<settings_finding> plugin_host::check_preset(const std::string& preset_id,
                                                        const endpoint_settings& settings) {
  const auto found = impl_->find(preset_id);
  return found ? tocsin::check_preset(*found->instance, settings) : std::vector<settings_finding>{};
}

std::vector<settings_finding> plugin_host::check_config(const std::string& plugin_id, const config_subject& subject) {
  const auto found = impl_->find(plugin_id);
  return found ? tocsin::check_config(*found->instance, subject) : std::vector<settings_finding>{};
}

fault plugin_host::impl::why_it_migrates_nothing(const std::string& id) const {
  const std::lock_guard lock(mutex);
  for (const plugin_info& info : infos) {
    if (info.id != id || (info.state != plugin_state::quarantined && info.state != plugin_state::failed)) continue;
    return {"PLUGIN_DOWN",
            "Whether these settings are an older version's, the plugin \"" + id + "\" cannot be asked, since it is " +
                std::string(to_text(info.state)) + ": " + info.reason,
            "Write the table as the plugin's settings are today (tocsin plugin inspect " + id +
                "), or take it out until the plugin runs.",
            {}};
  }
  return {"CONFIG_UNKNOWN", "the plugin does not run.", {}, {}};
}

result<config_migration> plugin_host::migrate_config(const std::string& plugin_id, const config_subject& subject) {
  const auto found = impl_->find(plugin_id);
  if (!found) return impl_->why_it_migrates_nothing(plugin_id);
  const noted_call note(impl_->services.containment, found->sha256, found->instance->identity, "config.migrate",
                        found->times);
  return tocsin::migrate_config(*found->instance, subject);
}

std::vector<diagnosis_stage> plugin_host::diagnose(const endpoint_settings& settings, const std::string& recipient,
                                                   const outgoing_message* message, std::chrono::milliseconds limit,
                                                   const std::function<void(const diagnosis_stage&)>& on_stage) {
  const auto found = impl_->find(settings.plugin);
  std::string reason;
  if (!found) {
    reason = "The plugin \"" + settings.plugin + "\" is not installed.";
    for (const plugin_info& info : plugins())
      if (info.id == settings.plugin) reason = "The plugin \"" + info.id + "\" does not run: " + info.reason;
  }
  return run_doctor(found ? found->instance : nullptr, reason, {settings, recipient, message, limit, on_stage});
}

}  // namespace tocsin
