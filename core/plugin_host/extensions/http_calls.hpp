// Requests to the sources of one plugin, as long as they are not answered: who is waiting, and for how long yet.
#pragma once

#include "core/model/fault.hpp"
#include "core/plugin_host/plugin_host.hpp"
#include "core/runtime/clock.hpp"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>

namespace tocsin {

// Each request is answered once, on a thread of the pool. [any thread]
class http_call_table {
 public:
  static constexpr std::size_t most_of_a_source = 256;
  static constexpr std::chrono::seconds longest{30};

  explicit http_call_table(const plugin_host_services& services) : services_(services) {}

  // The number that names the call from now on; after `longest` it is answered SOURCE_TIMEOUT. A fault, SOURCE_BUSY:
  // the source has as many open as it may have; `done` is not called.
  result<std::uint64_t> begin(const std::string& source, source_answer_handler done);
  bool is_open(std::uint64_t number) const;

  enum class reception {
    taken,
    late,     // the host answered it meanwhile; said once for a call
    no_call,  // answered before, or never a call
  };
  // What the plugin says; a fault where that is no answer.
  reception answer(std::uint64_t number, result<source_answer> what);
  // The host answers; where there is nothing to answer any more, nothing happens.
  void fail(std::uint64_t number, const fault& why);
  void fail_all(const fault& why);
  void fail_all_of(const std::string& source, const fault& why);
  // Returns when none is open, or after limit.
  void wait_until_none(std::chrono::milliseconds limit);

 private:
  struct open_call {
    std::string source;
    source_answer_handler done;
    clock::timer alarm = clock::timer::none;
  };
  template <class Chosen>
  void fail_those(const fault& why, Chosen chosen);
  // Takes it out, and has the one who waits called.
  void end(std::map<std::uint64_t, open_call>::iterator which, result<source_answer> what);

  const plugin_host_services& services_;
  mutable std::mutex mutex_;
  std::condition_variable none_open_;
  std::map<std::uint64_t, open_call> open_;
  std::set<std::uint64_t> failed_;  // whose late answer was not told yet; the newest only
  std::uint64_t last_ = 0;
};

}  // namespace tocsin
