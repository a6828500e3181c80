// What each stage is given of the others.
#include "core/app/pipeline_impl.hpp"

#include <cstdlib>
#include <optional>
#include <random>
#include <string_view>
#include <utility>

#include "core/app/plugin_config.hpp"
#include "core/app/wanted_plugins.hpp"
#include "core/observe/log.hpp"

namespace tocsin {
namespace {

bool plugins_are_checked() {
  const char* wish = std::getenv("TOCSIN_CHECKED");
  return wish && std::string_view(wish) == "1";
}

publication_result count(const std::vector<accept_answer>& answers) {
  publication_result counted;
  for (const auto& answer : answers) ++(answer.duplicate ? counted.duplicates : counted.accepted);
  return counted;
}

double random_share() {
  thread_local std::minstd_rand random{std::random_device{}()};
  return std::uniform_real_distribution<>(0, 1)(random);
}

// Why an endpoint cannot work, by the preset's code and the plugin's.
std::optional<fault> unfit(plugin_host& plugins, const settings& in_force, const endpoint_settings& endpoint) {
  if (!endpoint.preset.empty()) {
    for (const auto& finding : plugins.check_preset(endpoint.preset, endpoint)) {
      if (finding.fatal) return fault{finding.code, finding.text, "", at_key(finding.key)};
      log::write(log::level::warn, "preset finds fault with the settings",
                 {{"channel", endpoint.key.channel}, {"key", finding.key}, {"text", finding.text}});
    }
  }
  return app::first_error(app::ask_about_endpoint(plugins, in_force, endpoint, endpoint.organization));
}

}  // namespace

plugin_host_services pipeline::impl::services_for_plugins() {
  plugin_host_services services;
  services.pool = pool.get();
  services.clock = clock.get();
  services.complete = [this](std::vector<outcome> outcomes) {
    checks->take(outcomes);
    if (!outcomes.empty()) dispatcher->complete(std::move(outcomes));
  };
  services.publish = [this](source_publication what, std::function<void(result<publication_result>)> done) {
    bus->publish({std::move(what.events), std::move(what.memory)},
                 [done = std::move(done)](result<std::vector<accept_answer>> answers) {
                   if (!answers) return done(answers.error());
                   done(count(*answers));
                 });
  };
  services.recall = [this](std::string source, std::string name, store::callback<std::string> done) {
    store->recall(std::move(source), std::move(name), std::move(done));
  };
  services.metrics = &metrics;
  services.checked = plugins_are_checked();
  services.reveal = [this](std::uint64_t handle) { return settings.secret(handle); };
  services.hung = [this](const plugin_info& which) {
    failures->plugin_failed(app::failure_of(which, "hung", clock->now()));
  };
  services.call_limit = settings.current()->host().plugins.call_limit;
  services.containment = {.program = trial_program, .state_dir = state_dir};
  return services;
}

dispatcher_parts pipeline::impl::parts_for_dispatcher() {
  dispatcher_parts parts;
  parts.pool = pool.get();
  parts.clock = clock.get();
  parts.store = store.get();
  parts.renderer = &templates;
  parts.channels = [this](const std::string& plugin) { return plugins->channel(plugin); };
  parts.settings = [this] { return settings.current(); };
  parts.codes = &plugins->codes();
  parts.identifiers = &identifiers;
  parts.measured = [this](const delivery_measure& what) { own_metrics->measured(what); };
  parts.taken_back = [this](const std::string& plugin, std::size_t deliveries) {
    own_metrics->taken_back(plugin, deliveries);
  };
  parts.jitter = &random_share;
  parts.failures = failures.get();
  parts.check_settings = [this](const endpoint_settings& endpoint) {
    return unfit(*plugins, *settings.current(), endpoint);
  };
  return parts;
}

app::channel_check_parts pipeline::impl::parts_for_checks() {
  app::channel_check_parts parts;
  parts.plugins = plugins.get();
  parts.clock = clock.get();
  parts.identifiers = &identifiers;
  parts.settings = [this] { return settings.current(); };
  return parts;
}

failure_reporter_parts pipeline::impl::parts_for_failures() {
  return {.clock = clock.get(),
          .store = store.get(),
          .codes = &plugins->codes(),
          .publish = [this](publication what, tocsin::bus::callback done) {
            bus->publish(std::move(what), std::move(done));
          }};
}

bus_parts pipeline::impl::parts_for_bus() {
  return {.clock = clock.get(), .store = store.get(), .dispatcher = dispatcher.get(), .identifiers = &identifiers};
}

api_parts pipeline::impl::parts_for_api() {
  api_parts parts;
  parts.publish = [this](publication what, tocsin::bus::callback done) {
    bus->publish(std::move(what), std::move(done));
  };
  parts.store = store.get();
  parts.codes = &plugins->codes();
  parts.admin_token = admin_token;
  parts.tokens = std::move(tokens);
  parts.clock = clock.get();
  parts.metrics = [this](const state_counts* counts) { return own_metrics->text(counts); };
  parts.not_ready = [this]() -> faults {
    if (!ready) return {{"HOST_STARTING", "The host is starting or stopping."}};
    return app::missing_plugins(*plugins, *settings.current());
  };
  parts.answered = [this](std::string_view route, int status) { own_metrics->answered(route, status); };
  parts.pool = pool.get();
  parts.plugins = [this] {
    plugins->refresh_health();
    return plugins->plugins();
  };
  parts.alter = [this](alteration what, store::callback<alteration_result> done) {
    what.now = clock->now();
    const bool tries = what.action != delivery_action::drop;
    store->alter(std::move(what), [this, tries, done = std::move(done)](result<alteration_result> made) {
      if (made && tries) {
        for (const auto& key : made->endpoints) dispatcher->retry(key);
      }
      done(std::move(made));
    });
  };
  parts.settings = [this] { return settings.current(); };
  parts.endpoints = [this] { return dispatcher->endpoints(); };
  parts.check_store = [this](store::callback<store_check> done) { keeper->check(std::move(done)); };
  parts.back_up_store = [this](std::string file, store::callback<store_backup> done) {
    keeper->back_up(std::move(file), std::move(done));
  };
  parts.pause_of = [this](const endpoint_key& key) { return dispatcher->pause_of(key); };
  parts.source_routes = [this](const std::string& name) {
    return app::routes_of_source(*plugins, *settings.current(), name);
  };
  parts.channels = [this](const std::optional<std::string>& organization) {
    return app::channels_of(*settings.current(), dispatcher->endpoints(), organization);
  };
  parts.test_channel = [this](channel_check what, auto done) { checks->test(std::move(what), std::move(done)); };
  parts.diagnose_channel = [this](channel_check what, auto done) {
    checks->diagnose(std::move(what), std::move(done));
  };
  parts.reload = [this](std::function<void(const reload_report&)> done) {
    secret_changes->post([this, done = std::move(done)] { done(reload()); });
  };
  parts.source_organization = [this](const std::string& name) {
    for (const auto& source : settings.current()->sources()) {
      if (source.name == name) return source.organization;
    }
    return std::string();
  };
  parts.ask_source = [this](source_request what, source_answer_handler done) {
    plugins->request(std::move(what), std::move(done));
  };
  return parts;
}

app::own_metrics_parts pipeline::impl::parts_for_metrics() {
  return {.registry = &metrics,
          .started = clock->now(),
          .codes = &plugins->codes(),
          .events = [this] { return bus->counts(); },
          .subscriber_losses = [this] { return subscribers->losses(); },
          .endpoints = [this] { return dispatcher->endpoints(); },
          .plugins = [this] { return plugins->plugins(); }};
}

}  // namespace tocsin
