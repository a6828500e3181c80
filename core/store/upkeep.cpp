// What is done with a store's file that nobody writes to: checks and backups.
#include "core/store/upkeep.hpp"

#include "core/store/copying.hpp"
#include "core/store/payload_codec.hpp"
#include "core/store/schema.hpp"
#include "core/store/sealing.hpp"
#include "core/store/sqlite.hpp"
#include "core/store/state_folder.hpp"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

namespace tocsin {
namespace {

constexpr std::size_t most_problems = 100;

fault failed(const std::filesystem::path& file, const std::string& why) {
  return {"STORE_FAILED",
          file.string() + ": " + why + ".",
          "Check the disk, and that there is space on it.",
          {file.string(), 0, 0, {}}};
}

fault cut_short() {
  return {"STORE_CHECK_CUT_SHORT", "The host is stopping; the work on the store's copy was given up.",
          "Ask again once it runs."};
}

// What must be 0, and what it means when it is not.
struct promise {
  const char* count;
  const char* broken;
};
constexpr std::array<promise, 7> promises{{
    {"SELECT count(*) FROM (SELECT organization, state, count(*) FROM delivery GROUP BY 1, 2"
     " UNION ALL SELECT 0, state, count(*) FROM delivery GROUP BY 2"
     " EXCEPT SELECT organization, state, value FROM counter)",
     "counts of a state differ from the deliveries that are in it"},
    {"SELECT count(*) FROM (SELECT organization, state, value FROM counter WHERE value <> 0"
     " EXCEPT SELECT organization, state, count(*) FROM delivery GROUP BY 1, 2"
     " EXCEPT SELECT 0, state, count(*) FROM delivery GROUP BY 2)",
     "counts are of deliveries that are not there"},
    {"SELECT count(*) FROM delivery WHERE (state IN (0, 2)) <> (due IS NOT NULL)",
     "deliveries wait without a due time, or have one and do not wait"},
    {"SELECT count(*) FROM delivery WHERE (state = 1) <> (lease_owner IS NOT NULL)"
     " OR (lease_owner IS NULL) <> (lease_until IS NULL)",
     "deliveries are being sent without a lease, or are leased without being sent"},
    {"SELECT count(*) FROM delivery AS d WHERE d.event IS NOT NULL"
     " AND NOT EXISTS (SELECT 1 FROM event AS e WHERE e.id = d.event)",
     "deliveries belong to an event that is not there"},
    {"SELECT count(*) FROM delivery AS d JOIN event AS e ON e.id = d.event WHERE d.state <= 3 AND e.payload IS NULL",
     "deliveries wait whose event has no content any more"},
    {"SELECT count(*) FROM delivery AS d WHERE d.superseded_by IS NOT NULL"
     " AND NOT EXISTS (SELECT 1 FROM delivery AS s WHERE s.id = d.superseded_by)",
     "deliveries were taken over by one that is not there"},
}};

void check_pages(sqlite::connection& database, store_check& out) {
  sqlite::statement check(database, "PRAGMA integrity_check(100)");
  auto line = check.query();
  while (line.next()) {
    if (line.text(0) != "ok") out.problems.push_back("SQLite: " + std::string(line.text(0)));
  }
}

// Since version 2: whoever waits on an endpoint has a turn there, and is not looked for too late.
constexpr const char* without_turn =
    "SELECT count(*) FROM (SELECT endpoint, organization, min(due) AS due FROM delivery WHERE due IS NOT NULL"
    " GROUP BY 1, 2) AS d LEFT JOIN waiting AS w ON w.endpoint = d.endpoint AND w.organization = d.organization"
    " WHERE w.endpoint IS NULL OR (w.turn IS NULL AND w.first_due > d.due)";

void check_promises(sqlite::connection& database, store_check& out) {
  if (sqlite::schema_version_of(database) >= 2) {
    const auto lost = database.value_of(without_turn);
    if (lost != 0) out.problems.push_back(std::to_string(lost) + " organizations wait on an endpoint without a turn");
  }
  for (const auto& each : promises) {
    const auto broken = database.value_of(each.count);
    if (broken != 0) out.problems.push_back(std::to_string(broken) + " " + each.broken);
  }
}

void check_payloads(sqlite::connection& database, const std::optional<sealing_key>& key, store_check& out) {
  sqlite::statement all(database, "SELECT id, sensitive, key_id, payload FROM event WHERE payload IS NOT NULL");
  std::uint64_t unreadable = 0;
  auto row = all.query();
  while (row.next()) {
    ++out.payloads;
    const auto text = [&row](int column) {
      const auto blob = row.blob(column);
      return std::string_view(reinterpret_cast<const char*>(blob.data()), blob.size());
    };
    event into;
    if (!row.boolean(1)) {
      unreadable += decode_payload(text(3), into) ? 0 : 1;
    } else if (key && text(2) == key->id()) {
      const auto opened = key->open(text(3), row.integer(0));
      unreadable += opened && decode_payload(*opened, into) ? 0 : 1;
    }
  }
  if (unreadable > 0) out.problems.push_back(std::to_string(unreadable) + " payloads cannot be read");
}

store_check check_all(sqlite::connection& database, const std::optional<sealing_key>& key) {
  store_check out;
  out.events = static_cast<std::uint64_t>(database.value_of("SELECT count(*) FROM event"));
  out.deliveries = static_cast<std::uint64_t>(database.value_of("SELECT count(*) FROM delivery"));
  check_pages(database, out);
  check_promises(database, out);
  check_payloads(database, key, out);
  if (out.problems.size() > most_problems) out.problems.resize(most_problems);
  return out;
}

std::filesystem::path folder_of(const std::filesystem::path& file) {
  return file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
}

// The copy becomes one file that needs no log, and loses what must not leave the host.
store_backup strip(const std::filesystem::path& copy, time_ms now, const std::atomic<bool>& stop) {
  sqlite::connection database(copy);
  database.interrupt_when(stop);
  database.execute(
      "PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = OFF; PRAGMA journal_mode = DELETE;"
      "PRAGMA secure_delete = ON;");
  store_backup out;
  out.left_out = static_cast<std::uint64_t>(
      database.value_of("SELECT count(*) FROM event WHERE sensitive AND payload IS NOT NULL"));
  sqlite::statement erase(database,
                          "UPDATE event SET payload = NULL, key_id = NULL, erased_at = coalesce(erased_at, ?1)"
                          " WHERE sensitive AND payload IS NOT NULL");
  erase.run(now);
  out.events = static_cast<std::uint64_t>(database.value_of("SELECT count(*) FROM event"));
  out.deliveries = static_cast<std::uint64_t>(database.value_of("SELECT count(*) FROM delivery"));
  return out;
}

fault backup_exists(const std::filesystem::path& target) {
  return {"BACKUP_EXISTS", target.string() + " exists already; a backup overwrites nothing.", "Give another name."};
}

}  // namespace

void remove_copy(const std::filesystem::path& copy) {
  std::error_code ignored;
  for (const auto* end : {"", "-journal", "-wal", "-shm"}) {
    std::filesystem::remove(copy.string() + end, ignored);
  }
}

result<store_check> check_store_file(const std::filesystem::path& file, const std::filesystem::path& key_file,
                                     const std::atomic<bool>& stop) {
  auto key = sealing_key::load(key_file);
  if (!key) return key.error();
  try {
    sqlite::connection database(file);
    database.interrupt_when(stop);
    database.execute("PRAGMA locking_mode = EXCLUSIVE; PRAGMA query_only = ON; PRAGMA cell_size_check = ON;");
    return check_all(database, *key);
  } catch (const sqlite::failure& why) {
    if (stop) return cut_short();
    return failed(file, why.what());
  }
}

result<void> may_back_up_to(const std::filesystem::path& target) {
  std::error_code error;
  if (std::filesystem::exists(std::filesystem::symlink_status(target, error))) return backup_exists(target);
  if (!std::filesystem::is_directory(folder_of(target), error)) {
    return fault{"BACKUP_FOLDER_MISSING", folder_of(target).string() + " is no folder.", "Make it first."};
  }
  return {};
}

std::filesystem::path copy_beside(const std::filesystem::path& target) {
  auto copy = target;
  copy += ".part-" + std::to_string(::getpid());
  remove_copy(copy);
  return copy;
}

result<store_backup> finish_backup(const std::filesystem::path& copy, const std::filesystem::path& target, time_ms now,
                                   const std::atomic<bool>& stop) {
  store_backup out;
  try {
    out = strip(copy, now, stop);
  } catch (const sqlite::failure& why) {
    remove_copy(copy);
    if (stop) return cut_short();
    return failed(copy, why.what());
  }
  if (auto synced = sync_file(copy); !synced) {
    remove_copy(copy);
    return synced.error();
  }
  if (::renameat2(AT_FDCWD, copy.c_str(), AT_FDCWD, target.c_str(), RENAME_NOREPLACE) != 0) {
    const int error = errno;
    remove_copy(copy);
    if (error == EEXIST) return backup_exists(target);
    return failed(target, std::strerror(error));
  }
  if (auto synced = sync_folder(folder_of(target)); !synced) return synced.error();
  out.file = target;
  std::error_code ignored;
  out.bytes = std::filesystem::file_size(target, ignored);
  return out;
}

namespace {

// The store's file of a host that does not run, with its lock.
result<state_folder_lock> hold_stopped(const std::filesystem::path& state_dir) {
  const auto file = state_dir / "tocsin.db";
  if (!std::filesystem::exists(file)) {
    return fault{"STORE_MISSING", "There is no store at " + file.string() + ".", "Is this the right configuration?"};
  }
  return state_folder_lock::take(state_dir);
}

}  // namespace

result<store_check> check_stopped_store(const std::filesystem::path& state_dir) {
  const auto lock = hold_stopped(state_dir);
  if (!lock) return lock.error();
  const std::atomic<bool> never{false};
  return check_store_file(state_dir / "tocsin.db", state_dir / "store.key", never);
}

result<store_backup> back_up_stopped_store(const std::filesystem::path& state_dir, const std::filesystem::path& target,
                                           time_ms now) {
  if (auto may = may_back_up_to(target); !may) return may.error();
  const auto lock = hold_stopped(state_dir);
  if (!lock) return lock.error();
  const auto copy = copy_beside(target);
  try {
    sqlite::connection database(state_dir / "tocsin.db");
    database.execute("PRAGMA locking_mode = EXCLUSIVE; PRAGMA query_only = ON;");
    sqlite::copying work(database, copy);
    while (!work.step(-1)) {
    }
  } catch (const sqlite::failure& why) {
    remove_copy(copy);
    return failed(copy, why.what());
  }
  const std::atomic<bool> never{false};
  return finish_backup(copy, target, now, never);
}

}  // namespace tocsin
