// SPDX-License-Identifier: Apache-2.0
// The kit's host: friendly or hostile by plan, and always checking what the plugin calls against the headers.
#pragma once

#include "sdk/conformance/src/law.hpp"
#include "sdk/conformance/src/tickets.hpp"
#include "sdk/conformance/src/worker.hpp"

#include <tocsin/abi/ext/channel.h>
#include <tocsin/abi/ext/clock.h>
#include <tocsin/abi/ext/doctor.h>
#include <tocsin/abi/ext/http_route.h>
#include <tocsin/abi/ext/log.h>
#include <tocsin/abi/ext/metrics.h>
#include <tocsin/abi/ext/secret_store.h>
#include <tocsin/abi/ext/secrets.h>
#include <tocsin/abi/ext/services.h>
#include <tocsin/abi/ext/source.h>
#include <tocsin/abi/ext/thread_check.h>
#include <tocsin/abi/host.h>
#include <tocsin/abi/plugin.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::conformance {

enum class publish_answer {
  accept,        // on disk, published() follows
  unavailable,   // no credit: TOCSIN_UNAVAILABLE
  invalid,       // TOCSIN_INVALID with a reason
  fails_later,   // taken, and published() says TOCSIN_FAILED
  never_answers  // taken, and nothing comes
};

// How this host differs from a friendly one.
struct host_plan {
  std::set<std::string, std::less<>> missing;  // extensions that it does not have
  std::set<std::string, std::less<>> older;    // extensions whose tables have no field but their size
  bool newer = false;                          // every struct of the host's is larger than the plugin knows
  publish_answer publishing = publish_answer::accept;
  std::uint64_t credits = 8;
  bool recall_fails = false;
  bool reveal_fails = false;
};

enum class phase { created, active, stopped, destroyed };

struct seen_outcome {
  tocsin_token delivery{};
  tocsin_outcome_class outcome_class = 0;
  std::string code, detail, reply;
};
struct seen_stage {
  std::string stage, code;
  bool ok = false;
};
struct seen_publication {
  tocsin_token source{};
  std::uint64_t ticket = 0;
  std::vector<std::string> ids;
  tocsin_status answer = TOCSIN_OK;
};
struct offered_service {
  const void* table = nullptr;
  void* self = nullptr;
};

// Kept for ever once made, since a plugin that breaks the law may call it at any time. Its functions are for any
// thread.
class kit_host {
 public:
  // who: in breaches, where several hosts take part; empty: the plugin under test.
  static kit_host& make(host_plan plan, std::string who = {});
  kit_host(const kit_host&) = delete;
  kit_host& operator=(const kit_host&) = delete;

  const tocsin_host* raw() const { return raw_; }
  static const std::vector<std::string>& extensions();
  host_plan& plan() { return plan_; }
  void set_phase(phase now) { phase_ = now; }
  phase now() const { return phase_; }
  std::atomic<bool> starting{false};

  // The plugin's side, once it is known.
  const tocsin_plugin* plugin = nullptr;
  std::map<std::string, offered_service, std::less<>> services;  // what it may find

  tickets deliveries{laws::complete, "delivery"};
  tickets secret_requests{laws::secret_answer, "request"};
  tickets http_calls{laws::http_answer, "call"};
  tickets runs{laws::stage, "diagnosis"};
  kit_worker worker;  // calls fired() and published(), one at a time

  // Waits until the condition holds; it is asked, without a lock, after each call of the plugin's.
  bool wait(const std::function<bool()>& condition, std::chrono::milliseconds limit);

  std::vector<seen_outcome> outcomes() const;
  std::vector<seen_stage> stages() const;
  std::vector<seen_publication> publications() const;
  std::vector<std::string> log_lines() const;
  std::set<std::uint64_t> timers() const;
  std::uint64_t under_way(tocsin_token source) const;
  std::uint64_t calls() const { return calls_; }  // of any function of this host's

  void open_source(tocsin_token source);
  void close_source(tocsin_token source);
  void set_opening(bool opening);  // while a source opens, its token is not known yet

  // The clock runs ahead by so much, and timers with it.
  void advance(std::chrono::milliseconds by);
  std::int64_t now_ms() const;

  void breach(const law& broken, const std::string& what) const;

  // For the tables in host_*.cpp.
  struct tables;
  // The host that a context belongs to; null and a breach: it is none.
  static kit_host* enter(void* context, const char* function, const law& of, bool needs_active,
                         bool also_created = false);
  void noticed();

 private:
  friend struct tables;
  kit_host(host_plan plan, std::string who);
  const void* extension(std::string_view id);

  host_plan plan_;
  std::string who_;
  const tocsin_host* raw_ = nullptr;
  std::atomic<phase> phase_{phase::created};
  std::atomic<std::uint64_t> calls_{0};
  std::atomic<std::int64_t> ahead_ms_{0};

  mutable std::mutex mutex_;
  std::condition_variable noticed_;
  std::map<std::string, const void*, std::less<>> cut_tables_;
  std::vector<seen_outcome> outcomes_;
  std::vector<seen_stage> stages_;
  std::vector<seen_publication> publications_;
  std::vector<std::string> log_;
  struct source_state {
    std::uint64_t under_way = 0;
    bool open = true;
  };
  std::map<std::pair<std::uint64_t, std::uint64_t>, source_state> sources_;
  bool opening_ = false;
  std::map<std::uint64_t, std::uint64_t> timers_;  // id -> the start that counts
  std::uint64_t timer_starts_ = 0;
  std::map<std::string, std::uint64_t> series_;
};

}  // namespace tocsin::conformance
