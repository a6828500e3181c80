// The list of everything that this host offers.
#include "core/plugin_host/extensions/host_extensions.hpp"

#include "core/plugin_host/abi_values.hpp"

#include <array>
#include <utility>

namespace tocsin {

const void* find_host_extension(void*, tocsin_string id) {
  static constexpr std::array<std::pair<std::string_view, const void*>, 12> offered{{
      {TOCSIN_HOST_LOG, &host_log_table},
      {TOCSIN_HOST_CLOCK, &host_clock_table},
      {TOCSIN_HOST_TIMER, &host_timer_table},
      {TOCSIN_HOST_SECRETS, &host_secrets_table},
      {TOCSIN_HOST_SECRET_ANSWER, &host_secret_answer_table},
      {TOCSIN_HOST_SERVICES, &host_services_table},
      {TOCSIN_HOST_COMPLETE, &host_complete_table},
      {TOCSIN_HOST_PUBLISH, &host_publish_table},
      {TOCSIN_HOST_DOCTOR, &host_doctor_table},
      {TOCSIN_HOST_METRICS, &host_metrics_table},
      {TOCSIN_HOST_HTTP_ANSWER, &host_http_answer_table},
      {TOCSIN_HOST_THREAD_CHECK, &host_thread_check_table},
  }};
  for (const auto& [name, table] : offered)
    if (name == abi::view(id)) return table;
  return nullptr;
}

}  // namespace tocsin
