// What the host offers its plugins: one table a concern, each in its own host_*.cpp.
#pragma once

#include "core/plugin_host/extensions/checked_calls.hpp"
#include "core/plugin_host/plugin_instance.hpp"

#include <tocsin/abi/ext/channel.h>
#include <tocsin/abi/ext/clock.h>
#include <tocsin/abi/ext/doctor.h>
#include <tocsin/abi/ext/http_route.h>
#include <tocsin/abi/ext/log.h>
#include <tocsin/abi/ext/metrics.h>
#include <tocsin/abi/ext/secret_store.h>
#include <tocsin/abi/ext/secrets.h>
#include <tocsin/abi/ext/services.h>
#include <tocsin/abi/ext/source.h>
#include <tocsin/abi/ext/thread_check.h>

#include <exception>
#include <string_view>

namespace tocsin {

extern const tocsin_host_log host_log_table;
extern const tocsin_host_clock host_clock_table;
extern const tocsin_host_timer host_timer_table;
extern const tocsin_host_secrets host_secrets_table;
extern const tocsin_host_secret_answer host_secret_answer_table;
extern const tocsin_host_services host_services_table;
extern const tocsin_host_complete host_complete_table;
extern const tocsin_host_publish host_publish_table;
extern const tocsin_host_doctor host_doctor_table;
extern const tocsin_host_metrics host_metrics_table;
extern const tocsin_host_http_answer host_http_answer_table;
extern const tocsin_host_thread_check host_thread_check_table;

// tocsin_host.get_extension.
const void* find_host_extension(void* context, tocsin_string id);

enum class allowed { always, running };

// Each call of a plugin's goes through here: it is turned away (answered `otherwise`) when the plugin may not make it
// any more, and no exception leaves.
template <class Answer, class Function>
Answer host_call(void* context, allowed when, std::string_view name, Answer otherwise, Function fn) noexcept {
  auto* instance = static_cast<plugin_instance*>(context);
  if (!instance) return otherwise;
  try {
    const auto pass = instance->into_host.enter();
    if (!pass || (when == allowed::running && !instance->running)) {
      instance->misbehaves("it called the host while it was not running", std::string(name));
      return otherwise;
    }
    if (instance->services.checked) check_caller(*instance, name);
    return fn(*instance);
  } catch (const std::exception& why) {
    try {
      instance->misbehaves("a call of its failed in the host", std::string(name) + ": " + why.what());
    } catch (...) {  // not even a line for the log could be made
    }
    return otherwise;
  }
}

// The same for a call without an answer.
template <class Function>
void host_notice(void* context, allowed when, std::string_view name, Function fn) noexcept {
  host_call(context, when, name, 0, [&](plugin_instance& instance) {
    fn(instance);
    return 0;
  });
}

}  // namespace tocsin
