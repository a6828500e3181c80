// The store: where events, deliveries and everything that must outlive a crash is written down. Interface only.
//
// Asynchronous and in batches: every call returns at once and answers exactly once through its callback, on the store's
// own thread, after the commit that holds the change is on disk. A callback must not block and must not throw; it hands
// on. Calls are carried out in the order in which they were made. All functions may be called from any thread.
//
// An implementation may serve several nodes: a lease names its owner and its end. Time is always the caller's.
#pragma once

#include "core/model/delivery.hpp"
#include "core/model/delivery_action.hpp"
#include "core/model/event.hpp"
#include "core/model/fault.hpp"
#include "core/model/token.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tocsin {

// Fault codes of a store: STORE_FULL (no space; recovers by itself), STORE_FAILED (fsync or I/O failed: nothing more is
// acknowledged until a restart), STORE_REFUSED (this call alone cannot be written: an identifier that is taken, a text
// beyond a limit), STORE_CLOSED.

struct accept_item {
  event_id id{};
  event payload;
  time_ms accepted = 0;
  bool sensitive = false;
  std::vector<new_delivery> deliveries;
};

// What a source remembers; an empty value forgets.
struct memory_write {
  std::string source;
  std::string name;
  std::string value;
};

struct accept_batch {
  std::vector<accept_item> items;
  std::vector<memory_write> memory;
  time_ms now = 0;
  time_ms lease_until = 0;     // for the deliveries that are written as leased
  time_ms remember_until = 0;  // of the dedup keys
};

struct accept_answer {
  event_id id{};                 // of a duplicate: the first one's
  bool duplicate = false;        // nothing of the item was written, its deliveries do not exist
  std::uint32_t deliveries = 0;  // that were made of it; 0 of a duplicate and of an event that no route matches
};

struct lease_request {
  endpoint_key endpoint;
  std::uint32_t limit = 0;
  time_ms now = 0;
  time_ms until = 0;
};

// How a delivery goes on after an attempt (or without one).
struct settlement {
  delivery_id id{};
  delivery_state state = delivery_state::deferred;
  time_ms at = 0;
  std::uint32_t attempts = 0;  // made so far, this one included
  bool uncertain = false;
  std::string code;
  std::string detail;
  std::string server_reply;
  std::string transcript;
  bool record_attempt = true;           // a line in the history
  std::optional<time_ms> next_attempt;  // pending and deferred: when it is due
  // superseded: the delivery that takes over, written in the same commit. Where the event already has a delivery to
  // this recipient over that endpoint which waits, is under way or got through, that one takes over, and none is made.
  std::optional<new_delivery> successor;
};

// What waits on an endpoint.
struct endpoint_backlog {
  endpoint_key endpoint;
  time_ms next_attempt = 0;  // when the first may be due; never later than it is
};

struct endpoint_pause {
  endpoint_key endpoint;
  std::string code;
  std::string detail;
  time_ms since = 0;
  time_ms probe_at = 0;
  std::uint32_t probes = 0;
  std::uint64_t server_fingerprint = 0;  // of the settings that failed: others end the pause
};

struct delivery_filter {
  std::optional<std::string> event_id = {};  // CloudEvents id
  std::optional<std::string> source = {};
  std::optional<std::string> organization = {};  // "" is the host's own
  std::optional<delivery_state> state = {};
  std::optional<std::string> recipient = {};
  std::optional<tocsin::event_id> own_event = {};  // the event by our id
  std::optional<delivery_id> after = {};           // cursor: those with a lower id (newest first)
  std::uint32_t limit = 100;                       // at most 1,001: a page of 1,000, and whether there is more
};

struct recover_request {
  time_ms now = 0;
  bool crashed = false;              // the run before this one did, or a plugin ended it
  std::optional<delivery_id> named;  // the delivery that was being handed to a plugin then
};

struct recovery {
  std::uint64_t interrupted = 0;  // deliveries that were in a channel's hands: pending again, uncertain, and counted
  std::int64_t last_identifier = 0;
  std::string message_host;  // right-hand side of Message-IDs, fixed when the store was made
  std::vector<endpoint_pause> pauses;
};

struct purge_step {
  std::uint64_t gone = 0;  // events
  bool more = false;       // the next step goes on where this one ended; else it begins from the oldest event again
};

// What an operator does to one delivery or to many.
struct alteration {
  delivery_action action = delivery_action::retry;
  // Those that match. Without a state: those in the action's usual_states(). `after` and `limit` do not count.
  delivery_filter filter = {};
  std::optional<delivery_id> id = {};  // that one alone, if it matches
  time_ms now = 0;
};

struct alteration_result {
  std::uint64_t matched = 0;
  std::uint64_t changed = 0;
  std::map<std::string, std::uint64_t> refused = {};  // by code
  std::optional<fault> refusal = {};                  // the first of them
  std::vector<endpoint_key> endpoints = {};           // of those that are due now
  // The rest could not be written; what is counted is on disk all the same.
  std::optional<fault> stopped = {};
};

// Which event: by our id, or by what its publisher calls it.
struct event_query {
  std::optional<event_id> id = {};
  // Where there is no id: the CloudEvents id, and what else is known.
  std::string external_id = {};
  std::optional<std::string> source = {};
  std::optional<std::string> organization = {};  // "" is the host's own; counts with an id, too
};

struct event_record {
  event_id id{};
  std::string organization, source, external_id, type;
  tocsin::severity severity{};
  time_ms accepted = 0;
  time_ms remembered_until = 0;  // the same three are a duplicate until then
  std::optional<time_ms> expires;
  bool sensitive = false;
  std::optional<time_ms> erased;
  std::uint64_t duplicates = 0;  // that came since
  std::optional<time_ms> last_duplicate;
  std::shared_ptr<const event> payload;  // null: it was erased, or cannot be read
};

class store {
 public:
  template <class T>
  using callback = std::function<void(result<T>)>;

  virtual ~store() = default;

  // Open for this owner. Leases of earlier owners on this machine have ended: theirs are `uncertain` from now on, and
  // after a crash `interrupted`: the delivery that it named once more, the others once at most.
  virtual void recover(recover_request request, callback<recovery> done) = 0;

  // Dedup keys, events, deliveries and memory in one commit. One answer an item, in order.
  virtual void accept(accept_batch batch, callback<std::vector<accept_answer>> done) = 0;

  // Up to limit deliveries of the endpoint that are due (pending or deferred, next_attempt <= now), now `sending`.
  // Organizations take turns, one delivery a turn, from lease to lease; an organization's own go by severity, then by
  // due time.
  virtual void lease(lease_request request, callback<std::vector<leased_delivery>> done) = 0;

  // Ends leases. A delivery that is not leased by this owner any more is passed over.
  virtual void settle(std::vector<settlement> settlements, callback<void> done) = 0;

  // Each endpoint on which something waits, with a time that is not after its first is due.
  virtual void backlog(callback<std::vector<endpoint_backlog>> done) = 0;

  // When the endpoint's first waiting delivery is due, or a time before that; nothing if none waits. The exact time
  // after a lease that found nothing more. One look at the index, where the store has one; what stands here looks
  // through the whole backlog.
  virtual void next_due(endpoint_key endpoint, callback<std::optional<time_ms>> done) {
    backlog([endpoint = std::move(endpoint), done = std::move(done)](result<std::vector<endpoint_backlog>> all) {
      if (!all) return done(all.error());
      for (const auto& one : *all) {
        if (one.endpoint == endpoint) return done(std::optional<time_ms>(one.next_attempt));
      }
      done(std::optional<time_ms>());
    });
  }

  virtual void save_pause(endpoint_pause pause, callback<void> done) = 0;
  virtual void clear_pause(endpoint_key endpoint, callback<void> done) = 0;

  virtual void recall(std::string source, std::string name, callback<std::string> done) = 0;  // empty: never remembered

  // All that this source remembers: names and values. What stands here remembers nothing.
  virtual void recall_all(std::string source, callback<std::vector<std::pair<std::string, std::string>>> done) {
    static_cast<void>(source);
    done(std::vector<std::pair<std::string, std::string>>());
  }

  virtual void list(delivery_filter filter, callback<std::vector<delivery_record>> done) = 0;  // with history
  virtual void get(delivery_id id, callback<std::optional<delivery_record>> done) = 0;         // with history
  virtual void counts(std::optional<std::string> organization, callback<state_counts> done) = 0;

  // One step of forgetting: events accepted before `before`, whose deliveries are all final and whose dedup keys have
  // run out, go with all that belongs to them. A store that keeps everything answers that there is no more.
  virtual void purge(time_ms now, time_ms before, callback<purge_step> done) {
    static_cast<void>(now);
    static_cast<void>(before);
    done(purge_step());
  }

  // Tokens. A store that keeps none has none, and takes none.
  // False: the name belongs to a token that was not revoked; nothing was written.
  virtual void add_token(token_record token, callback<bool> done) {
    static_cast<void>(token);
    done(fault{"STORE_REFUSED", "This store keeps no tokens."});
  }
  // False: there is none of this name that was not revoked.
  virtual void revoke_token(std::string name, time_ms at, callback<bool> done) {
    static_cast<void>(name);
    static_cast<void>(at);
    done(false);
  }
  virtual void tokens(callback<std::vector<token_record>> done) { done(std::vector<token_record>()); }  // by name

  // How many deliveries wait on each of these endpoints; counted up to `most`.
  virtual void waiting_on(std::vector<endpoint_key> endpoints, std::uint32_t most,
                          callback<std::vector<std::uint32_t>> done) {
    static_cast<void>(most);
    done(std::vector<std::uint32_t>(endpoints.size()));
  }

  // What an operator does. In bounded steps, between which other calls are carried out; answers after the last one.
  // What is `sending` at that moment is passed over by an action on many.
  virtual void alter(alteration what, callback<alteration_result> done) {
    static_cast<void>(what);
    done(alteration_result());
  }

  // Events, newest first: one for an id; the same key may have come again once it was forgotten. At most ten.
  virtual void find_events(event_query which, callback<std::vector<event_record>> done) {
    static_cast<void>(which);
    done(std::vector<event_record>());
  }

  // A copy of all that is committed, as of one moment between this call and its answer, in a new file; made in bounded
  // steps. It is not synced yet.
  virtual void copy_to(std::filesystem::path file, callback<void> done) {
    static_cast<void>(file);
    done(fault{"STORE_REFUSED", "This store keeps no file that could be copied.", ""});
  }

  // Everything handed in before is on disk, nothing more is taken. Blocks. Callbacks of calls that come later get
  // STORE_CLOSED.
  virtual void close() = 0;
};

}  // namespace tocsin
