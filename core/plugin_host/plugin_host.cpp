// Brings plugins up in the order of their requirements, keeps what is known of each, and takes them down again.
#include "core/plugin_host/plugin_host.hpp"

#include "core/observe/log.hpp"
#include "core/plugin_host/abi_values.hpp"
#include "core/plugin_host/calls/bounded_call.hpp"
#include "core/plugin_host/calls/call_watchdog.hpp"
#include "core/plugin_host/calls/channel_adapter.hpp"
#include "core/plugin_host/calls/config_call.hpp"
#include "core/plugin_host/calls/doctor_call.hpp"
#include "core/plugin_host/calls/source_requests.hpp"
#include "core/plugin_host/calls/subscriber_call.hpp"
#include "core/plugin_host/containment/containment.hpp"
#include "core/plugin_host/files/discovery.hpp"
#include "core/plugin_host/files/library.hpp"
#include "core/plugin_host/plugin_instance.hpp"
#include "core/plugin_host/plugin_lifetime.hpp"
#include "core/plugin_host/start_order.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <utility>

namespace tocsin {

struct plugin_host::impl {
  struct active_plugin {
    plugin_instance* instance = nullptr;
    std::shared_ptr<channel_adapter> channel;  // null: it is no channel
    std::size_t index = 0;                     // in `infos`
  };

  impl(plugin_host_services given, std::vector<plugin_info> discovered)
      : services(std::move(given)), infos(std::move(discovered)) {
    health = std::make_unique<health_monitor>(
        *services.pool, *services.clock,
        [this](plugin_instance& instance, const plugin_health& now) { note_health(instance, now); });
    watchdog =
        std::make_unique<call_watchdog>(services, [this](const call_record& overdue) { report_overdue(overdue); });
    for (const plugin_info& info : infos)
      if (info.state == plugin_state::verified) codes.add(info.manifest.codes);
  }

  // What is known of a plugin changes here only. [control]
  void set_state(std::size_t index, plugin_state state, std::string reason = {});
  void fail(std::size_t index, const fault& why);
  // [any thread]
  void note_health(const plugin_instance& instance, const plugin_health& now);

  void start(const std::function<bool(const manifest&)>& needed);
  result<void> start_one(std::size_t index, std::span<const manifest* const> known, std::span<const std::size_t> at,
                         admitted_plugin admitted, containment& gate);
  // The tables of what a plugin requires; a fault names the plugin that should offer it and does not run.
  result<service_map> find_services(std::size_t index, std::span<const manifest* const> known,
                                    std::span<const std::size_t> at) const;
  void stop(std::chrono::milliseconds limit);
  // A call into it hangs. [any thread]
  void give_up(std::size_t index, plugin_instance& instance);
  // A call of [worker] or [any] is overdue. [any thread]
  void report_overdue(const call_record& overdue);
  // The instances that hang, and those whose services they may be within.
  std::set<const plugin_instance*> kept() const;

  // Nothing: it does not run. Without the mutex.
  std::optional<active_plugin> find(const std::string& id) const;

  const plugin_host_services services;
  mutable std::mutex mutex;  // guards infos and active against readers on other threads
  std::vector<plugin_info> infos;
  std::map<std::string, active_plugin> active;
  std::vector<plugin_instance*> hung;
  std::vector<plugin_instance*> instances;     // every one that was made
  std::vector<std::string> started;            // ids, in order
  std::map<std::string, std::string> sources;  // name -> plugin id
  source_requests requests;
  struct open_subscription {
    std::string plugin;
    tocsin_token token{};
  };
  std::map<std::string, open_subscription> subscribers;  // by name
  code_table codes;
  std::unique_ptr<call_watchdog> watchdog;
  std::unique_ptr<health_monitor> health;
};

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
    if (instance.tables.channel) entered.channel = std::make_shared<channel_adapter>(instance);
    infos[index].state = plugin_state::active;
    started.push_back(info.id);
  }
  log::write(log::level::info, "plugin active",
             {{"plugin", info.id}, {"version", info.version}, {"build", info.build_id}});
  health->add(instance);
  return {};
}

void plugin_host::impl::give_up(std::size_t index, plugin_instance& instance) {
  std::shared_ptr<channel_adapter> channel;
  {
    const std::lock_guard lock(mutex);
    hung.push_back(&instance);
    infos[index].state = plugin_state::failed;
    infos[index].reason = instance.hung_reason();
    const auto found = active.find(infos[index].id);
    if (found != active.end()) channel = found->second.channel;
  }
  instance.workers.drop_waiting();
  instance.diagnoses.give_up_all();
  instance.secret_requests.fail_all("The plugin hangs: " + instance.hung_reason());
  instance.http_calls.fail_all({"SOURCE_DOWN", "The source's plugin hangs: " + instance.hung_reason(), {}, {}});
  report_lost(instance, instance.deliveries.take_all(), {}, "it hangs, and these deliveries with it");
  if (channel) channel->plugin_hangs();
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
  subscribers.clear();
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

namespace {

fault source_refused(const source_opening& opening, std::string what) {
  return {"SETTINGS_INVALID",
          std::move(what),
          "Correct the source's settings; tocsin plugin list shows what is installed.",
          {.file = {}, .key = "sources." + opening.name}};
}

// On the plugin's control thread.
result<void> open_source_now(plugin_instance& instance, const source_opening& opening) {
  tocsin_source_config config{};
  config.struct_size = sizeof(config);
  config.name = abi::borrow(opening.name);
  config.organization = abi::borrow(opening.organization);
  config.settings = abi::borrow(opening.settings);
  config.credits = std::max<std::uint64_t>(opening.credits, 1);
  const std::lock_guard control(instance.control);
  abi::gathering_sink reason(instance.late_sink("source.open"));
  tocsin_token token{};
  instance.sources.begin_opening(std::make_shared<open_source_entry>(opening.name, config.credits));
  const plugin_call call(instance, "source.open", call_thread::control, {.kind = "source", .name = opening.name});
  const tocsin_status status = instance.tables.source->open(instance.plugin->self, &config, &token, reason.raw());
  if (status != TOCSIN_OK) {
    instance.sources.fail_opening();
    return source_refused(
        opening, reason.words("The plugin \"" + instance.about.id + "\" refuses the settings and gave no reason."));
  }
  if (auto named = instance.sources.end_opening(token); !named) {
    instance.misbehaves("it named a source wrongly", opening.name);
    // What the plugin opened must not run on unseen; but a name that another source bears would close that one.
    if (!instance.sources.find(token)) instance.tables.source->close(instance.plugin->self, token);
    return named.error();
  }
  return {};
}

void close_source_now(plugin_instance& instance, tocsin_token token) {
  const std::lock_guard control(instance.control);
  const plugin_call call(instance, "source.close", call_thread::control, {.kind = "source", .number = token.index});
  instance.tables.source->close(instance.plugin->self, token);
}

}  // namespace

result<void> plugin_host::open_source(const std::string& plugin_id, const source_opening& opening) {
  const auto refuse = [&](std::string what) { return source_refused(opening, std::move(what)); };
  const auto found = impl_->find(plugin_id);
  if (!found) {
    return fault{"SETTINGS_INVALID",
                 "The plugin \"" + plugin_id + "\" does not run.",
                 "tocsin plugin list says why.",
                 {.file = {}, .key = "sources." + opening.name + ".plugin"}};
  }
  plugin_instance& instance = *found->instance;
  if (!instance.tables.source) return refuse("The plugin \"" + plugin_id + "\" is no source.");
  if (impl_->sources.contains(opening.name)) return refuse("A source of this name is open already.");
  auto opened = call_bounded<void>(instance, "source.open", "source " + opening.name,
                                   [&instance, opening] { return open_source_now(instance, opening); });
  if (!opened && opened.error().code != "SETTINGS_INVALID")
    return refuse("The plugin \"" + plugin_id + "\": " + opened.error().what);
  if (!opened) return opened.error();
  impl_->sources.emplace(opening.name, plugin_id);
  impl_->requests.add(opening.name, instance, instance.sources.token_of(opening.name));
  return {};
}

void plugin_host::close_source(const std::string& name) {
  const auto opened = impl_->sources.find(name);
  if (opened == impl_->sources.end()) return;
  impl_->requests.remove(name);
  const auto found = impl_->find(opened->second);
  impl_->sources.erase(opened);
  tocsin_token token{};
  if (!found || !found->instance->sources.remove(name, token)) return;
  plugin_instance& instance = *found->instance;
  static_cast<void>(
      call_bounded<void>(instance, "source.close", "source " + name, [&instance, token]() -> result<void> {
        close_source_now(instance, token);
        return {};
      }));
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

result<subscriber_feed> plugin_host::open_subscriber(const std::string& plugin_id, const subscriber_opening& opening) {
  const auto refuse = [&](std::string what) {
    return fault{"SETTINGS_INVALID",
                 std::move(what),
                 "Correct the subscriber's settings; tocsin plugin list shows what is installed.",
                 {.file = {}, .key = "subscribers." + opening.name}};
  };
  const auto found = impl_->find(plugin_id);
  if (!found) return refuse("The plugin \"" + plugin_id + "\" does not run.");
  plugin_instance& instance = *found->instance;
  if (!instance.tables.subscriber) return refuse("The plugin \"" + plugin_id + "\" is no subscriber.");
  if (impl_->subscribers.contains(opening.name)) return refuse("A subscriber of this name is open already.");
  const auto token = open_subscription(instance, opening);
  if (!token) return refuse(token.error().what);
  impl_->subscribers.emplace(opening.name, impl::open_subscription{plugin_id, *token});
  // What a call that threw was given counts as passed over.
  return subscriber_feed([&instance, token = *token, missed = std::uint64_t{0}](
                             std::span<const std::shared_ptr<const event>> events, std::uint64_t lost) mutable {
    missed += lost;
    missed = feed_events(instance, token, events, missed) ? 0 : missed + events.size();
  });
}

void plugin_host::close_subscriber(const std::string& name) {
  const auto opened = impl_->subscribers.find(name);
  if (opened == impl_->subscribers.end()) return;
  const auto [plugin, token] = opened->second;
  impl_->subscribers.erase(opened);
  if (const auto found = impl_->find(plugin)) close_subscription(*found->instance, token, name);
}

result<secret_store_ptr> plugin_host::open_secret_store(const std::string& plugin_id,
                                                        const secret_store_opening& opening) {
  const auto found = impl_->find(plugin_id);
  return tocsin::open_secret_store(found ? found->instance : nullptr, plugin_id, opening);
}

std::vector<preset_finding> plugin_host::check_preset(const std::string& preset_id, const endpoint_settings& settings) {
  const auto found = impl_->find(preset_id);
  return found ? tocsin::check_preset(*found->instance, settings) : std::vector<preset_finding>{};
}

std::vector<preset_finding> plugin_host::check_config(const std::string& plugin_id, const config_subject& subject) {
  const auto found = impl_->find(plugin_id);
  return found ? tocsin::check_config(*found->instance, subject) : std::vector<preset_finding>{};
}

result<config_migration> plugin_host::migrate_config(const std::string& plugin_id, const config_subject& subject) {
  const auto found = impl_->find(plugin_id);
  if (!found) return fault{"CONFIG_UNKNOWN", "the plugin does not run.", {}, {}};
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
