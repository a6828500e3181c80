// The statements of the store, each prepared once, and the counters that move with every transaction.
#include "core/store/tables.hpp"

#include <string>

namespace tocsin {
namespace {

// The columns that read_record() takes, in its order.
const std::string record_columns =
    "SELECT d.id, d.event, e.source, e.external_id, e.type, d.organization, d.endpoint, d.recipient, d.route, d.state,"
    " d.attempts, d.uncertain, d.code, d.detail, d.server_reply, d.message_id, d.parent, d.superseded_by, d.due,"
    " d.created, d.tried_at ";

// The columns that read_event_record() takes; the last eight are those of read_event().
const std::string event_columns =
    "SELECT e.id, e.accepted, e.remembered_until, e.erased_at, n.times, n.last, e.organization, e.source,"
    " e.external_id, e.type, e.severity, e.expires, e.sensitive, e.payload FROM event AS e";

// Looks into the two indexes and into no row.
const std::string deliveries_of_event =
    "SELECT d.id FROM event AS e INDEXED BY event_by_key"
    " CROSS JOIN delivery AS d INDEXED BY delivery_by_event ON d.event = e.id"
    " WHERE e.external_id = ?2 AND d.id < ?1";

}  // namespace

// Indexes are named where the planner's choice must not change with the data: the cost of a call stays that of the rows
// that it touches.
tables::tables(sqlite::connection& database, const sealing_key& key, std::int64_t owner)
    : database_(database),
      key_(key),
      owner_(owner),
      names_(database),
      find_event_(database,
                  "SELECT id, remembered_until FROM event INDEXED BY event_by_key"
                  " WHERE external_id = ?1 AND source = ?2 AND organization = ?3 ORDER BY id DESC LIMIT 1"),
      insert_event_(database,
                    "INSERT INTO event (id, organization, source, external_id, type, severity, accepted, expires,"
                    " remembered_until, sensitive, key_id, erased_at, payload)"
                    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"),
      insert_delivery_(
          database,
          "INSERT INTO delivery (id, event, organization, endpoint, state, severity, sensitive, created, due,"
          " lease_owner, lease_until, attempts, uncertain, recipient, route, template, language, message_id,"
          " next_channels, give_up_at, source_hash)"
          " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 0, 0, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)"),
      remember_(database,
                "INSERT INTO memory (source, name, value) VALUES (?1, ?2, ?3)"
                " ON CONFLICT DO UPDATE SET value = excluded.value"),
      forget_memory_(database, "DELETE FROM memory WHERE source = ?1 AND name = ?2"),
      recall_(database, "SELECT value FROM memory WHERE source = ?1 AND name = ?2"),
      recall_all_(database, "SELECT name, value FROM memory WHERE source = ?1 ORDER BY name"),
      due_(database,
           "SELECT d.id, d.event, d.organization, d.state, d.recipient, d.template, d.language, d.message_id,"
           " d.next_channels, d.attempts, d.uncertain, d.created, d.give_up_at, d.code,"
           " e.organization, e.source, e.external_id, e.type, e.severity, e.expires, e.sensitive, e.payload, d.route,"
           " d.interrupted"
           " FROM delivery AS d INDEXED BY delivery_waiting LEFT JOIN event AS e ON e.id = d.event"
           " WHERE d.endpoint = ?1 AND d.organization = ?2 AND d.severity = ?3 AND d.due IS NOT NULL AND d.due <= ?4"
           " ORDER BY d.due LIMIT ?5"),
      lease_(database, "UPDATE delivery SET state = 1, due = NULL, lease_owner = ?2, lease_until = ?3 WHERE id = ?1"),
      read_settled_(database,
                    "SELECT state, lease_owner, event, organization, severity, sensitive, tried_at, endpoint,"
                    " source_hash FROM delivery"
                    " WHERE id = ?1"),
      find_same_(database,
                 "SELECT id FROM delivery INDEXED BY delivery_by_event WHERE event = ?1 AND endpoint = ?2"
                 " AND recipient = ?3 AND state <= 4 AND id <> ?4 ORDER BY id LIMIT 1"),
      settle_(database,
              "UPDATE delivery SET state = ?2, due = ?3, lease_owner = NULL, lease_until = NULL, attempts = ?4,"
              " uncertain = ?5, superseded_by = ?6, interrupted = iif(?7, 0, interrupted) WHERE id = ?1"),
      report_(database,
              "UPDATE delivery SET tried_at = ?2, code = ?3, detail = ?4, server_reply = ?5, transcript = ?6"
              " WHERE id = ?1"),
      keep_attempt_(database,
                    "INSERT INTO attempt (delivery, number, at, code, detail, server_reply, transcript)"
                    " SELECT id, (SELECT coalesce(max(number), 0) + 1 FROM attempt WHERE delivery = ?1), tried_at,"
                    " coalesce(code, ''), detail, server_reply, transcript FROM delivery WHERE id = ?1"),
      unfinished_(database,
                  "SELECT 1 FROM delivery INDEXED BY delivery_by_event WHERE event = ?1 AND state <= 3 LIMIT 1"),
      erase_(database, "UPDATE event SET payload = NULL, key_id = NULL, erased_at = ?2 WHERE id = ?1"),
      leased_(database,
              "SELECT id, organization, endpoint FROM delivery INDEXED BY delivery_leased"
              " WHERE lease_until IS NOT NULL"),
      interrupt_(
          database,
          "UPDATE delivery SET state = 0, due = ?2, lease_owner = NULL, lease_until = NULL,"
          " attempts = attempts + 1, uncertain = 1,"
          " interrupted = CASE WHEN ?3 THEN interrupted + 1 WHEN ?4 THEN max(interrupted, 1) ELSE interrupted END"
          " WHERE id = ?1"),
      next_endpoint_(database, "SELECT endpoint FROM waiting WHERE endpoint > ?1 ORDER BY endpoint LIMIT 1"),
      first_due_(database,
                 "SELECT due FROM delivery INDEXED BY delivery_waiting WHERE endpoint = ?1 AND organization = ?2"
                 " AND severity = ?3 AND due IS NOT NULL ORDER BY due LIMIT 1"),
      add_waiting_(database,
                   "INSERT INTO waiting (endpoint, organization, first_due) VALUES (?1, ?2, ?3)"
                   " ON CONFLICT DO UPDATE SET first_due = excluded.first_due"
                   " WHERE turn IS NULL AND excluded.first_due < first_due"),
      join_(database,
            "SELECT organization FROM waiting INDEXED BY waiting_by_due WHERE endpoint = ?1 AND turn IS NULL"
            " AND first_due <= ?2 ORDER BY first_due LIMIT ?3"),
      ring_(database,
            "SELECT organization FROM waiting INDEXED BY waiting_by_turn WHERE endpoint = ?1 AND turn IS NOT NULL"
            " ORDER BY turn LIMIT ?2"),
      last_turn_(database,
                 "SELECT turn FROM waiting INDEXED BY waiting_by_turn WHERE endpoint = ?1 AND turn IS NOT NULL"
                 " ORDER BY turn DESC LIMIT 1"),
      set_turn_(database, "UPDATE waiting SET turn = ?3 WHERE endpoint = ?1 AND organization = ?2"),
      sleep_(database, "UPDATE waiting SET turn = NULL, first_due = ?3 WHERE endpoint = ?1 AND organization = ?2"),
      wait_no_more_(database, "DELETE FROM waiting WHERE endpoint = ?1 AND organization = ?2"),
      first_asleep_(database,
                    "SELECT first_due FROM waiting INDEXED BY waiting_by_due WHERE endpoint = ?1 AND turn IS NULL"
                    " ORDER BY first_due LIMIT 1"),
      save_pause_(database,
                  "INSERT INTO pause (endpoint, code, detail, since, probe_at, probes, server_fingerprint)"
                  " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
                  " ON CONFLICT DO UPDATE SET code = excluded.code, detail = excluded.detail, since = excluded.since,"
                  " probe_at = excluded.probe_at, probes = excluded.probes,"
                  " server_fingerprint = excluded.server_fingerprint"),
      clear_pause_(database, "DELETE FROM pause WHERE endpoint = ?1"),
      pauses_(
          database,
          "SELECT endpoint, code, detail, since, probe_at, probes, server_fingerprint FROM pause ORDER BY endpoint"),
      list_all_(database, record_columns +
                              "FROM delivery AS d LEFT JOIN event AS e ON e.id = d.event"
                              " WHERE d.id < ?1 ORDER BY d.id DESC"),
      list_state_(database, record_columns +
                                "FROM delivery AS d INDEXED BY delivery_by_state LEFT JOIN event AS e ON e.id = d.event"
                                " WHERE d.state = ?2 AND d.state NOT IN (1, 4) AND d.id < ?1 ORDER BY d.id DESC"),
      list_sending_(database, record_columns +
                                  "FROM delivery AS d INDEXED BY delivery_leased LEFT JOIN event AS e ON e.id = d.event"
                                  " WHERE d.lease_until IS NOT NULL AND d.id < ?1 ORDER BY d.id DESC"),
      list_organization_(database, record_columns +
                                       "FROM delivery AS d INDEXED BY delivery_by_organization"
                                       " LEFT JOIN event AS e ON e.id = d.event"
                                       " WHERE d.organization = ?2 AND d.id < ?1 ORDER BY d.id DESC"),
      list_recipient_(database, record_columns +
                                    "FROM delivery AS d INDEXED BY delivery_by_recipient"
                                    " LEFT JOIN event AS e ON e.id = d.event"
                                    " WHERE d.recipient = ?2 AND d.id < ?1 ORDER BY d.id DESC"),
      list_source_(database, record_columns +
                                 "FROM delivery AS d INDEXED BY delivery_by_source"
                                 " LEFT JOIN event AS e ON e.id = d.event"
                                 " WHERE d.source_hash = ?2 AND d.id < ?1 ORDER BY d.id DESC"),
      list_event_(database, deliveries_of_event + " ORDER BY d.id DESC"),
      list_event_of_source_(database, deliveries_of_event + " AND e.source = ?3 ORDER BY d.id DESC"),
      list_key_(database, deliveries_of_event + " AND e.source = ?3 AND e.organization = ?4 ORDER BY d.id DESC"),
      list_own_event_(database,
                      "SELECT d.id FROM delivery AS d INDEXED BY delivery_by_event"
                      " WHERE d.event = ?2 AND d.id < ?1 ORDER BY d.id DESC"),
      get_(database, record_columns + "FROM delivery AS d LEFT JOIN event AS e ON e.id = d.event WHERE d.id = ?1"),
      history_(database, "SELECT at, code, detail, server_reply FROM attempt WHERE delivery = ?1 ORDER BY number"),
      counters_(database, "SELECT state, value FROM counter WHERE organization = ?1"),
      change_counter_(database,
                      "INSERT INTO counter (organization, state, value) VALUES (?1, ?2, ?3)"
                      " ON CONFLICT DO UPDATE SET value = value + excluded.value"),
      purge_candidates_(database,
                        "SELECT id, accepted, remembered_until FROM event WHERE id > ?1 ORDER BY id LIMIT ?2"),
      purge_deliveries_(database,
                        "SELECT id, organization, state FROM delivery INDEXED BY delivery_by_event WHERE event = ?1"),
      purge_attempts_(database, "DELETE FROM attempt WHERE delivery = ?1"),
      purge_delivery_(database, "DELETE FROM delivery WHERE id = ?1"),
      purge_ack_(database, "DELETE FROM ack WHERE event = ?1"),
      purge_event_(database, "DELETE FROM event WHERE id = ?1"),
      keep_last_identifier_(database,
                            "INSERT INTO meta (name, value) VALUES ('last_identifier', ?1) ON CONFLICT DO UPDATE SET"
                            " value = CAST(max(CAST(value AS INTEGER), CAST(excluded.value AS INTEGER)) AS TEXT)"),
      tokens_(database, names_),
      read_altered_(database,
                    "SELECT d.state, d.organization, d.endpoint, d.event, d.created, d.due, d.give_up_at,"
                    " d.tried_at IS NOT NULL, e.payload IS NULL, d.sensitive"
                    " FROM delivery AS d LEFT JOIN event AS e ON e.id = d.event WHERE d.id = ?1"),
      due_now_(database, "UPDATE delivery SET due = ?2 WHERE id = ?1"),
      begin_again_(database, "UPDATE delivery SET state = 0, due = ?2, interrupted = 0 WHERE id = ?1"),
      replay_(database,
              "UPDATE delivery SET state = 0, due = ?2, created = ?2, give_up_at = ?3, attempts = 0, interrupted = 0 "
              "WHERE id = ?1"),
      drop_(database, "UPDATE delivery SET state = 6, due = NULL WHERE id = ?1"),
      add_line_(database,
                "INSERT INTO attempt (delivery, number, at, code, detail)"
                " SELECT ?1, coalesce(max(number), 0) + 1, ?2, ?3, ?4 FROM attempt WHERE delivery = ?1"),
      forget_time_(database, "UPDATE delivery SET tried_at = NULL WHERE id = ?1 AND tried_at IS NOT NULL"),
      count_duplicate_(database,
                       "INSERT INTO duplicate (event, times, last) VALUES (?1, 1, ?2)"
                       " ON CONFLICT DO UPDATE SET times = times + 1, last = excluded.last"),
      purge_duplicates_(database, "DELETE FROM duplicate WHERE event = ?1"),
      read_one_event_(database, event_columns + " LEFT JOIN duplicate AS n ON n.event = e.id WHERE e.id = ?1"),
      read_events_(database, event_columns +
                                 " INDEXED BY event_by_key LEFT JOIN duplicate AS n ON n.event = e.id"
                                 " WHERE e.external_id = ?1 AND (?2 IS NULL OR e.source = ?2)"
                                 " AND (?3 IS NULL OR e.organization = ?3) ORDER BY e.id DESC LIMIT 10"),
      count_waiting_(database,
                     "SELECT count(*) FROM (SELECT 1 FROM delivery INDEXED BY delivery_waiting WHERE endpoint = ?1"
                     " AND due IS NOT NULL LIMIT ?2)") {}

namespace {

// Names are numbered from 1, so that 0 is free for the counters of all organizations together.
constexpr std::int64_t everybody = 0;

}  // namespace

void tables::count(std::int64_t organization, delivery_state state, std::int64_t change) {
  counter_changes_[{organization, static_cast<int>(state)}] += change;
  counter_changes_[{everybody, static_cast<int>(state)}] += change;
}

void tables::write_counters() {
  write_waiting();
  for (const auto& [key, change] : counter_changes_) {
    if (change != 0) {
      change_counter_.run(key.first, key.second, change);
    }
  }
  counter_changes_.clear();
}

state_counts tables::counts(const std::optional<std::string>& organization) {
  state_counts out{};
  const auto number = organization ? names_.find(*organization) : std::optional<std::int64_t>(everybody);
  if (!number) {
    return out;
  }
  write_counters();  // those of calls before this one in the same transaction
  auto found = counters_.query(*number);
  while (found.next()) {
    const auto state = static_cast<std::size_t>(found.integer(0));
    if (state < out.size()) {
      out[state] = static_cast<std::uint64_t>(found.integer(1));
    }
  }
  return out;
}

void tables::forget() {
  names_.forget();
  purge_from_ = 0;
  counter_changes_.clear();
  waiting_changes_.clear();
}

std::string tables::recall(const std::string& source, const std::string& name) {
  auto found = recall_.query(source, name);
  return found.next() ? std::string(found.text(0)) : std::string();
}

std::vector<std::pair<std::string, std::string>> tables::recall_all(const std::string& source) {
  std::vector<std::pair<std::string, std::string>> all;
  auto found = recall_all_.query(source);
  while (found.next()) {
    all.emplace_back(std::string(found.text(0)), std::string(found.text(1)));
  }
  return all;
}

}  // namespace tocsin
