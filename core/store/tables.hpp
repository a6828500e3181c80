// What the store can do within a transaction: every statement, prepared once, and the functions that run them.
#pragma once

#include "core/model/store.hpp"
#include "core/store/names.hpp"
#include "core/store/sealing.hpp"
#include "core/store/sqlite.hpp"
#include "core/store/token_table.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace tocsin {

// An accept_item whose payload was encoded, and sealed if it is sensitive, before it reached the store's thread.
struct encoded_item {
  accept_item item;
  std::string payload;
};

struct encoded_batch {
  std::vector<encoded_item> items;
  std::vector<memory_write> memory;
  time_ms now = 0;
  time_ms lease_until = 0;
  time_ms remember_until = 0;
};

// A listing that goes on: a long one is made in slices, so that it does not hold up what came after it.
struct listing {
  delivery_filter filter;
  std::vector<delivery_record> found;
  // Where an event's id leads: its deliveries, newest first, sorted once for all slices.
  std::shared_ptr<const std::vector<std::int64_t>> hits;
  std::size_t next_hit = 0;
  bool finished = false;
  // Only what the deliveries are called is wanted: `ids` instead of `found`.
  bool only_ids = false;
  std::vector<std::int64_t> ids;

  std::size_t size() const { return only_ids ? ids.size() : found.size(); }
};

// An operator's action under way; it is carried out in steps.
struct altering {
  alteration what;
  std::vector<delivery_state> states;  // yet to be gone through, the next one last
  listing search;
  std::optional<delivery_id> from;  // the newest that is meant comes before it
  std::set<endpoint_key> endpoints;
  alteration_result sum;
};

// Functions that write are called within a transaction; each throws sqlite::failure, after which the caller rolls back
// and calls forget(). Arguments are left as they are, so that a call can be carried out again. [store thread]
class tables {
 public:
  // owner: who this run is, in the leases that it takes.
  tables(sqlite::connection& database, const sealing_key& key, std::int64_t owner);

  recovery recover(const recover_request& request);
  std::vector<accept_answer> accept(const encoded_batch& batch);
  std::vector<leased_delivery> lease(const lease_request& request);
  void settle(const std::vector<settlement>& settlements);
  std::vector<endpoint_backlog> backlog();
  std::optional<time_ms> next_due(const endpoint_key& endpoint);
  void save_pause(const endpoint_pause& pause);
  void clear_pause(const endpoint_key& endpoint);
  std::string recall(const std::string& source, const std::string& name);
  std::vector<std::pair<std::string, std::string>> recall_all(const std::string& source);
  void list_some(listing& what);
  std::optional<delivery_record> get(delivery_id id);
  state_counts counts(const std::optional<std::string>& organization);
  purge_step purge(time_ms now, time_ms before);
  static altering begin_altering(alteration what);
  bool alter_some(altering& run);  // false: it goes on with the next step
  std::vector<std::uint32_t> waiting_on(const std::vector<endpoint_key>& endpoints, std::uint32_t most);
  std::vector<event_record> find_events(const event_query& which);

  sqlite::connection& database() { return database_; }

  token_table& tokens() { return tokens_; }

  // Before each commit: the counters, and who waits where, move in the transaction that moved the deliveries.
  void write_counters();
  // After a rollback.
  void forget();

 private:
  std::optional<time_ms> first_due(std::int64_t endpoint);
  struct delivery_context;  // what a new delivery takes over from its event
  struct settled_row;

  void count(std::int64_t organization, delivery_state state, std::int64_t change);
  void insert_delivery(const new_delivery& value, const delivery_context& context);
  accept_answer accept_one(const encoded_item& item, const encoded_batch& batch);
  void settle_one(const settlement& value);
  std::int64_t take_over(const new_delivery& successor, std::int64_t from, time_ms at, const settled_row& row);
  void write_report(const settlement& value, const settled_row& row);
  void erase_when_final(std::int64_t event, time_ms at);
  // From now on the organization has a delivery on the endpoint that is due then.
  void waits(std::int64_t endpoint, std::int64_t organization, time_ms due);
  void write_waiting();
  struct turn;
  std::size_t deal(const lease_request& request, std::int64_t endpoint, std::vector<turn>& served);
  std::vector<turn> next_turns(const lease_request& request, std::int64_t endpoint);
  std::int64_t last_turn(std::int64_t endpoint);  // 0: nobody is in the ring
  void end_turns(std::int64_t endpoint, std::vector<turn>& served, bool whole_ring);
  std::optional<time_ms> first_due(std::int64_t endpoint, std::int64_t organization);
  void lease_turn(const lease_request& request, std::int64_t endpoint, std::size_t limit, turn& whose);
  void lease_severity(const lease_request& request, std::int64_t endpoint, int severity, std::size_t limit,
                      turn& whose);
  std::shared_ptr<const event> read_event(const sqlite::rows& row, int first_column, std::int64_t id);
  std::shared_ptr<const std::vector<std::int64_t>> hits_of(const delivery_filter& filter);
  void add(listing& what, const sqlite::rows& row);
  void list_some_hits(listing& what, std::uint32_t limit);
  sqlite::rows start_listing(const delivery_filter& filter);
  bool matches(const delivery_filter& filter, const sqlite::rows& row);
  delivery_record read_record(const sqlite::rows& row);
  std::vector<endpoint_pause> pauses();
  void purge_event(std::int64_t event);
  struct altered_row;
  void alter_one(altering& run, std::int64_t id);
  void carry_out(altering& run, std::int64_t id, const altered_row& row);
  void note_in_history(std::int64_t id, const alteration& what, bool tried);
  event_record read_event_record(const sqlite::rows& row);

  sqlite::connection& database_;
  const sealing_key& key_;
  const std::int64_t owner_;
  name_table names_;
  std::map<std::pair<std::int64_t, int>, std::int64_t> counter_changes_;
  std::map<std::pair<std::int64_t, std::int64_t>, time_ms> waiting_changes_;  // (endpoint, organization)
  std::int64_t purge_from_ = 0;

  sqlite::statement find_event_, insert_event_, insert_delivery_, remember_, forget_memory_, recall_, recall_all_;
  sqlite::statement due_, lease_;
  sqlite::statement read_settled_, find_same_, settle_, report_, keep_attempt_, unfinished_, erase_;
  sqlite::statement leased_, interrupt_;
  sqlite::statement next_endpoint_, first_due_;
  sqlite::statement add_waiting_, join_, ring_, last_turn_, set_turn_, sleep_, wait_no_more_, first_asleep_;
  sqlite::statement save_pause_, clear_pause_, pauses_;
  sqlite::statement list_all_, list_state_, list_sending_, list_organization_, list_recipient_, list_source_,
      list_event_, list_event_of_source_, list_key_, list_own_event_, get_, history_;
  sqlite::statement counters_, change_counter_;
  sqlite::statement purge_candidates_, purge_deliveries_, purge_attempts_, purge_delivery_, purge_ack_, purge_event_;
  sqlite::statement keep_last_identifier_;
  token_table tokens_;
  sqlite::statement read_altered_, due_now_, begin_again_, replay_, drop_, add_line_, forget_time_;
  sqlite::statement count_duplicate_, purge_duplicates_, read_one_event_, read_events_, count_waiting_;
};

}  // namespace tocsin
