// What a running host is made of; each pipeline_*.cpp is one concern of it.
#pragma once

#include "core/app/channel_checks.hpp"
#include "core/app/open_sources.hpp"
#include "core/app/open_subscribers.hpp"
#include "core/app/own_metrics.hpp"
#include "core/app/pipeline.hpp"
#include "core/app/purger.hpp"
#include "core/app/secret_stores.hpp"
#include "core/app/settings_in_force.hpp"
#include "core/app/state_files.hpp"
#include "core/app/store_keeper.hpp"
#include "core/app/termination.hpp"
#include "core/bus/bus.hpp"
#include "core/bus/failure_reporter.hpp"
#include "core/delivery/dispatcher.hpp"
#include "core/http/listener.hpp"
#include "core/plugin_host/containment/last_words.hpp"
#include "core/rendering/renderer.hpp"
#include "core/runtime/executor.hpp"

#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace tocsin {

// Members in the order of an event's way; they end in the reverse order.
struct pipeline::impl {
  app::host_progress* progress = nullptr;
  std::filesystem::path config;
  std::filesystem::path trial_program;
  std::filesystem::path state_dir;       // as it was at the start; another one in the settings takes effect at the next
  std::optional<left_words> last_words;  // of the run before this one
  app::settings_in_force settings;
  std::unique_ptr<executor> pool;
  std::unique_ptr<tocsin::clock> clock;
  identifier_source identifiers;
  metric_registry metrics;
  std::unique_ptr<tocsin::store> store;
  std::unique_ptr<app::purger> purger;
  std::unique_ptr<app::store_keeper> keeper;
  renderer templates;
  std::unique_ptr<app::own_metrics> own_metrics;
  std::unique_ptr<plugin_host> plugins;
  std::unique_ptr<app::secret_stores> secrets;
  std::unique_ptr<serial_queue> secret_changes;
  std::atomic<bool> secrets_changed{false};  // and a task for it waits in the queue
  std::unique_ptr<failure_reporter> failures;
  std::unique_ptr<tocsin::dispatcher> dispatcher;
  std::unique_ptr<app::channel_checks> checks;
  std::unique_ptr<tocsin::bus> bus;
  std::unique_ptr<app::open_subscribers> subscribers;
  std::unique_ptr<app::open_sources> sources;
  std::unique_ptr<tocsin::api> api;
  std::unique_ptr<http_listener> listener;
  open_file address_file;  // locked while this host serves
  std::string admin_token;
  std::vector<token_record> tokens;               // what the store had at the start; the API's from then on
  std::mutex control;                             // the plugin host's functions are for one thread at a time
  std::chrono::nanoseconds secrets_forgotten{0};  // when, by the clock's monotonic()
  std::atomic<bool> ready{false};
  bool stopped = false;
  bool closing = false;  // with `control` held: other settings take effect no more

  void enter(const char* stage) const {
    if (progress != nullptr) progress->enter(stage);
  }

  // What each stage is given of the others: pipeline_parts.cpp.
  plugin_host_services services_for_plugins();
  dispatcher_parts parts_for_dispatcher();
  app::channel_check_parts parts_for_checks();
  failure_reporter_parts parts_for_failures();
  bus_parts parts_for_bus();
  api_parts parts_for_api();
  app::own_metrics_parts parts_for_metrics();

  // The steps of a start, in this order: pipeline.cpp.
  result<void> open_state();
  void wire();
  result<void> begin_delivery();
  result<void> serve();

  // Other settings, or other secrets: pipeline_settings.cpp. With `control` held, but for the last two.
  settings_ptr bring_up_secrets(const settings_ptr& wanted);
  void take_effect(const settings_ptr& wanted, app::refused_ones refused);
  void resolve_again();
  void follow_up_subscribers();
  reload_report reload();

  // pipeline_stop.cpp
  void stop();
};

}  // namespace tocsin
