// Reports what a plugin threw.
#include "core/plugin_host/calls/guarded_call.hpp"

#include "core/plugin_host/abi_values.hpp"

#include <exception>
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
