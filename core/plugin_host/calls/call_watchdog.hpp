// Looks over the calls into plugins that are under way on threads of the host's, and reports each that is overdue.
#pragma once

#include "core/plugin_host/calls/plugin_call.hpp"
#include "core/plugin_host/plugin_host.hpp"

#include <functional>
#include <memory>

namespace tocsin {

class call_watchdog {
 public:
  // overdue: called once for each call that has lasted longer than the services' call_limit, on a thread of the
  // watchdog's own, since all others may hang. Of calls within each other the innermost is the one that hangs. Calls of
  // [control] are left out: whoever makes those waits for them.
  call_watchdog(const plugin_host_services& services, std::function<void(const call_record&)> overdue);
  ~call_watchdog();  // end()
  // No report any more, once it has returned. Not from a report.
  void end();

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace tocsin
