// What the dispatcher is made of: endpoints, the deliveries in their hands, and the steps from one to the next.
//
// One mutex guards all of it. Sections under it are short and call nobody but the clock (whose after() and cancel()
// never call back); whatever else is to be called is put aside and called when the mutex is free again (engine_lock).
//   engine.cpp          what the bus calls: reserve, hand over, notify; start
//   engine_lease.cpp    what is due: leases, sweeps of a paused endpoint, timers
//   engine_open.cpp     opening and closing endpoints and views, pauses, changed settings
//   engine_send.cpp     from a leased delivery to the channel
//   engine_finish.cpp   from a channel's outcome to the store; draining
//   engine_share.cpp    how much of the host each endpoint may hold
//   engine_quota.cpp    what an endpoint may send in a second and in a day
//   engine_watch.cpp    deliveries that a plugin does not complete, and those that it may not survive
//   engine_failures.cpp what is told of failures, and over which endpoint it must not go
#pragma once

#include "core/delivery/delivery_fsm.hpp"
#include "core/delivery/dispatcher.hpp"
#include "core/delivery/outcome_log.hpp"
#include "core/delivery/pause_policy.hpp"
#include "core/delivery/quota_policy.hpp"
#include "core/delivery/settler.hpp"

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace tocsin::delivery_engine {

struct endpoint;

inline constexpr std::uint32_t most_interruptions = dispatcher::most_interruptions;

// An endpoint as one organization sees it: the same server, perhaps another sender's name. Opened with the channel when
// a delivery needs it.
struct view {
  enum class phase { opening, open, blocked };

  endpoint_settings_ptr settings;
  std::shared_ptr<channel_port> port;
  retry_policy retry{};
  phase state = phase::opening;
  endpoint_token token;
  std::uint32_t slots = 1;
  std::uint32_t in_channel = 0;
  std::uint32_t placed = 0;
  bool stale = false;         // other settings are in force: close it when it is empty
  fault problem;              // blocked: why
  time_ms blocked_until = 0;  // blocked: it is opened anew after that
  std::uint64_t used = 0;     // grows with use
};

// A delivery that is leased by this process.
struct flight {
  leased_delivery delivery;
  endpoint* home = nullptr;  // the one that it is written on
  endpoint* via = nullptr;   // the one that sends it: another one if settings changed since
  view* through = nullptr;   // once it is placed
  bool in_channel = false;
  bool probe = false;
  bool was_probe = false;                               // leased as one; it may have been redirected since
  std::optional<std::chrono::nanoseconds> handed_over;  // in the channel since; nothing: about to be
};

struct endpoint : std::enable_shared_from_this<endpoint> {
  enum class phase { closed, opening, open, failed, off };

  endpoint_key key;
  phase state = phase::closed;
  endpoint_settings_ptr settings;  // of the level that owns it; null before it was opened
  bool redirected = false;         // it has no server of its own any more: what waits on it goes through another one
  bool erased = false;
  std::uint32_t slots = 0;
  std::uint32_t reserved = 0;
  std::uint32_t refused = 0;    // reservations: their deliveries are on the way to the disk
  std::uint32_t in_flight = 0;  // leased, by home
  std::uint32_t leasing = 0;    // asked for in the lease that is under way
  std::uint32_t in_channel = 0;
  std::uint32_t opening_views = 0;

  bool may_have_due = false;  // something may be due in the store
  bool lease_again = false;   // something was written while a lease was under way
  bool due_known = false;     // next_due is what the store has
  std::optional<time_ms> next_due;
  time_ms store_retry_at = 0;

  std::optional<endpoint_pause> pause;
  bool paused_by_open = false;  // the host itself found the fault: opening well ends the pause
  bool probing = false;
  pause_history pauses;
  time_ms parked_until = 0;      // the latest time to which deliveries were put off because nothing could be tried
  time_ms early_until = 0;       // what is due before that may be tried now
  time_ms early_not_before = 0;  // not while what was tried early keeps failing
  time_ms slow_until = 0;
  quota_policy quota;
  bool quota_known = false;    // what was sent before this run is in it
  bool quota_unsaved = false;  // the store does not know it as it is now
  std::uint32_t returns = 0;   // deliveries that came back untried, in a row

  std::vector<flight*> ready;   // leased, to be placed
  std::vector<flight*> placed;  // have a view, wait for it to open or for a slot
  bool pumping = false;
  bool starved = false;                                  // in line for its share of the host
  bool hungry = false;                                   // and has nothing meanwhile
  std::map<std::uint64_t, std::unique_ptr<view>> views;  // by fingerprint
  std::uint64_t uses = 0;

  clock::timer timer = clock::timer::none;
  time_ms timer_at = 0;
  time_ms last_used = 0;
  outcome_log_policy log;
};

using endpoint_ptr = std::shared_ptr<endpoint>;

// Why deliveries are put off without an attempt.
struct hold {
  std::string code;  // empty: as before
  std::string detail;
  bool fail_over = false;                         // a next channel takes over
  std::optional<std::chrono::milliseconds> wait;  // else park_time
};

class engine;

// Holds the engine's mutex; what was put aside is called, in order, when it has been released.
class engine_lock {
 public:
  explicit engine_lock(std::mutex& mutex) : lock_(mutex) {}
  ~engine_lock() {
    lock_.unlock();
    for (auto& call : after_) call();
  }
  engine_lock(const engine_lock&) = delete;
  engine_lock& operator=(const engine_lock&) = delete;

  void after(std::function<void()> call) { after_.push_back(std::move(call)); }

 private:
  std::unique_lock<std::mutex> lock_;
  std::vector<std::function<void()>> after_;
};

class engine : public std::enable_shared_from_this<engine> {
 public:
  explicit engine(dispatcher_parts parts);

  void start(const recovery& found, bool crashed);
  bool reserve(const endpoint_key& key);
  void release(const endpoint_key& key);
  void hand_over(std::vector<leased_delivery> deliveries);
  void notify(const endpoint_key& key, std::uint32_t refused);
  void forgo(const endpoint_key& key, std::uint32_t refused);
  void retry(const endpoint_key& key);
  std::optional<endpoint_pause> pause_of(const endpoint_key& key) const;
  void complete(std::vector<outcome> outcomes);
  void settings_changed();
  void drain(std::chrono::milliseconds limit, std::function<void()> done);
  void stop();  // no more calls to anybody
  std::vector<dispatcher::endpoint_status> endpoints() const;

 private:
  // How a delivery ends its stay here.
  struct ending {
    leased_delivery delivery;
    endpoint_ptr home;
    settlement written;
    bool failed_over = false;  // the next channel takes over: `written` gets its successor
    std::string_view word;     // for the log; empty: no line
    bool failure = false;
    std::string attempted;             // the code of the attempt that ended it; empty: none did
    std::chrono::nanoseconds took{0};  // that attempt
  };

  // engine.cpp
  endpoint_ptr get(const endpoint_key& key, engine_lock& lock);
  bool may_reserve(const endpoint& ep) const;
  flight& take(leased_delivery delivery, endpoint& home);

  // engine_share.cpp
  std::uint32_t share_of(const endpoint& ep) const;
  void wait_for_share(const endpoint_ptr& ep, std::uint32_t given);
  void feed(engine_lock& lock);

  // engine_quota.cpp
  void recall_quota(const endpoint_ptr& ep);
  void save_quota(const endpoint_ptr& ep, engine_lock& lock);
  std::uint64_t quota_left(const endpoint& ep) const;
  bool quota_lets_go(const endpoint& ep) const;
  std::optional<hold> quota_hold(const endpoint& ep, time_ms now) const;
  void arm_for_quota(const endpoint& ep, const std::function<void(time_ms)>& consider, time_ms now) const;

  // engine_watch.cpp
  void note_handed_over(const std::vector<flight*>& flights);
  void arm_watch(std::chrono::nanoseconds wait);
  void look_for_overdue();
  bool is_suspect(const leased_delivery& delivery) const { return crashed_ && delivery.interrupted > 0; }
  bool may_hand_over() const;
  void hand_over_alone(const flight& suspect);
  void wait_for_suspect(const endpoint_ptr& ep);
  void suspect_ended(delivery_id id, engine_lock& lock);
  void let_suspects_on(engine_lock& lock);
  ending blame_plugin(flight& what, const std::string& plugin, time_ms now);

  // engine_lease.cpp
  enum class lease_purpose { send, probe, sweep };
  void advance(const endpoint_ptr& ep, engine_lock& lock);
  void look_for_work(const endpoint_ptr& ep, engine_lock& lock, time_ms now);
  void lease(const endpoint_ptr& ep, engine_lock& lock, lease_purpose why, std::uint32_t limit, time_ms now);
  void on_leased(const endpoint_ptr& ep, lease_purpose why, std::uint32_t limit, time_ms asked,
                 result<std::vector<leased_delivery>> got);
  void note_lease(const endpoint_ptr& ep, engine_lock& lock, bool all, time_ms asked);
  void lease_failed(const endpoint_ptr& ep, engine_lock& lock, const fault& why);
  void ask_next_due(const endpoint_ptr& ep, engine_lock& lock);
  void arm(const endpoint_ptr& ep, time_ms now);
  void on_timer(const endpoint_ptr& ep);
  bool idle(const endpoint& ep) const;
  void close_if_idle(const endpoint_ptr& ep, engine_lock& lock, time_ms now);
  hold hold_of(const endpoint& ep) const;

  // engine_open.cpp
  void open(const endpoint_ptr& ep, engine_lock& lock);
  void do_open(const endpoint_ptr& ep);
  void opened(const endpoint_ptr& ep, endpoint_settings_ptr settings, std::shared_ptr<channel_port> port,
              opened_endpoint open);
  void open_failed(const endpoint_ptr& ep, endpoint_settings_ptr settings, fault why);
  void redirect(const endpoint_ptr& ep, endpoint_settings_ptr settings);
  void switched_off(const endpoint_ptr& ep, endpoint_settings_ptr settings);
  void end_pause_if_other(const endpoint_ptr& ep, engine_lock& lock, std::uint64_t fingerprint);
  struct opening {
    std::shared_ptr<channel_port> port;
    opened_endpoint endpoint;
  };
  result<opening> open_channel(const endpoint_settings& settings);
  view& view_of(const endpoint_ptr& ep, const endpoint_settings_ptr& settings, engine_lock& lock);
  void do_open_view(const endpoint_ptr& ep, std::uint64_t fingerprint);
  void close_views(const endpoint_ptr& ep, engine_lock& lock, bool all);
  void pause(const endpoint_ptr& ep, engine_lock& lock, std::string code, std::string detail,
             std::uint64_t fingerprint);
  void probe_failed(const endpoint_ptr& ep, engine_lock& lock, const std::string& code, const std::string& detail);
  void end_pause(const endpoint_ptr& ep, engine_lock& lock, std::string_view why);
  void wake(const endpoint_ptr& ep, engine_lock& lock);
  void save_pause(const endpoint_ptr& ep);
  void review(const endpoint_ptr& ep);

  // engine_send.cpp
  void start_pump(const endpoint_ptr& ep, engine_lock& lock);
  void pump(const endpoint_ptr& ep);
  struct resolved_flight {
    flight* what = nullptr;
    result<endpoint_settings_ptr> settings;
  };
  std::vector<resolved_flight> resolve(const endpoint_ptr& ep, std::vector<flight*> flights,
                                       const tocsin::settings& from);
  void place(const endpoint_ptr& ep, std::vector<resolved_flight> flights, engine_lock& lock,
             std::vector<ending>& ended);
  std::vector<flight*> take_sendable(endpoint& ep);
  void send(std::vector<flight*> flights);
  void give_back_all(endpoint& ep, std::vector<ending>& ended);

  // engine_finish.cpp
  ending put_off(const leased_delivery& delivery, const endpoint_ptr& home, const hold& why, time_ms now,
                 bool was_probe = false);
  void drop_probe(endpoint& home, time_ms now);
  ending give_back(const leased_delivery& delivery, const endpoint_ptr& home, time_ms now);
  ending remove(flight& what, const hold* why, time_ms now);
  void leave(flight& what, time_ms now);
  ending finish(flight& what, outcome how, time_ms now, double jitter, engine_lock& lock);
  void touch_endpoint(flight& what, const outcome& how, delivery_step& step, settlement& written, time_ms now,
                      engine_lock& lock);
  void count_settling(const std::vector<ending>& ended);
  void settle(std::vector<ending> ended);
  // Where a delivery's stay ended, and when the delivery is due again, if it is.
  struct settled_home {
    endpoint_ptr home;
    std::optional<time_ms> due;
  };
  void settled(const std::vector<settled_home>& homes, const std::vector<endpoint_key>& successors, bool written);
  std::optional<new_delivery> successor(const leased_delivery& delivery, const tocsin::settings& from, time_ms now);
  void write_log(const ending& what, time_ms now);
  void measure(const ending& what) const;
  void look_if_drained(engine_lock& lock, bool forced = false);
  void cancel_all();
  void close_all();

  // engine_failures.cpp
  void tell_failure(const ending& what);
  void tell_paused(const endpoint_pause& what);
  void tell_resumed(const endpoint_key& key, std::string_view why);
  static bool is_about_itself(const flight& what, const endpoint& ep);
  ending keep_off(flight& what, time_ms at);

  time_ms now() const { return parts_.clock->now(); }
  std::chrono::milliseconds paused_since(const endpoint& ep, time_ms created, time_ms now) const;

  dispatcher_parts parts_;
  serial_queue control_;  // opening and closing, one at a time; and what must reach the store in this order
  std::shared_ptr<settler> settler_;

  mutable std::mutex mutex_;
  settings_ptr settings_;
  std::string message_host_;
  std::unordered_map<endpoint_key, endpoint_ptr> endpoints_;
  std::unordered_map<delivery_id, std::unique_ptr<flight>> flights_;
  std::size_t under_way_ = 0;  // leases and settlements that the store has not answered
  std::size_t reserved_ = 0;   // of all endpoints
  std::size_t leasing_ = 0;    // of all endpoints, but for sweeps, which hold nothing
  std::deque<endpoint_ptr> starved_;
  std::size_t hungry_ = 0;         // of those
  const endpoint* fed_ = nullptr;  // whose turn it is
  clock::timer watch_ = clock::timer::none;
  bool crashed_ = false;  // the run before this one did
  // Deliveries in channels' hands that an earlier run did not survive.
  std::set<delivery_id> suspects_;
  std::chrono::nanoseconds last_suspect_at_{0};
  std::vector<endpoint_ptr> suspects_wait_;
  clock::timer suspects_timer_ = clock::timer::none;
  bool store_gone_ = false;
  bool draining_ = false;
  bool drained_ = false;
  bool stopped_ = false;
  std::function<void()> drain_done_;
};

}  // namespace tocsin::delivery_engine
