// A secret store of a plugin's as the host sees it, and the requests that wait for its answers.
#pragma once

#include "core/model/fault.hpp"
#include "core/plugin_host/calls/table_opening.hpp"
#include "core/runtime/wipe.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace tocsin {

struct secret_answer {
  enum class kind { value, no_such_secret, unavailable };  // unavailable: whatever else kept it from answering
  kind what = kind::unavailable;
  wiped_text value;
  std::chrono::milliseconds valid{-1};  // negative: until the settings are loaded again
  std::string reason;                   // one line; empty for a value

  static secret_answer none(std::string reason);  // unavailable, with no more than that to say
};

// An open store.
class secret_store_port {
 public:
  using answered = std::function<void(secret_answer)>;

  virtual ~secret_store_port() = default;
  // Asks for what follows the colon of a reference; done is called once, on any thread, unless the request is given up.
  // The number of the request. [any thread]
  virtual std::uint64_t fetch(std::string reference, answered done) = 0;
  // A later answer is passed over. [any thread]
  virtual void give_up(std::uint64_t request) = 0;
  // The plugin is not asked any more, and what waits for its turn is answered; returns when no call is under way, or
  // after the limit of a call. [control]
  virtual void close() = 0;
};
using secret_store_ptr = std::shared_ptr<secret_store_port>;

// Of a plugin: each request is answered at most once. [any thread]
class secret_request_table {
 public:
  enum class found { waiting, given_up, unknown };

  std::uint64_t add(secret_store_port::answered done);
  void give_up(std::uint64_t request);
  // Takes a request off the table for its answer.
  found take(std::uint64_t request, secret_store_port::answered& done);
  // Answers every request that waits: the store is not available. What comes for them later is passed over.
  void fail_all(const std::string& reason);

 private:
  static constexpr std::size_t remembered = 1024;  // of those that were given up

  std::mutex mutex_;
  std::uint64_t last_ = 0;
  std::map<std::uint64_t, secret_store_port::answered> waiting_;
  std::deque<std::uint64_t> given_up_;
};

// A fault, SETTINGS_INVALID: the plugin refuses the settings, or does not run (instance is null). [control]
result<secret_store_ptr> open_secret_store(plugin_instance* instance, const std::string& plugin,
                                           const table_opening& opening);

}  // namespace tocsin
