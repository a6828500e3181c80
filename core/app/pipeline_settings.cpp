// Other settings, by a reload or since a secret store says something new: resolved, swapped, and followed by all.
#include "core/app/pipeline_impl.hpp"

#include "core/app/plugin_config.hpp"
#include "core/observe/log.hpp"

namespace tocsin {
namespace {

// What is under way at a reload bears secrets of the settings before it: longer than any attempt.
constexpr std::chrono::hours secrets_are_kept{1};

bool wants_restart(const settings& one, const settings& other) {
  return one.host().state_dir != other.host().state_dir || one.host().plugin_dirs != other.host().plugin_dirs ||
         one.host().plugins.demand != other.host().plugins.demand ||
         one.host().plugins.trusted_keys != other.host().plugins.trusted_keys ||
         one.http().listen != other.http().listen || one.http().max_body != other.http().max_body;
}

}  // namespace

// Opens the stores of these settings. The settings with what they answered.
settings_ptr pipeline::impl::bring_up_secrets(const settings_ptr& wanted) {
  enter("asking secret stores");
  settings.expect(wanted);
  auto resolved = secrets->bring_up(wanted);
  for (const auto& why : secrets->refused())
    log::write(log::level::error, "secret store cannot run", {{"why", why.to_string()}});
  return resolved;
}

void pipeline::impl::take_effect(const settings_ptr& wanted, app::refused_ones refused) {
  // Before the new settings are asked for an endpoint: what they name from now on counts as used until the next time.
  if (const std::chrono::nanoseconds now = clock->monotonic(); now - secrets_forgotten >= secrets_are_kept) {
    log::forget_unused_secrets();
    secrets_forgotten = now;
  }
  settings.put(wanted);
  bus->settings_changed(wanted);
  dispatcher->settings_changed();
  subscribers->follow(*wanted, refused);
  sources->follow(*wanted, refused);
  secrets->settle(*wanted);
}

// A secret store has another answer than before. Of many at once one resolving takes account.
void pipeline::impl::resolve_again() {
  if (secrets_changed.exchange(true)) return;
  secret_changes->post([this] {
    const std::lock_guard lock(control);
    secrets_changed = false;
    if (!closing) take_effect(secrets->resolve(settings.current()), app::refused_ones::left);
  });
}

// A subscriber whose time is over has come back from its last call. Not on the thread of that call, which may be one
// that whoever holds `control` waits for.
void pipeline::impl::follow_up_subscribers() {
  secret_changes->post([this] {
    const std::lock_guard lock(control);
    if (!closing) subscribers->follow_up(*settings.current());
  });
}

reload_report pipeline::impl::reload() {
  const std::lock_guard lock(control);
  const fault stopping{"HOST_STOPPING", "The host is stopping.", "Try again once it runs."};
  if (closing) return {{stopping}, {}};
  enter("reading the settings again");
  struct back_to_work {
    const impl& of;
    ~back_to_work() { of.enter("running"); }
  } const afterwards{*this};
  auto loaded = load_settings(config, app::catalogue_of(plugins->plugins()),
                              app::migrator_with([this](const std::string&) -> plugin_host& { return *plugins; }));
  if (!loaded.errors.empty()) return {std::move(loaded.errors), {}};
  reload_report report{{}, loaded.value->warnings()};
  if (wants_restart(*loaded.value, *settings.current())) {
    report.warnings.push_back(
        {"RESTART_NEEDED",
         "host.state_dir, host.plugin_dirs, plugins.signed, plugins.trusted_keys, http.listen and http.max_body take "
         "effect at the next start."});
  }
  for (const auto& warning : report.warnings) log::write(log::level::warn, warning.to_string());
  auto resolved = bring_up_secrets(loaded.value);
  if (secrets->is_cut_short()) {
    settings.expect(nullptr);
    log::write(log::level::warn, "settings not reloaded, since the host is to stop", {{"config", config.string()}});
    return {{stopping}, {}};
  }
  take_effect(resolved, app::refused_ones::tried_again);
  app::report_endpoints(*plugins, *settings.current());
  log::write(log::level::info, "settings reloaded", {{"config", config.string()}});
  return report;
}

// A host that is to stop is no fault of the settings.
faults pipeline::reload() {
  auto report = impl_->reload();
  if (!report.errors.empty() && report.errors.front().code == "HOST_STOPPING") return {};
  return std::move(report.errors);
}

}  // namespace tocsin
