// The host's stages, wired together.
#include "core/app/pipeline.hpp"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <functional>
#include <future>
#include <string_view>
#include <thread>
#include <utility>

#include "core/app/pipeline_impl.hpp"
#include "core/app/plugin_config.hpp"
#include "core/app/wanted_plugins.hpp"
#include "core/observe/log.hpp"
#include "core/plugin_host/containment/last_words.hpp"
#include "core/store/sqlite_store.hpp"

namespace tocsin {
namespace {

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

template <class T>
result<T> wait_for(const std::function<void(std::function<void(result<T>)>)>& call) {
  std::promise<result<T>> answer;
  call([&answer](result<T> value) { answer.set_value(std::move(value)); });
  return answer.get_future().get();
}

}  // namespace

// The whole house: what is on disk, the stages and who is given whom, and then one after the other sets to work, those
// first that an event reaches last.
result<std::unique_ptr<pipeline>> pipeline::start(const std::filesystem::path& config, faults& all,
                                                  app::host_progress* progress, std::filesystem::path trial_program) {
  auto found = app::read_configuration(config, app::may_ask_plugins::by_host);
  if (!found.errors.empty()) {
    all = std::move(found.errors);
    return all.front();
  }
  for (const auto& warning : found.warnings) log::write(log::level::warn, warning.to_string());
  auto made = std::make_unique<impl>();
  impl& host = *made;
  host.progress = progress;
  host.config = found.file;
  host.trial_program = std::move(trial_program);
  host.settings.put(found.settings);
  if (auto opened = host.open_state(); !opened) return opened.error();

  host.pool = std::make_unique<executor>(std::max(2u, std::thread::hardware_concurrency()));
  host.clock = make_system_clock(*host.pool);
  host.plugins = std::make_unique<plugin_host>(host.services_for_plugins(), std::move(found.plugins));
  host.wire();
  auto running = std::unique_ptr<pipeline>(new pipeline(std::move(made)));  // stops what follows if it ends early

  const std::lock_guard control(host.control);
  if (auto begun = host.begin_delivery(); !begun) return begun.error();
  if (auto serving = host.serve(); !serving) return serving.error();
  host.ready = true;
  host.enter("running");
  log::write(
      log::level::info, "ready",
      {{"http", host.listener->address()}, {"state_dir", host.state_dir.string()}, {"config", host.config.string()}});
  return running;
}

// An event's way is sources and HTTP, bus, store, dispatcher, channel; each stage is made after those that it needs.
void pipeline::impl::wire() {
  secret_changes = std::make_unique<serial_queue>(*pool);
  secrets = std::make_unique<app::secret_stores>(*plugins, *clock, [this] { resolve_again(); });
  if (progress != nullptr) progress->when_ending([stores = secrets.get()] { stores->cut_short(); });
  failures = std::make_unique<failure_reporter>(parts_for_failures());
  dispatcher = std::make_unique<tocsin::dispatcher>(parts_for_dispatcher());
  checks = std::make_unique<app::channel_checks>(parts_for_checks());
  bus = std::make_unique<tocsin::bus>(parts_for_bus());
  subscribers = std::make_unique<app::open_subscribers>(*plugins, *bus, *pool, [this] { follow_up_subscribers(); });
  sources = std::make_unique<app::open_sources>(*plugins);
  own_metrics = std::make_unique<app::own_metrics>(parts_for_metrics());
  keeper = std::make_unique<app::store_keeper>(*store, *clock, state_dir);
  api = std::make_unique<tocsin::api>(parts_for_api());
  purger = std::make_unique<app::purger>(*store, *clock, [this] { return settings.current()->host().retention; });
}

result<void> pipeline::impl::open_state() {
  enter("opening the store");
  state_dir = settings.current()->host().state_dir;
  auto opened = open_sqlite_store(state_dir, message_host(), app::count_commits(metrics));
  if (!opened) return opened.error();
  store = std::move(*opened);
  last_words = keep_last_words(state_dir);
  auto token = app::admin_token(state_dir);
  if (!token) return token.error();
  admin_token = std::move(*token);
  auto known = wait_for<std::vector<token_record>>([this](auto done) { store->tokens(std::move(done)); });
  if (!known) return known.error();
  tokens = std::move(*known);
  return {};
}

// From what the last host left to plugins that run and a dispatcher that hands out what waits.
result<void> pipeline::impl::begin_delivery() {
  const auto recovered = wait_for<recovery>([this](auto done) {
    store->recover({clock->now(), last_words.has_value(), last_words ? last_words->delivery : std::nullopt},
                   std::move(done));
  });
  if (!recovered) return recovered.error();
  identifiers.raise_to(recovered->last_identifier);
  bus->start(recovered->message_host, settings.current());
  subscribers->expect(*settings.current());
  enter("starting plugins");
  plugins->start([](const manifest&) { return true; });
  settings.put(bring_up_secrets(settings.current()));
  bus->settings_changed(settings.current());
  enter("starting the delivery of what waits");
  failures->recover(*recovered);
  dispatcher->start(*recovered, last_words.has_value());
  for (const auto& one : app::failed_plugins(*plugins, *settings.current(), clock->now())) failures->plugin_failed(one);
  failures->begin();
  return {};
}

// Events may come.
result<void> pipeline::impl::serve() {
  const auto in_force = settings.current();
  enter("opening subscribers");
  subscribers->follow(*in_force, app::refused_ones::left);
  enter("opening the listener");
  auto opened = http_listener::open(*pool, *api, in_force->http().listen, {.max_body = in_force->http().max_body});
  if (!opened) return opened.error();
  listener = std::move(*opened);
  auto address = app::write_address(state_dir, listener->address());
  if (!address) return address.error();
  address_file = std::move(*address);
  if (progress != nullptr) progress->serves_in(state_dir);
  enter("opening sources");
  sources->follow(*in_force, app::refused_ones::left);
  app::report_endpoints(*plugins, *in_force);
  purger->start();
  return {};
}

pipeline::pipeline(std::unique_ptr<impl> parts) : impl_(std::move(parts)) {}

pipeline::~pipeline() {
  stop();
  // A thread that hangs in a plugin may come back to any of it.
  if (left_behind()) static_cast<void>(impl_.release());
}

bool pipeline::left_behind() const { return impl_->plugins && impl_->plugins->left_behind(); }
void pipeline::stop() { impl_->stop(); }
std::string pipeline::http_address() const { return impl_->listener->address(); }
std::string pipeline::admin_token() const { return impl_->admin_token; }
std::vector<plugin_info> pipeline::plugins() const { return impl_->plugins->plugins(); }
settings_ptr pipeline::settings() const { return impl_->settings.current(); }

result<std::string> pipeline::publish(const event& value) {
  const auto answers = wait_for<std::vector<accept_answer>>([this, &value](auto done) {
    impl_->bus->publish({{value}, {}}, std::move(done));
  });
  if (!answers) return answers.error();
  return to_text(answers->front().id);
}

}  // namespace tocsin
