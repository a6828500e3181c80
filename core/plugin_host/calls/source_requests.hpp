// Requests on their way to the open sources of all plugins.
#pragma once

#include "core/plugin_host/calls/callback_gate.hpp"
#include "core/plugin_host/plugin_instance.hpp"

#include <tocsin/abi/types.h>

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace tocsin {

// [any thread]; add() and remove() from one thread at a time.
class source_requests {
 public:
  // Requests reach the source from now on, if its plugin takes any.
  void add(const std::string& name, plugin_instance& instance, tocsin_token token);
  // Before the source is closed: those that are not answered are answered SOURCE_DOWN, and once this has returned the
  // plugin is called for it no more.
  void remove(const std::string& name);
  // Faults that are answered: SOURCE_DOWN, SOURCE_BUSY, SOURCE_TIMEOUT, and SOURCE_FAILED for a plugin that throws or
  // whose answer is none.
  void pass(source_request request, source_answer_handler done);
  // No more is taken; what is under way may be answered within the limit, the rest is SOURCE_DOWN.
  void end(std::chrono::milliseconds limit);

 private:
  struct open_source {
    std::string name;
    plugin_instance& instance;
    tocsin_token token;
    callback_gate gate;  // open while the source is
  };
  static void hand_in(open_source& source, std::uint64_t number, const source_request& request);

  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<open_source>> sources_;
  bool ended_ = false;
};

}  // namespace tocsin
