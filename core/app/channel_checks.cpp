// Channels tried out in the running host, for whoever asks over HTTP: a test message, a diagnosis.
#include "core/app/channel_checks.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include "core/app/plugin_config.hpp"
#include "core/app/test_message.hpp"
#include "core/observe/log.hpp"

namespace tocsin::app {
namespace {

constexpr std::size_t most_at_once = 4;
constexpr std::chrono::minutes limit{5};
constexpr std::chrono::seconds limit_after_cancel{10};
constexpr std::chrono::seconds limit_at_stop{3};

outcome settings_outcome(std::string code, std::string detail) {
  outcome failed;
  failed.outcome_class = outcome_class::config;
  failed.code = std::move(code);
  failed.detail = std::move(detail);
  return failed;
}

diagnosis_stage failed_settings(const std::string& code, std::string detail) {
  return {"settings",        false, code == "AUTH_APP_PASSWORD_REQUIRED" ? code : "SETTINGS_INVALID",
          std::move(detail), 0,     {}};
}

std::string not_running(const std::string& plugin) {
  return "The plugin \"" + plugin + "\" that serves this channel does not run; GET /v1/plugins says why.";
}

}  // namespace

struct channel_checks::impl {
  channel_check_parts parts;
  std::mutex mutex;
  std::condition_variable changed;
  std::size_t running = 0;
  bool stopping = false;
  std::map<delivery_id, std::optional<outcome>> tests;  // those under way
  std::atomic<std::size_t> tests_under_way{0};          // so that most outcomes need no lock

  explicit impl(channel_check_parts with) : parts(std::move(with)) {}

  std::optional<fault> begin() {
    const std::lock_guard lock(mutex);
    if (stopping) return fault{"HOST_STOPPING", "The host is stopping.", "Try again once it runs."};
    if (running >= most_at_once)
      return fault{"CHECKS_BUSY", "4 tests and diagnoses are under way, and no more are taken.", "Try again later."};
    ++running;
    return std::nullopt;
  }
  void end() {
    const std::lock_guard lock(mutex);
    --running;
    changed.notify_all();
  }

  result<outcome> test(const channel_check& what);
  outcome send(channel_port& channel, const endpoint_settings& endpoint, const std::string& to, endpoint_token opened);
  result<std::vector<diagnosis_stage>> diagnose(const channel_check& what);
};

result<outcome> channel_checks::impl::test(const channel_check& what) {
  const auto found = parts.settings()->endpoint(what.channel, what.organization);
  if (!found) return found.error();
  const auto& endpoint = **found;
  if (endpoint.problem) return settings_outcome("SETTINGS_INVALID", endpoint.problem->to_string());
  const auto channel = parts.plugins->channel(endpoint.plugin);
  if (!channel) return settings_outcome("SETTINGS_INVALID", not_running(endpoint.plugin));
  const auto opened = channel->open(endpoint);
  if (!opened) return settings_outcome(opened.error().code, opened.error().what);
  auto sent = send(*channel, endpoint, what.to, opened->token);
  channel->close(opened->token);
  return sent;
}

outcome channel_checks::impl::send(channel_port& channel, const endpoint_settings& endpoint, const std::string& to,
                                   endpoint_token opened) {
  auto message = test_message(endpoint, to, parts.clock->now());
  message.delivery = delivery_id{parts.identifiers->next(parts.clock->now())};
  message.endpoint = opened;
  {
    const std::lock_guard lock(mutex);
    tests[message.delivery];
    ++tests_under_way;
  }
  channel.deliver({&message, 1});
  std::unique_lock lock(mutex);
  const auto& answer = tests[message.delivery];
  changed.wait_for(lock, limit, [&] { return answer.has_value() || stopping; });
  if (!answer) {
    const auto grace = stopping ? limit_at_stop : limit_after_cancel;
    lock.unlock();
    channel.cancel({&message, 1});
    lock.lock();
    changed.wait_for(lock, grace, [&] { return answer.has_value(); });
  }
  auto sent = answer.value_or(settings_outcome(
      "PLUGIN_HUNG", "The plugin did not say what became of the message, nor when it was told to give it up."));
  tests.erase(message.delivery);
  --tests_under_way;
  return sent;
}

result<std::vector<diagnosis_stage>> channel_checks::impl::diagnose(const channel_check& what) {
  const auto in_force = parts.settings();
  const auto found = in_force->endpoint(what.channel, what.organization);
  if (!found) return found.error();
  const auto& endpoint = **found;
  using stages = std::vector<diagnosis_stage>;
  if (endpoint.problem) return stages{failed_settings(endpoint.problem->code, endpoint.problem->to_string())};
  if (!parts.plugins->channel(endpoint.plugin)) return stages{failed_settings("", not_running(endpoint.plugin))};
  if (!endpoint.preset.empty()) {
    for (const auto& finding : parts.plugins->check_preset(endpoint.preset, endpoint)) {
      if (finding.fatal) return stages{failed_settings(finding.code, finding.text)};
    }
  }
  const auto said = ask_about_endpoint(*parts.plugins, *in_force, endpoint, endpoint.organization);
  if (!said.errors.empty()) return stages{failed_settings(said.errors.front().code, said.errors.front().to_string())};
  const auto message = test_message(endpoint, what.to, parts.clock->now());
  return parts.plugins->diagnose(endpoint, what.to, what.send ? &message : nullptr, limit, {});
}

channel_checks::channel_checks(channel_check_parts parts) : impl_(std::make_shared<impl>(std::move(parts))) {}
channel_checks::~channel_checks() = default;

void channel_checks::test(channel_check what, std::function<void(result<outcome>)> done) {
  if (auto refused = impl_->begin()) return done(*refused);
  std::thread([in = impl_, what = std::move(what), done = std::move(done)] {
    done(in->test(what));
    in->end();
  }).detach();
}

void channel_checks::diagnose(channel_check what, std::function<void(result<std::vector<diagnosis_stage>>)> done) {
  if (auto refused = impl_->begin()) return done(*refused);
  std::thread([in = impl_, what = std::move(what), done = std::move(done)] {
    done(in->diagnose(what));
    in->end();
  }).detach();
}

void channel_checks::take(std::vector<outcome>& outcomes) {
  if (impl_->tests_under_way == 0) return;
  const std::lock_guard lock(impl_->mutex);
  const auto ours = [this](outcome& one) {
    const auto found = impl_->tests.find(one.delivery);
    if (found == impl_->tests.end()) return false;
    if (!found->second) found->second = std::move(one);
    return true;
  };
  if (std::erase_if(outcomes, ours) > 0) impl_->changed.notify_all();
}

void channel_checks::stop() {
  const std::lock_guard lock(impl_->mutex);
  impl_->stopping = true;
  impl_->changed.notify_all();
}

void channel_checks::wait() {
  std::unique_lock lock(impl_->mutex);
  impl_->changed.wait(lock, [this] { return impl_->running == 0; });
}

std::vector<channel_status> channels_of(const settings& in_force, const std::vector<dispatcher::endpoint_status>& known,
                                        const std::optional<std::string>& organization) {
  std::vector<endpoint_settings_ptr> wanted;
  if (organization) {
    for (const auto& name : in_force.channels()) {
      if (auto found = in_force.endpoint(name, *organization)) wanted.push_back(std::move(*found));
    }
  } else {
    for (auto& used : used_endpoints(in_force)) wanted.push_back(std::move(used.settings));
  }
  std::map<endpoint_key, const dispatcher::endpoint_status*> by_key;
  for (const auto& one : known) by_key[one.key] = &one;
  std::vector<channel_status> all;
  std::set<endpoint_key> shown;
  for (const auto& endpoint : wanted) {
    if (!shown.insert(endpoint->key).second) continue;  // another organization's view of the same
    channel_status one;
    one.key = endpoint->key;
    one.plugin = endpoint->plugin;
    one.preset = endpoint->preset;
    one.enabled = endpoint->enabled;
    one.problem = endpoint->problem;
    if (const auto state = by_key.find(endpoint->key); state != by_key.end()) {
      one.pause = state->second->pause;
      one.in_flight = state->second->in_flight;
      one.slots = state->second->slots;
    }
    all.push_back(std::move(one));
  }
  return all;
}

}  // namespace tocsin::app
