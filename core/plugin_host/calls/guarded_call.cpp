// Waits for a plugin that starts, and reports what one threw.
#include "core/plugin_host/calls/guarded_call.hpp"

#include "core/plugin_host/abi_values.hpp"

#include <chrono>
#include <exception>
#include <mutex>
#include <string>

namespace tocsin {
namespace {

// Its own words, if it has some.
std::string words_of_current_exception() {
  try {
    throw;
  } catch (const std::exception& thrown) {
    return abi::line(abi::borrow(thrown.what()), 1024);
  } catch (...) {
    return "no std::exception";
  }
}

}  // namespace

callback_gate::pass enter_once_started(plugin_instance& instance) {
  // Publications are open from start() on and shut before stop(), during which nobody waits here.
  if (!instance.into_plugin.is_open() && instance.publications.is_open()) {
    std::unique_lock until_started(instance.control, std::defer_lock);
    // By the system's clock, which is how thread sanitizers know this call.
    while (!instance.is_hung() &&
           !until_started.try_lock_until(std::chrono::system_clock::now() + std::chrono::milliseconds(50))) {
    }
  }
  return instance.into_plugin.enter();
}

void report_throw(plugin_instance& instance, std::string_view call, const std::string& about) noexcept {
  try {
    instance.misbehaves("it threw an exception across the binary interface", words_of_current_exception(), call, about);
  } catch (...) {  // not even a line for the log could be made
  }
}

void report_throw(plugin_instance& instance, std::string_view call, const call_subject& about) noexcept {
  try {
    report_throw(instance, call, to_text(about));
  } catch (...) {  // the same
  }
}

}  // namespace tocsin
