// SPDX-License-Identifier: Apache-2.0
// Where every callback of a C++ plugin ends: no exception crosses into the host.
#pragma once

#include <tocsin/sdk/host.hpp>
#include <tocsin/sdk/string.hpp>

#include <exception>
#include <new>
#include <string_view>

namespace tocsin::sdk {

namespace detail {

// Calls handle(status, text) with the exception that is being handled.
template <class Handle>
tocsin_status translate_current_exception(Handle&& handle) noexcept {
  try {
    throw;
  } catch (const failure& thrown) {
    // An exception cannot mean that all is well.
    const tocsin_status status = thrown.status() == TOCSIN_OK ? TOCSIN_FAILED : thrown.status();
    handle(std::string_view(thrown.what()));
    return status;
  } catch (const std::bad_alloc&) {
    handle(std::string_view("out of memory"));
    return TOCSIN_NO_MEMORY;
  } catch (const std::exception& thrown) {
    handle(std::string_view(thrown.what()));
    return TOCSIN_FAILED;
  } catch (...) {
    handle(std::string_view("an exception that is no std::exception"));
    return TOCSIN_FAILED;
  }
}

}  // namespace detail

// For a callback that answers a status: what() goes to the error sink. A `failure` chooses the status, std::bad_alloc
// is TOCSIN_NO_MEMORY, all else TOCSIN_FAILED.
template <class Body>
tocsin_status with_barrier(const tocsin_sink* error, Body&& body) noexcept {
  try {
    body();
    return TOCSIN_OK;
  } catch (...) {
    return detail::translate_current_exception([error](std::string_view text) noexcept { write(error, text); });
  }
}

// For a callback that answers nothing: what() becomes a line in the log, with the call's name. True: body ended well.
template <class Body>
bool with_barrier(const host_api& host, std::string_view call, Body&& body) noexcept {
  try {
    body();
    return true;
  } catch (...) {
    detail::translate_current_exception([&](std::string_view text) noexcept {
      host.log(log_level::error, "the plugin ended a call with an exception",
               {field("call", call), field("exception", text)});
    });
    return false;
  }
}

}  // namespace tocsin::sdk
