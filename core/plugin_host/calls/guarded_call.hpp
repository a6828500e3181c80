// A call into a plugin, on record while it lasts; an exception out of it ends here and is reported.
#pragma once

#include "core/plugin_host/plugin_instance.hpp"

#include <string>
#include <string_view>

namespace tocsin {

// Says in the log that the exception that is being handled came out of this call of the plugin's. In a catch block.
void report_throw(plugin_instance& instance, std::string_view call, const std::string& about) noexcept;
void report_throw(plugin_instance& instance, std::string_view call, const call_subject& about) noexcept;

// The pass into the plugin for a call that its own start() may have brought about, such as a timer's: waits until
// start() has returned. Empty: the plugin does not run.
callback_gate::pass enter_once_started(plugin_instance& instance);

// Every call of [worker] or [any] goes through here, and those of [control] through bounded_call.hpp. False: the plugin
// threw, which is reported; what becomes of the call's subject is the caller's concern. call: a literal.
template <class Function>
bool guarded_call(plugin_instance& instance, std::string_view call, call_subject about, Function&& function) noexcept {
  try {
    const plugin_call recorded(instance, call, call_thread::worker, about);
    function();
    return true;
  } catch (...) {
    report_throw(instance, call, about);
    return false;
  }
}

}  // namespace tocsin
