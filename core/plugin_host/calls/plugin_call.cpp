// Keeps, for each thread, the stack of calls into plugins that it is within.
#include "core/plugin_host/calls/plugin_call.hpp"

#include "core/model/identifier.hpp"
#include "core/plugin_host/containment/last_words.hpp"
#include "core/runtime/per_thread.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <utility>

namespace tocsin {
namespace {

// One thread's calls. Its mutex is taken by that thread at the begin and end of a call, and by whoever looks on.
struct thread_calls {
  std::mutex mutex;
  plugin_call* innermost = nullptr;
  std::int64_t thread_id = 0;
};

// Never freed: threads may end after everything else.
struct all_threads {
  std::mutex mutex;
  std::vector<std::shared_ptr<thread_calls>> threads;
};

all_threads& registry() {
  static auto* kept = new all_threads;
  return *kept;
}

// Enters the thread at its first call and takes it out at its end.
struct registration {
  std::shared_ptr<thread_calls> calls = std::make_shared<thread_calls>();
  signal_stack stack;

  registration() {
    calls->thread_id = ::gettid();
    const std::lock_guard lock(registry().mutex);
    registry().threads.push_back(calls);
  }
  ~registration() {
    const std::lock_guard lock(registry().mutex);
    std::erase(registry().threads, calls);
  }
};

thread_calls& own_calls() {
  static auto* const of_thread = new per_thread<registration>;
  return *of_thread->get().calls;
}

// The same as the thread's own entry has, for a handler of signals: it needs no initialisation and no lock.
constinit thread_local const plugin_call* innermost_here = nullptr;

std::atomic<std::uint64_t> last_serial{0};

}  // namespace

std::string to_text(const call_subject& about) {
  if (about.kind.empty()) return {};
  std::string text(about.kind);
  text += ' ';
  if (!about.name.empty()) {
    text += about.name;
  } else if (about.kind == "delivery") {
    text += to_text(static_cast<delivery_id>(about.number));
  } else {
    text += std::to_string(about.number);
  }
  if (about.attempt != 0) text += ", attempt " + std::to_string(about.attempt);
  if (!about.event.empty()) text += ", event " + std::string(about.event);
  if (about.more != 0) text += ", and " + std::to_string(about.more) + " more";
  return text;
}

plugin_call::plugin_call(const plugin_identity& plugin, const tocsin::clock& clock, std::string_view call,
                         call_thread thread, call_subject about)
    : plugin_(plugin),
      call_(call),
      thread_(thread),
      about_(about),
      begun_(clock.monotonic()),
      serial_(last_serial.fetch_add(1, std::memory_order_relaxed) + 1),
      outer_(own_calls().innermost) {
  thread_calls& own = own_calls();
  const std::lock_guard lock(own.mutex);
  own.innermost = this;
  innermost_here = this;
}

plugin_call::~plugin_call() {
  thread_calls& own = own_calls();
  const std::lock_guard lock(own.mutex);
  own.innermost = outer_;
  innermost_here = outer_;
}

const plugin_call* plugin_call::current(const plugin_identity& plugin) {
  // Without the lock: nobody else writes it.
  for (const plugin_call* at = own_calls().innermost; at; at = at->outer_)
    if (&at->plugin_ == &plugin) return at;
  return nullptr;
}

const plugin_call* plugin_call::innermost() { return innermost_here; }

call_record plugin_call::record(std::int64_t thread_id) const {
  return {serial_, &plugin_, plugin_, std::string(call_), thread_, begun_, thread_id, to_text(about_)};
}

std::vector<call_record> calls_under_way() {
  std::vector<std::shared_ptr<thread_calls>> threads;
  {
    const std::lock_guard lock(registry().mutex);
    threads = registry().threads;
  }
  std::vector<call_record> calls;
  for (const auto& one : threads) {
    const std::lock_guard lock(one->mutex);
    for (const plugin_call* at = one->innermost; at; at = at->outer_) calls.push_back(at->record(one->thread_id));
  }
  std::sort(calls.begin(), calls.end(), [](const auto& a, const auto& b) { return a.serial < b.serial; });
  return calls;
}

}  // namespace tocsin
