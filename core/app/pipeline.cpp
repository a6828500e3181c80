#include "core/app/pipeline.hpp"

#include <unistd.h>
#include <boost/json.hpp>

#include <condition_variable>
#include <cstdlib>
#include <future>
#include <mutex>
#include <random>
#include <thread>

#include "core/app/own_metrics.hpp"
#include "core/app/plugin_config.hpp"
#include "core/app/purger.hpp"
#include "core/app/secret_stores.hpp"
#include "core/app/state_files.hpp"
#include "core/app/termination.hpp"
#include "core/app/workbench.hpp"
#include "core/bus/bus.hpp"
#include "core/delivery/dispatcher.hpp"
#include "core/http/listener.hpp"
#include "core/observe/log.hpp"
#include "core/rendering/renderer.hpp"
#include "core/store/sqlite_store.hpp"

namespace tocsin {
namespace {

// All that a stop waits for is over by one moment; what each stage leaves to those after it:
constexpr std::chrono::seconds stop_limit{9};
constexpr std::chrono::milliseconds request_limit{500};  // for sources to answer what they were sent
constexpr std::chrono::seconds listener_limit{1};
constexpr std::chrono::seconds drain_limit{5};
constexpr std::chrono::seconds left_after_answers{4};
constexpr std::chrono::seconds left_after_drain{3};  // for plugins to close their connections, and for the store
constexpr std::chrono::seconds subscriber_limit{1};  // for the call that a subscriber is in when it is closed
constexpr std::chrono::milliseconds shortest_plugin_stop = std::chrono::seconds{1};
// What is under way at a reload bears secrets of the settings before it: longer than any attempt.
constexpr std::chrono::hours secrets_are_kept{1};

using moment = std::chrono::steady_clock::time_point;

std::chrono::milliseconds left_until(moment end) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
  return std::max(left, std::chrono::milliseconds{0});
}

// The host's name as it stands in Message-IDs; kept in a new store, so that a later change of it changes no message.
std::string message_host() {
  char name[256] = {};
  gethostname(name, sizeof name - 1);
  std::string host;
  for (const char c : std::string_view(name))
    if (std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.') host += c;
  if (host.empty()) host = "tocsin";
  return host.find('.') == std::string::npos ? host + ".localdomain" : host;
}

bool plugins_are_checked() {
  const char* wish = std::getenv("TOCSIN_CHECKED");
  return wish && std::string_view(wish) == "1";
}

template <class T>
result<T> wait_for(const std::function<void(std::function<void(result<T>)>)>& call) {
  std::promise<result<T>> answer;
  call([&answer](result<T> value) { answer.set_value(std::move(value)); });
  return answer.get_future().get();
}

// True: call has answered. False: it did not within the limit, and what it may still do is nobody's concern.
bool wait_done(std::chrono::milliseconds limit, const std::function<void(std::function<void()>)>& call) {
  const auto done = std::make_shared<std::promise<void>>();
  auto answered = done->get_future();
  call([done] { done->set_value(); });
  return answered.wait_for(limit) == std::future_status::ready;
}

}  // namespace

// Members in the order of an event's way; they end in the reverse order.
struct pipeline::impl {
  app::host_progress* progress = nullptr;
  std::filesystem::path config;
  std::filesystem::path trial_program;
  std::filesystem::path state_dir;  // as it was at the start; another one in the settings takes effect at the next
  mutable std::mutex settings_mutex;
  settings_ptr settings;
  settings_ptr incoming;  // those of a reload, while their secret stores are opened; else null
  std::unique_ptr<executor> pool;
  std::unique_ptr<tocsin::clock> clock;
  identifier_source identifiers;
  std::unique_ptr<tocsin::store> store;
  std::unique_ptr<app::purger> purger;
  renderer templates;
  metric_registry metrics;
  std::unique_ptr<app::own_metrics> own_metrics;
  std::unique_ptr<plugin_host> plugins;
  std::unique_ptr<app::secret_stores> secrets;
  std::unique_ptr<serial_queue> secret_changes;
  std::atomic<bool> secrets_changed{false};  // and a task for it waits in the queue
  std::unique_ptr<tocsin::dispatcher> dispatcher;
  std::unique_ptr<tocsin::bus> bus;
  std::unique_ptr<tocsin::api> api;
  std::unique_ptr<http_listener> listener;
  app::open_file address_file{-1};  // locked while this host serves
  std::string admin_token;
  std::mutex control;                                 // the plugin host's functions are for one thread at a time
  std::map<std::string, std::uint64_t> open_sources;  // by name: fingerprint of its settings
  struct open_subscriber {
    std::uint64_t fingerprint = 0;
    subscription_ptr queue;
  };
  std::map<std::string, open_subscriber> open_subscribers;
  std::chrono::nanoseconds secrets_forgotten{0};  // when, by the clock's monotonic()
  std::atomic<bool> ready{false};
  bool stopped = false;
  bool closing = false;  // with `control` held: other settings take effect no more

  settings_ptr current() const {
    const std::lock_guard lock(settings_mutex);
    return settings;
  }

  plugin_host_services services_for_plugins() {
    plugin_host_services services;
    services.pool = pool.get();
    services.clock = clock.get();
    services.complete = [this](std::vector<outcome> outcomes) { dispatcher->complete(std::move(outcomes)); };
    services.publish = [this](source_publication what, std::function<void(result<publication_result>)> done) {
      bus->publish({std::move(what.events), std::move(what.memory)},
                   [done = std::move(done)](result<std::vector<accept_answer>> answers) {
                     if (!answers) return done(answers.error());
                     publication_result counted;
                     for (const auto& answer : *answers) ++(answer.duplicate ? counted.duplicates : counted.accepted);
                     done(counted);
                   });
    };
    services.recall = [this](std::string source, std::string name, store::callback<std::string> done) {
      store->recall(std::move(source), std::move(name), std::move(done));
    };
    services.metrics = &metrics;
    services.checked = plugins_are_checked();
    services.reveal = [this](std::uint64_t handle) { return reveal(handle); };
    services.call_limit = current()->host().plugins.call_limit;
    services.containment = {.program = trial_program, .state_dir = state_dir};
    return services;
  }

  dispatcher_parts parts_for_dispatcher() {
    dispatcher_parts parts;
    parts.pool = pool.get();
    parts.clock = clock.get();
    parts.store = store.get();
    parts.renderer = &templates;
    parts.channels = [this](const std::string& plugin) { return plugins->channel(plugin); };
    parts.settings = [this] { return current(); };
    parts.codes = &plugins->codes();
    parts.identifiers = &identifiers;
    parts.attempted = [this](const std::string& channel, const std::string& code) {
      own_metrics->attempted(channel, code);
    };
    parts.jitter = [] {
      thread_local std::minstd_rand random{std::random_device{}()};
      return std::uniform_real_distribution<>(0, 1)(random);
    };
    parts.check_settings = [this](const endpoint_settings& endpoint) -> std::optional<fault> {
      if (!endpoint.preset.empty()) {
        for (const auto& finding : plugins->check_preset(endpoint.preset, endpoint)) {
          if (finding.fatal) return fault{finding.code, finding.text, "", at_key(finding.key)};
          log::write(log::level::warn, "preset finds fault with the settings",
                     {{"channel", endpoint.key.channel}, {"key", finding.key}, {"text", finding.text}});
        }
      }
      return app::first_error(app::ask_about_endpoint(*plugins, *current(), endpoint, endpoint.organization));
    };
    return parts;
  }

  api_parts parts_for_api() {
    api_parts parts;
    parts.publish = [this](publication what, tocsin::bus::callback done) {
      bus->publish(std::move(what), std::move(done));
    };
    parts.store = store.get();
    parts.codes = &plugins->codes();
    parts.admin_token = admin_token;
    parts.metrics = [this](const state_counts* counts) { return own_metrics->text(counts); };
    parts.not_ready = [this]() -> faults {
      if (!ready) return {{"HOST_STARTING", "The host is starting or stopping."}};
      return missing_plugins();
    };
    parts.pool = pool.get();
    parts.plugins = [this] {
      plugins->refresh_health();
      return plugins->plugins();
    };
    parts.source_routes = [this](const std::string& name) { return routes_of_source(name); };
    parts.ask_source = [this](source_request what, source_answer_handler done) {
      plugins->request(std::move(what), std::move(done));
    };
    return parts;
  }

  void enter(const char* stage) const {
    if (progress != nullptr) progress->enter(stage);
  }

  app::own_metrics_parts parts_for_metrics();
  result<std::string> reveal(std::uint64_t handle) const;
  void bring_up_secrets(const settings_ptr& wanted);
  void take_effect(const settings_ptr& wanted);
  void resolve_again();
  void open_configured_sources();
  void open_configured_subscribers();
  void close_subscriber(const std::string& name);
  faults missing_plugins() const;
  result<std::vector<manifest_http_route>> routes_of_source(const std::string& name) const;
};

app::own_metrics_parts pipeline::impl::parts_for_metrics() {
  return {.registry = &metrics,
          .started = clock->now(),
          .codes = &plugins->codes(),
          .events = [this] { return bus->counts(); },
          .endpoints = [this] { return dispatcher->endpoints(); },
          .plugins = [this] { return plugins->plugins(); }};
}

// Opens what is new or changed, closes what is gone. With `control` held or before anything runs.
void pipeline::impl::open_configured_sources() {
  std::map<std::string, std::uint64_t> wanted;
  const auto in_force = current();
  for (const auto& source : in_force->sources()) wanted[source.name] = source.fingerprint;
  for (auto at = open_sources.begin(); at != open_sources.end();) {
    const auto same = wanted.find(at->first);
    if (same != wanted.end() && same->second == at->second) {
      ++at;
      continue;
    }
    plugins->close_source(at->first);
    at = open_sources.erase(at);
  }
  for (const auto& source : in_force->sources()) {
    if (open_sources.contains(source.name)) continue;
    const auto problem = app::problem_of(*plugins, *in_force, "sources", source);
    const auto opened =
        problem ? result<void>(*problem)
                : plugins->open_source(source.plugin, {.name = source.name,
                                                       .organization = source.organization,
                                                       .settings = boost::json::serialize(source.settings)});
    if (opened) {
      open_sources.emplace(source.name, source.fingerprint);
    } else {
      log::write(log::level::error, "source cannot run",
                 {{"source", source.name}, {"plugin", source.plugin}, {"why", opened.error().to_string()}});
    }
  }
}

void pipeline::impl::close_subscriber(const std::string& name) {
  if (!open_subscribers.at(name).queue->close(subscriber_limit)) {
    log::write(log::level::warn, "subscriber does not come back from a call; it is left as it is",
               {{"subscriber", name}});
    return;
  }
  plugins->close_subscriber(name);
}

// As open_configured_sources(), and the bus learns who is there.
void pipeline::impl::open_configured_subscribers() {
  const auto in_force = current();
  const auto& wanted = in_force->subscribers();
  const auto stays = [&](const std::string& name, std::uint64_t fingerprint) {
    return std::any_of(wanted.begin(), wanted.end(),
                       [&](const auto& one) { return one.name == name && one.fingerprint == fingerprint; });
  };
  for (auto at = open_subscribers.begin(); at != open_subscribers.end();) {
    if (stays(at->first, at->second.fingerprint)) {
      ++at;
      continue;
    }
    close_subscriber(at->first);
    at = open_subscribers.erase(at);
  }
  for (const auto& one : wanted) {
    if (open_subscribers.contains(one.name)) continue;
    const auto problem = app::problem_of(*plugins, *in_force, "subscribers", one);
    const auto opened = problem ? result<subscriber_feed>(*problem)
                                : plugins->open_subscriber(
                                      one.plugin, {.name = one.name, .settings = boost::json::serialize(one.settings)});
    if (!opened) {
      log::write(log::level::error, "subscriber cannot run",
                 {{"subscriber", one.name}, {"plugin", one.plugin}, {"why", opened.error().to_string()}});
      continue;
    }
    subscription_filter filter{one.types, one.minimum_severity, one.organization};
    open_subscribers[one.name] = {one.fingerprint, std::make_shared<subscription>(std::move(filter), *pool, *opened)};
  }
  std::vector<subscription_ptr> all;
  for (const auto& [name, open] : open_subscribers) all.push_back(open.queue);
  bus->set_subscriptions(std::move(all));
}

// A store that a reload brings may need a secret that only the new settings name.
result<std::string> pipeline::impl::reveal(std::uint64_t handle) const {
  auto value = current()->secret(handle);
  if (value) return value;
  settings_ptr next;
  {
    const std::lock_guard lock(settings_mutex);
    next = incoming;
  }
  return next ? next->secret(handle) : value;
}

// The stores of these settings are open, and `incoming` are the settings with what they answered. With `control` held.
void pipeline::impl::bring_up_secrets(const settings_ptr& wanted) {
  enter("asking secret stores");
  {
    const std::lock_guard lock(settings_mutex);
    incoming = wanted;
  }
  auto resolved = secrets->bring_up(wanted);
  for (const auto& why : secrets->refused())
    log::write(log::level::error, "secret store cannot run", {{"why", why.to_string()}});
  const std::lock_guard lock(settings_mutex);
  incoming = std::move(resolved);
}

// A secret store has another answer than before. Of many at once one resolving takes account.
void pipeline::impl::resolve_again() {
  if (secrets_changed.exchange(true)) return;
  secret_changes->post([this] {
    const std::lock_guard lock(control);
    secrets_changed = false;
    if (!closing) take_effect(secrets->resolve(current()));
  });
}

// With `control` held.
void pipeline::impl::take_effect(const settings_ptr& wanted) {
  // Before the new settings are asked for an endpoint: what they name from now on counts as used until the next time.
  if (const std::chrono::nanoseconds now = clock->monotonic(); now - secrets_forgotten >= secrets_are_kept) {
    log::forget_unused_secrets();
    secrets_forgotten = now;
  }
  {
    const std::lock_guard swap(settings_mutex);
    settings = wanted;
    incoming = nullptr;
  }
  bus->settings_changed(wanted);
  dispatcher->settings_changed();
  open_configured_subscribers();
  open_configured_sources();
  secrets->settle(*wanted);
}

// Plugins that the settings name and that do not run.
faults pipeline::impl::missing_plugins() const {
  std::map<std::string, std::string> needed;  // plugin -> the key that names it
  const auto in_force = current();
  for (const auto& channel : in_force->channels()) {
    const auto endpoint = in_force->endpoint(channel, "");
    if (endpoint) needed.emplace((*endpoint)->plugin, "channels." + channel + ".plugin");
  }
  for (const auto& source : in_force->sources()) needed.emplace(source.plugin, "sources." + source.name + ".plugin");
  for (const auto& one : in_force->subscribers()) needed.emplace(one.plugin, "subscribers." + one.name + ".plugin");
  for (const auto& one : in_force->secret_stores()) needed.emplace(one.plugin, "secrets." + one.name + ".plugin");
  for (const auto& plugin : plugins->plugins())
    if (plugin.state == plugin_state::active) needed.erase(plugin.id);
  faults missing;
  for (const auto& [plugin, key] : needed)
    missing.push_back({"PLUGIN_DOWN", "The plugin \"" + plugin + "\" does not run.",
                       "See `tocsin plugin list` and the log for the reason.", at_key(key)});
  return missing;
}

// Of a source that the settings name, whether it runs or not.
result<std::vector<manifest_http_route>> pipeline::impl::routes_of_source(const std::string& name) const {
  const auto in_force = current();
  for (const auto& source : in_force->sources()) {
    if (source.name != name) continue;
    if (auto routes = plugins->http_routes(source.plugin)) return std::move(*routes);
    return fault{"SOURCE_DOWN", "The source \"" + name + "\" does not run: its plugin is not installed.",
                 "See `tocsin plugin list`.", at_key("sources." + name + ".plugin")};
  }
  return fault{"NOT_FOUND", "There is no such source.", {}, {}};
}

// The wiring of the whole house, in the order in which its parts need each other.
result<std::unique_ptr<pipeline>> pipeline::start(const std::filesystem::path& config, faults& all,
                                                  app::host_progress* progress, std::filesystem::path trial_program) {
  auto found = app::read_configuration(config, app::may_ask_plugins::yes);
  if (!found.errors.empty()) {
    all = std::move(found.errors);
    return all.front();
  }
  for (const auto& warning : found.warnings) log::write(log::level::warn, warning.to_string());

  auto host = std::make_unique<impl>();
  host->progress = progress;
  host->config = found.file;
  host->settings = found.settings;
  host->trial_program = std::move(trial_program);
  const auto state_dir = host->state_dir = found.settings->host().state_dir;
  host->enter("opening the store");
  auto store = open_sqlite_store(state_dir, message_host());
  if (!store) return store.error();
  host->store = std::move(*store);
  auto token = app::admin_token(state_dir);
  if (!token) return token.error();
  host->admin_token = *token;

  host->pool = std::make_unique<executor>(std::max(2u, std::thread::hardware_concurrency()));
  host->clock = make_system_clock(*host->pool);
  host->plugins = std::make_unique<plugin_host>(host->services_for_plugins(), std::move(found.plugins));
  host->secret_changes = std::make_unique<serial_queue>(*host->pool);
  host->secrets = std::make_unique<app::secret_stores>(*host->plugins, *host->clock,
                                                       [parts = host.get()] { parts->resolve_again(); });
  host->dispatcher = std::make_unique<tocsin::dispatcher>(host->parts_for_dispatcher());
  host->bus = std::make_unique<tocsin::bus>(bus_parts{.clock = host->clock.get(),
                                                      .store = host->store.get(),
                                                      .dispatcher = host->dispatcher.get(),
                                                      .identifiers = &host->identifiers});
  host->own_metrics = std::make_unique<app::own_metrics>(host->parts_for_metrics());
  auto* parts = host.get();
  auto running = std::unique_ptr<pipeline>(new pipeline(std::move(host)));
  const std::lock_guard control(parts->control);

  const auto recovered =
      wait_for<recovery>([parts](auto done) { parts->store->recover(parts->clock->now(), std::move(done)); });
  if (!recovered) return recovered.error();
  parts->identifiers.raise_to(recovered->last_identifier);
  parts->bus->start(recovered->message_host, parts->settings);
  parts->enter("starting plugins");
  parts->plugins->start([](const manifest&) { return true; });
  parts->bring_up_secrets(parts->current());
  {
    const std::lock_guard swap(parts->settings_mutex);
    parts->settings = std::move(parts->incoming);
  }
  parts->bus->settings_changed(parts->settings);
  parts->enter("starting the delivery of what waits");
  parts->dispatcher->start(*recovered);

  parts->api = std::make_unique<tocsin::api>(parts->parts_for_api());
  auto listener = http_listener::open(*parts->pool, *parts->api, parts->settings->http().listen,
                                      {.max_body = parts->settings->http().max_body});
  if (!listener) return listener.error();
  parts->listener = std::move(*listener);
  auto address = app::write_address(state_dir, parts->listener->address());
  if (!address) return address.error();
  parts->address_file = std::move(*address);
  if (progress != nullptr) progress->serves_in(state_dir);
  parts->enter("opening subscribers");
  parts->open_configured_subscribers();
  parts->enter("opening sources");
  parts->open_configured_sources();
  app::report_endpoints(*parts->plugins, *parts->current());
  parts->purger = std::make_unique<app::purger>(*parts->store, *parts->clock,
                                                [parts] { return parts->current()->host().retention; });
  parts->purger->start();
  parts->ready = true;
  parts->enter("running");
  log::write(
      log::level::info, "ready",
      {{"http", parts->listener->address()}, {"state_dir", state_dir.string()}, {"config", found.file.string()}});
  return running;
}

pipeline::pipeline(std::unique_ptr<impl> parts) : impl_(std::move(parts)) {}

pipeline::~pipeline() {
  stop();
  // A thread that hangs in a plugin may come back to any of it.
  if (left_behind()) static_cast<void>(impl_.release());
}

bool pipeline::left_behind() const { return impl_->plugins && impl_->plugins->left_behind(); }

void pipeline::stop() {
  auto& host = *impl_;
  if (host.stopped) return;
  host.stopped = true;
  host.ready = false;
  const moment end = std::chrono::steady_clock::now() + stop_limit;
  host.enter("closing HTTP connections");
  host.plugins->end_requests(request_limit);
  if (host.listener) host.listener->stop(listener_limit);
  host.enter("closing sources");
  {
    const std::lock_guard lock(host.control);
    host.closing = true;
    for (const auto& [name, fingerprint] : host.open_sources) host.plugins->close_source(name);
    host.open_sources.clear();
  }
  const auto took = [](bool in_time, std::string_view what) {
    if (!in_time)
      log::write(log::level::warn, "stopping goes on without waiting any longer", {{"for", std::string(what)}});
  };
  host.enter("answering publishers");
  took(wait_done(left_until(end - left_after_answers), [&host](auto done) { host.bus->stop(std::move(done)); }),
       "answers to publishers");
  host.enter("ending deliveries under way");
  const auto drain = std::min<std::chrono::milliseconds>(drain_limit, left_until(end - left_after_drain));
  took(wait_done(left_until(end - left_after_drain) + std::chrono::milliseconds{500},
                 [&host, drain](auto done) { host.dispatcher->drain(drain, std::move(done)); }),
       "deliveries under way");
  host.enter("closing subscribers");
  {
    const std::lock_guard lock(host.control);
    host.bus->set_subscriptions({});
    for (const auto& [name, open] : host.open_subscribers) host.close_subscriber(name);
    host.open_subscribers.clear();
    host.secrets->close();
  }
  host.enter("stopping plugins");
  host.plugins->stop(std::max(left_until(end), shortest_plugin_stop));
  host.enter("closing the store");
  host.store->close();
  host.enter("ending threads");
  if (left_behind()) {
    host.pool->abandon(std::chrono::milliseconds{200});
  } else {
    host.pool->stop();
  }
  app::remove_address(host.state_dir);
  log::write(log::level::info, "stopped");
}

faults pipeline::reload() {
  auto& host = *impl_;
  const std::lock_guard lock(host.control);
  host.enter("reading the settings again");
  struct back_to_work {
    const impl& of;
    ~back_to_work() { of.enter("running"); }
  } const afterwards{host};
  auto loaded =
      load_settings(host.config, app::catalogue_of(host.plugins->plugins()),
                    app::migrator_with([&host](const std::string&) -> plugin_host& { return *host.plugins; }));
  if (!loaded.errors.empty()) return loaded.errors;
  for (const auto& warning : loaded.value->warnings()) log::write(log::level::warn, warning.to_string());
  const auto old = host.current();
  const bool restart_wanted = loaded.value->host().state_dir != old->host().state_dir ||
                              loaded.value->host().plugin_dirs != old->host().plugin_dirs ||
                              loaded.value->host().plugins.demand != old->host().plugins.demand ||
                              loaded.value->host().plugins.trusted_keys != old->host().plugins.trusted_keys ||
                              loaded.value->http().listen != old->http().listen ||
                              loaded.value->http().max_body != old->http().max_body;
  if (restart_wanted)
    log::write(log::level::warn,
               "host.state_dir, host.plugin_dirs, plugins.signed, plugins.trusted_keys, http.listen and http.max_body "
               "take effect at the next start");
  host.bring_up_secrets(loaded.value);
  host.take_effect(settings_ptr(host.incoming));
  app::report_endpoints(*host.plugins, *host.current());
  log::write(log::level::info, "settings reloaded", {{"config", host.config.string()}});
  return {};
}

std::string pipeline::http_address() const { return impl_->listener->address(); }
std::string pipeline::admin_token() const { return impl_->admin_token; }
std::vector<plugin_info> pipeline::plugins() const { return impl_->plugins->plugins(); }
settings_ptr pipeline::settings() const { return impl_->current(); }

result<std::string> pipeline::publish(const event& value) {
  const auto answers = wait_for<std::vector<accept_answer>>([this, &value](auto done) {
    impl_->bus->publish({{value}, {}}, std::move(done));
  });
  if (!answers) return answers.error();
  return to_text(answers->front().id);
}

}  // namespace tocsin
