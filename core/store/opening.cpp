// Opens a store's file for a run: brought up to date, saved where it is damaged, and with the key that it needs.
#include "core/store/opening.hpp"

#include "core/model/hex.hpp"
#include "core/observe/log.hpp"
#include "core/store/salvage.hpp"
#include "core/store/schema.hpp"
#include "core/store/state_folder.hpp"

#include <span>
#include <system_error>
#include <utility>

namespace tocsin {
namespace {

constexpr const char* replace_it = "Put a backup in its place, or move the file away to begin with an empty store.";

fault cannot_open(const std::filesystem::path& file, const std::string& why, const char* remedy = replace_it) {
  return fault{"STORE_FAILED",
               "The store " + file.string() + " cannot be opened: " + why + ".",
               remedy,
               {file.string(), 0, 0, {}}};
}

// Where the disk is at fault the file may well be whole: nobody should be told to put it away.
const char* remedy_for(const sqlite::failure& why) {
  if (why.kind() == sqlite::failure_kind::full) return "Make space on its disk, then start the host again.";
  if (why.system_error() != 0) return "Check the disk and its rights, then start the host again.";
  return replace_it;
}

result<void> check_header(sqlite::connection& database, const std::filesystem::path& file) {
  const auto version = sqlite::schema_version_of(database);
  const auto application = database.value_of("PRAGMA application_id");
  const bool is_new = database.value_of("SELECT count(*) FROM sqlite_schema") == 0;
  if (!is_new && application != sqlite::application_id) {
    return cannot_open(file, "it is a database, but none of Tocsin's");
  }
  if (version > sqlite::schema_version()) {
    return fault{"STORE_VERSION",
                 "The store " + file.string() + " was written by a newer Tocsin: its version is " +
                     std::to_string(version) + ", this one knows up to " + std::to_string(sqlite::schema_version()) +
                     ".",
                 "Run that newer version, or put back a backup from before it.",
                 {file.string(), 0, 0, {}}};
  }
  return {};
}

// The owner's number is another one in each run, so that a lease tells which run took it.
std::int64_t begin_run(sqlite::connection& database, const std::string& message_host) {
  sqlite::statement keep_host(database,
                              "INSERT INTO meta (name, value) VALUES ('message_host', ?1) ON CONFLICT DO NOTHING");
  keep_host.run(message_host);
  database.execute(
      "INSERT INTO meta (name, value) VALUES ('owner', '1') ON CONFLICT DO UPDATE SET"
      " value = CAST(CAST(value AS INTEGER) + 1 AS TEXT)");
  return database.value_of("SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'owner'");
}

void note_key(sqlite::connection& database, const std::string& id) {
  sqlite::statement keep(database,
                         "INSERT INTO meta (name, value) VALUES ('key', ?1)"
                         " ON CONFLICT DO UPDATE SET value = excluded.value");
  keep.run(to_hex(std::as_bytes(std::span(id))));
}

// Sensitive events that wait and were sealed with another key than this one (empty: there is no key) could never be
// sent. Whoever has lost that key says so with a file, and they end as RENDER_FAILED.
result<void> check_key(sqlite::connection& database, const std::string& id, const std::filesystem::path& key_file) {
  const auto key_id = sqlite::bytes(reinterpret_cast<const std::byte*>(id.data()), id.size());
  // The key that was there at the last start seals all that waits: nothing to look through.
  if (!id.empty() &&
      database.text_of("SELECT value FROM meta WHERE name = 'key'") == to_hex(std::as_bytes(std::span(id))))
    return {};
  // What waits, or is under way, is few beside what is kept: the deliveries lead, and not the events.
  constexpr const char* waiting =
      "SELECT (SELECT count(*) FROM delivery AS d INDEXED BY delivery_by_state CROSS JOIN event AS e ON e.id = d.event"
      " WHERE d.state < 4 AND d.state NOT IN (1, 4) AND d.sensitive AND e.key_id <> ?1)"
      " + (SELECT count(*) FROM delivery AS d INDEXED BY delivery_leased CROSS JOIN event AS e ON e.id = d.event"
      " WHERE d.lease_until IS NOT NULL AND d.sensitive AND e.key_id <> ?1)";
  std::int64_t lost = 0;
  {
    sqlite::statement count(database, waiting);
    auto found = count.query(key_id);
    if (found.next()) lost = found.integer(0);
  }
  if (lost == 0) return {};
  auto given_up = key_file;
  given_up += ".lost";
  std::error_code error;
  if (std::filesystem::remove(given_up, error)) {
    log::write(log::level::warn, "sensitive deliveries are given up with the key that sealed them",
               {{"deliveries", std::to_string(lost)}, {"key", key_file.string()}});
    return {};
  }
  return fault{"STORE_KEY_LOST",
               "The store's key " + key_file.string() + (id.empty() ? " is missing" : " is another one") + ", and " +
                   std::to_string(lost) + " deliveries of sensitive events wait that only the earlier key can read.",
               "Put the key back from a backup. If it is lost for good, make an empty file " + given_up.string() +
                   ": the next start gives these deliveries up as RENDER_FAILED, and goes on with the key that is "
                   "there or a new one.",
               {key_file.string(), 0, 0, {}}};
}

// Keeps every other process out while the host runs, and the log's index in memory instead of a file; for that it comes
// before the first look at the file.
constexpr const char* sole_connection = "PRAGMA locking_mode = EXCLUSIVE;";

constexpr const char* settings_of_connection =
    "PRAGMA journal_mode = WAL;"
    "PRAGMA synchronous = FULL;"
    "PRAGMA wal_autocheckpoint = 0;"
    "PRAGMA journal_size_limit = 67108864;"
    "PRAGMA temp_store = MEMORY;"
    "PRAGMA cache_size = -8192;"
    "PRAGMA secure_delete = ON;"
    "PRAGMA cell_size_check = ON;";

// Open and up to date. Throws failure.
result<std::unique_ptr<sqlite::connection>> open_database(const std::filesystem::path& file) {
  auto database = std::make_unique<sqlite::connection>(file);
  database->execute(sole_connection);
  if (auto checked = check_header(*database, file); !checked) {
    return checked.error();
  }
  database->execute(settings_of_connection);
  if (const auto mode = database->text_of("PRAGMA journal_mode"); mode != "wal") {
    return cannot_open(file, "this file system allows no write-ahead log (journal mode " + mode + ")");
  }
  sqlite::migrate(*database);
  return database;
}

void report(const std::filesystem::path& file, const sqlite::salvage_report& saved) {
  if (!saved.unreadable.empty()) {
    log::write(log::level::error, "nothing could be read of the damaged store; an empty one takes its place",
               {{"file", file.string()},
                {"why", saved.unreadable},
                {"set_aside", saved.set_aside.string()},
                {"remedy", "what waited in it is lost unless a backup is put in its place"}});
    return;
  }
  log::write(log::level::error, "a damaged store was replaced by what could be read of it",
             {{"file", file.string()},
              {"events", std::to_string(saved.events)},
              {"deliveries", std::to_string(saved.deliveries)},
              {"lost_rows", std::to_string(saved.lost_rows)},
              {"set_aside", saved.set_aside.string()}});
}

// was_used: a host has written to it before.
result<std::unique_ptr<sqlite::connection>> open_or_save(const std::filesystem::path& file, bool was_used) {
  if (auto finished = sqlite::finish_exchange(file); !finished) return finished.error();
  std::error_code error;
  const bool emptied = was_used && std::filesystem::file_size(file, error) == 0 && !error;
  if (auto made = make_private_file(file); !made) return made.error();
  if (emptied || sqlite::is_noted_as_damaged(file)) return save_store_file(file);
  return open_database(file);
}

// Ready for this run; makes the key of a new store. Throws failure.
result<opened_store_file> open_for_run(const std::filesystem::path& file, std::optional<sealing_key>& key,
                                       const std::string& message_host) {
  auto database = open_or_save(file, key.has_value());
  if (!database) return database.error();
  const auto key_file = file.parent_path() / "store.key";
  if (auto readable = check_key(**database, key ? key->id() : std::string(), key_file); !readable) {
    return readable.error();
  }
  if (!key) {
    auto made = sealing_key::make(key_file);
    if (!made) return made.error();
    key.emplace(std::move(*made));
  }
  note_key(**database, key->id());
  const auto owner = begin_run(**database, message_host);
  if (auto synced = sync_folder(file.parent_path()); !synced) {
    return synced.error();
  }
  return opened_store_file{std::move(*database), owner};
}

}  // namespace

result<std::unique_ptr<sqlite::connection>> save_store_file(const std::filesystem::path& file) {
  auto saved = sqlite::salvage(file);
  if (!saved) return saved.error();
  report(file, *saved);
  return open_database(file);
}

fault cannot_open_store(const std::filesystem::path& file, const sqlite::failure& why) {
  return cannot_open(file, why.what(), remedy_for(why));
}

result<opened_store_file> open_store_file(const std::filesystem::path& file, std::optional<sealing_key>& key,
                                          const std::string& message_host) {
  for (bool again = false;; again = true) {
    try {
      return open_for_run(file, key, message_host);
    } catch (const sqlite::failure& why) {
      if (again || why.kind() != sqlite::failure_kind::damaged) return cannot_open_store(file, why);
      log::write(log::level::error, "the store is damaged; what can be read of it is saved",
                 {{"file", file.string()}, {"cause", why.what()}});
      sqlite::note_damage(file);
    }
  }
}

}  // namespace tocsin
