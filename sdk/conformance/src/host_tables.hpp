// SPDX-License-Identifier: Apache-2.0
// The host's extension tables by id.
#pragma once

#include "sdk/conformance/src/blackbox.hpp"
#include "sdk/conformance/src/host.hpp"
#include "sdk/conformance/src/values.hpp"

#include <cstddef>
#include <string_view>
#include <vector>

namespace tocsin::conformance {

struct host_table {
  const char* id;
  const void* table;
  std::size_t size;
};

const std::vector<host_table>& host_tables();
const host_table* find_host_table(std::string_view id);

// The functions behind the tables, which may reach into the host.
struct kit_host::tables {
  static const void* find(kit_host& host, tocsin_string id);

  // host_basics.cpp: what every plugin uses
  static void log_write(void* context, tocsin_log_level level, tocsin_string text, const tocsin_field* fields,
                        std::uint64_t count);
  static std::int64_t clock_now_ms(void* context);
  static std::uint64_t clock_monotonic_ns(void* context);
  static void timer_start(void* context, std::uint64_t id, std::uint64_t delay_ms);
  static void timer_cancel(void* context, std::uint64_t id);
  static tocsin_status secrets_reveal(void* context, std::uint64_t handle, const tocsin_sink* value,
                                      const tocsin_sink* error);
  static tocsin_status services_find(void* context, tocsin_string id, tocsin_service* service);
  static std::uint64_t metrics_series(void* context, const tocsin_metric* metric, const tocsin_field* labels,
                                      std::uint64_t count);
  static void metrics_record(void* context, std::uint64_t series, std::int64_t value);
  static std::uint32_t thread_current(void* context);

  // host_answers.cpp: where the plugin's work comes back
  static void complete(void* context, const tocsin_outcome* const* outcomes, std::uint64_t count);
  static tocsin_status publish(void* context, tocsin_token source, std::uint64_t ticket,
                               const tocsin_event* const* events, std::uint64_t event_count, const tocsin_field* memory,
                               std::uint64_t memory_count, const tocsin_sink* error);
  static tocsin_status recall(void* context, tocsin_token source, tocsin_string name, const tocsin_sink* value);
  static void doctor_stage(void* context, tocsin_token run, const tocsin_stage* stage);
  static void doctor_done(void* context, tocsin_token run);
  static void answer_secret(void* context, tocsin_token request, const tocsin_secret_answer* answer);
  static void answer_call(void* context, tocsin_token call, const tocsin_http_answer* answer);

 private:
  // A call into the plugin that the host makes by itself, on its worker. name is a literal.
  template <class Body>
  static void call_on_worker(const kit_host& host, const char* name, Body&& body) {
    const blackbox::call_mark mark(name, TOCSIN_THREAD_WORKER);
    try {
      body();
    } catch (...) {
      host.breach(laws::survives, std::string("an exception crossed from ") + name + " into the host");
    }
  }
  static void answer_publication(kit_host& host, tocsin_token source, std::uint64_t ticket, std::uint64_t events,
                                 bool good);
};

}  // namespace tocsin::conformance
