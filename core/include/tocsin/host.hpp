// SPDX-License-Identifier: Apache-2.0
// Embed a Tocsin host in a program.
#pragma once

#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace tocsin {

// The configuration is wrong or the host could not start; what() has a line a fault.
class host_error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A whole host in this process: plugins, store, delivery, HTTP. Runs on threads of its own; the functions may be called
// from any thread, one at a time.
class host {
 public:
  // Returns when the host is ready. Throws host_error. tocsin_program: the installed program `tocsin` of the same
  // version, which tries each plugin file that is not known yet in a process of its own, so that one that crashes when
  // it is loaded does not end this process; empty: plugins are loaded without a trial.
  explicit host(const std::filesystem::path& settings_file, const std::filesystem::path& tocsin_program = {});
  ~host();  // stop()
  host(const host&) = delete;
  host& operator=(const host&) = delete;

  // Write an event down: a CloudEvents 1.0 envelope in JSON. Returns its identifier after it is on disk, that of the
  // first one if it is a duplicate. Throws host_error with the reason.
  std::string publish(const std::string& cloudevent_json);

  // Where its HTTP API listens ("127.0.0.1:8480"), and the token for it.
  std::string http_address() const;
  std::string admin_token() const;

  // Drains for at most 5 s and ends. Further calls do nothing.
  void stop();

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace tocsin
