// Keeps the values that secret stores gave, in memory only: asks for them, renews them before they run out, and asks
// again where a store could not answer.
#pragma once

#include "core/plugin_host/calls/secret_store.hpp"
#include "core/runtime/clock.hpp"
#include "core/settings/secret_reference.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace tocsin {

// [any thread]
class secret_keeper {
 public:
  static constexpr std::chrono::seconds answer_limit{10};  // then it counts as unavailable
  static constexpr std::chrono::seconds first_wait{5};  // before an unavailable store is asked again; doubled each time
  static constexpr std::chrono::minutes longest_wait{5};    // and that of a secret that is not there
  static constexpr std::chrono::seconds shortest_valid{1};  // whatever the store says
  static constexpr std::chrono::minutes longest_lead{1};  // of a renewal, which comes when a fifth of the time is left

  // changed: value() answers otherwise than before, and nobody waits for it in ask(). Null: nobody wants to know,
  // and nothing is logged either. The clock outlives the keeper.
  secret_keeper(tocsin::clock& clock, std::function<void()> changed);
  ~secret_keeper();  // stop()

  // The stores that are asked from now on; a fault says why one cannot be.
  void set_store(const std::string& name, result<secret_store_ptr> store);
  void remove_store(const std::string& name);

  // Asks for all of these at once, whatever is known of them; values that are known are used meanwhile. done is called
  // once, on any thread, when all are answered or answer_limit has passed.
  void ask(const std::vector<stored_secret>& wanted, std::function<void()> done);
  // Wipes all others.
  void keep_only(const std::vector<stored_secret>& wanted);

  // The value; the caller wipes it. A fault: there is none at present, with the store's reason.
  result<std::string> value(const stored_secret& wanted) const;

  // Nothing is asked any more, and values stay as they are; done of ask() is called.
  void stop();

 private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

}  // namespace tocsin
