// SPDX-License-Identifier: Apache-2.0
// Log, clock, timers, secrets, services, metrics and thread check of the kit's host.
#include "sdk/conformance/src/blackbox.hpp"
#include "sdk/conformance/src/host_tables.hpp"

namespace tocsin::conformance {
namespace {

constexpr law clock_law{"the clock may be asked in any state until destroy() has returned", "tocsin/abi/ext/clock.h",
                        "now_ms, monotonic_ns [any] in any state"};
constexpr law thread_law{"the thread check may be asked in any state until destroy() has returned",
                         "tocsin/abi/ext/thread_check.h", "current [any] in any state"};
constexpr std::size_t most_log_lines = 10'000;

bool is_metric_name(std::string_view name) {
  if (name.empty() || name.front() < 'a' || name.front() > 'z') return false;
  for (const char each : name)
    if ((each < 'a' || each > 'z') && (each < '0' || each > '9') && each != '_') return false;
  return true;
}

}  // namespace

void kit_host::tables::log_write(void* context, tocsin_log_level level, tocsin_string text, const tocsin_field* fields,
                                 std::uint64_t count) {
  kit_host* host = enter(context, "log.write", laws::log, false);
  if (host == nullptr) return;
  std::string line = take_text(*host, text, "the text of a log line");
  if (!is_one_line(line)) host->breach(laws::log, "its log line has a line break or NUL in it: " + shown(line));
  if (count != 0 && fields == nullptr) {
    host->breach(laws::text, "a log line says that it has " + std::to_string(count) + " fields, and they are null");
    count = 0;
  }
  for (std::uint64_t index = 0; index < count; ++index) {
    line += " " + take_text(*host, fields[index].name, "a log field's name") + "=" +
            take_text(*host, fields[index].value, "a log field's value");
  }
  if (level == TOCSIN_LOG_HOST_MISBEHAVING) line += " (it says that the host misbehaves)";
  blackbox::log(line);
  {
    const std::lock_guard lock(host->mutex_);
    if (host->log_.size() < most_log_lines) host->log_.push_back(std::move(line));
  }
  host->noticed();
}

std::int64_t kit_host::tables::clock_now_ms(void* context) {
  kit_host* host = enter(context, "clock.now_ms", clock_law, false);
  return host == nullptr ? 0 : host->now_ms();
}

std::uint64_t kit_host::tables::clock_monotonic_ns(void* context) {
  kit_host* host = enter(context, "clock.monotonic_ns", clock_law, false);
  if (host == nullptr) return 0;
  const auto now = std::chrono::steady_clock::now().time_since_epoch() + std::chrono::milliseconds(host->ahead_ms_);
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
}

void kit_host::tables::timer_start(void* context, std::uint64_t id, std::uint64_t delay_ms) {
  kit_host* host = enter(context, "timer.start", laws::timer, true);
  if (host == nullptr) return;
  std::uint64_t number = 0;
  {
    const std::lock_guard lock(host->mutex_);
    number = host->timers_[id] = ++host->timer_starts_;
  }
  const auto fire = [host, id, number] {
    {
      const std::lock_guard lock(host->mutex_);
      const auto found = host->timers_.find(id);
      if (found == host->timers_.end() || found->second != number) return;
      host->timers_.erase(found);
    }
    static const char name[] = TOCSIN_EXT_TIMER;
    const auto* plugin = host->plugin;
    const auto* timer = static_cast<const tocsin_timer*>(plugin->get_extension(plugin->self, {name, sizeof(name) - 1}));
    if (timer == nullptr) {
      host->breach(laws::timer, "it started a timer and does not offer " TOCSIN_EXT_TIMER);
      return;
    }
    call_on_worker(*host, "timer.fired", [&] { timer->fired(plugin->self, id); });
  };
  constexpr std::uint64_t most = std::uint64_t{1} << 40;
  host->worker.post(fire, std::chrono::milliseconds(std::min(delay_ms, most)));
  host->noticed();
}

void kit_host::tables::timer_cancel(void* context, std::uint64_t id) {
  kit_host* host = enter(context, "timer.cancel", laws::timer, true);
  if (host == nullptr) return;
  const std::lock_guard lock(host->mutex_);
  host->timers_.erase(id);
}

tocsin_status kit_host::tables::secrets_reveal(void* context, std::uint64_t handle, const tocsin_sink* value,
                                               const tocsin_sink* error) {
  kit_host* host = enter(context, "secrets.reveal", laws::reveal, true);
  if (host == nullptr) return TOCSIN_FAILED;
  if (handle == 0 || host->plan_.reveal_fails) {
    if (error != nullptr) write_to_plugin(*host, error, "the secret cannot be read", "the error sink of reveal()");
    return TOCSIN_FAILED;
  }
  write_to_plugin(*host, value, "s3cret-of-the-kit", "the value sink of reveal()");
  return TOCSIN_OK;
}

tocsin_status kit_host::tables::services_find(void* context, tocsin_string id, tocsin_service* service) {
  kit_host* host = enter(context, "services.find", laws::find, true);
  if (host == nullptr) return TOCSIN_FAILED;
  const std::string name = take_text(*host, id, "the id of services.find()");
  if (!host->starting || blackbox::current_kind() != TOCSIN_THREAD_CONTROL)
    host->breach(laws::find, "it looked for " + shown(name) + " outside of start()");
  if (!check_struct(*host, service, sizeof(tocsin_service), "the tocsin_service of services.find()"))
    return TOCSIN_INVALID;
  const auto found = host->services.find(name);
  if (found == host->services.end()) return TOCSIN_UNSUPPORTED;
  service->table = found->second.table;
  service->self = found->second.self;
  return TOCSIN_OK;
}

std::uint64_t kit_host::tables::metrics_series(void* context, const tocsin_metric* metric, const tocsin_field* labels,
                                               std::uint64_t count) {
  kit_host* host = enter(context, "metrics.series", laws::metrics, true, true);
  if (host == nullptr || !check_struct(*host, metric, sizeof(tocsin_metric), "a tocsin_metric")) return 0;
  std::string key = take_text(*host, metric->name, "a metric's name");
  take_text(*host, metric->help, "a metric's help");
  if (!is_metric_name(key)) host->breach(laws::metrics, "its metric's name is " + shown(key));
  if (metric->divisor < 1) host->breach(laws::metrics, "the divisor of its metric " + key + " is below 1");
  for (std::uint64_t index = 0; labels != nullptr && index < count; ++index) {
    key += "," + take_text(*host, labels[index].name, "a label's name") + "=" +
           take_text(*host, labels[index].value, "a label's value");
  }
  const std::lock_guard lock(host->mutex_);
  return host->series_.emplace(key, host->series_.size() + 1).first->second;
}

void kit_host::tables::metrics_record(void* context, std::uint64_t series, std::int64_t) {
  kit_host* host = enter(context, "metrics.record", laws::metrics, true, true);
  if (host == nullptr) return;
  const std::lock_guard lock(host->mutex_);
  if (series > host->series_.size())
    host->breach(laws::metrics, "it recorded into series " + std::to_string(series) + ", which it was not given");
}

std::uint32_t kit_host::tables::thread_current(void* context) {
  enter(context, "thread_check.current", thread_law, false);
  return blackbox::current_kind();
}

const std::vector<host_table>& host_tables() {
  using functions = kit_host::tables;
  static const tocsin_host_log log{sizeof(log), 0, &functions::log_write};
  static const tocsin_host_clock clock{sizeof(clock), 0, &functions::clock_now_ms, &functions::clock_monotonic_ns};
  static const tocsin_host_timer timer{sizeof(timer), 0, &functions::timer_start, &functions::timer_cancel};
  static const tocsin_host_secrets secrets{sizeof(secrets), 0, &functions::secrets_reveal};
  static const tocsin_host_services services{sizeof(services), 0, &functions::services_find};
  static const tocsin_host_metrics metrics{sizeof(metrics), 0, &functions::metrics_series, &functions::metrics_record};
  static const tocsin_host_thread_check threads{sizeof(threads), 0, &functions::thread_current};
  static const tocsin_host_complete complete{sizeof(complete), 0, &functions::complete};
  static const tocsin_host_publish publish{sizeof(publish), 0, &functions::publish, &functions::recall};
  static const tocsin_host_doctor doctor{sizeof(doctor), 0, &functions::doctor_stage, &functions::doctor_done};
  static const tocsin_host_secret_answer secret_answer{sizeof(secret_answer), 0, &functions::answer_secret};
  static const tocsin_host_http_answer http_answer{sizeof(http_answer), 0, &functions::answer_call};
  static const std::vector<host_table> all{
      {TOCSIN_HOST_LOG, &log, sizeof(log)},
      {TOCSIN_HOST_CLOCK, &clock, sizeof(clock)},
      {TOCSIN_HOST_TIMER, &timer, sizeof(timer)},
      {TOCSIN_HOST_SECRETS, &secrets, sizeof(secrets)},
      {TOCSIN_HOST_SERVICES, &services, sizeof(services)},
      {TOCSIN_HOST_METRICS, &metrics, sizeof(metrics)},
      {TOCSIN_HOST_THREAD_CHECK, &threads, sizeof(threads)},
      {TOCSIN_HOST_COMPLETE, &complete, sizeof(complete)},
      {TOCSIN_HOST_PUBLISH, &publish, sizeof(publish)},
      {TOCSIN_HOST_DOCTOR, &doctor, sizeof(doctor)},
      {TOCSIN_HOST_SECRET_ANSWER, &secret_answer, sizeof(secret_answer)},
      {TOCSIN_HOST_HTTP_ANSWER, &http_answer, sizeof(http_answer)},
  };
  return all;
}

const host_table* find_host_table(std::string_view id) {
  for (const auto& each : host_tables())
    if (id == each.id) return &each;
  return nullptr;
}

}  // namespace tocsin::conformance
