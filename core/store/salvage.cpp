// Reads a damaged store row by row: along its tables from both ends, and along every index.
#include "core/store/salvage.hpp"

#include "core/model/timestamp.hpp"
#include "core/store/schema.hpp"
#include "core/store/state_folder.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <vector>

namespace tocsin::sqlite {
namespace {

namespace fs = std::filesystem;

fs::path beside(const fs::path& file, const char* suffix) {
  fs::path made = file;
  made += suffix;
  return made;
}

fs::path log_of(const fs::path& file) { return beside(file, "-wal"); }
fs::path note_of(const fs::path& file) { return beside(file, ".damaged"); }
fs::path new_of(const fs::path& file) { return beside(file, ".salvaged"); }  // whole, and on the disk
fs::path unfinished_of(const fs::path& file) { return beside(file, ".salvaging"); }

bool is_there(const fs::path& file) {
  std::error_code ignored;
  return fs::exists(fs::symlink_status(file, ignored));
}

fault failed(const fs::path& file, const std::string& why) {
  return {"STORE_FAILED",
          "The store " + file.string() + " is damaged, and what can be read of it cannot be saved: " + why + ".",
          "Make room on its disk for a second copy of it, or put a backup in its place; then start the host again.",
          {file.string(), 0, 0, {}}};
}

// A table that is not made of others.
struct table {
  std::string name;
  std::string key;  // columns of its primary key
  std::string insert;
  bool has_rowid = true;
  std::vector<std::string> walks;  // statements that give the numbers of its rows, each along another way
};

// "... WHERE state <> 4" of a partial index: a query may use it only if it says the same.
std::string condition_of(const std::string& index_sql) {
  const auto at = index_sql.rfind(" WHERE ");
  return at == std::string::npos ? std::string() : index_sql.substr(at);
}

std::vector<std::string> walks_of(connection& fresh, const std::string& name) {
  std::vector<std::string> walks{"SELECT rowid FROM " + name + " NOT INDEXED ORDER BY rowid",
                                 "SELECT rowid FROM " + name + " NOT INDEXED ORDER BY rowid DESC"};
  statement indexes(fresh, "SELECT name, coalesce(sql, '') FROM sqlite_schema WHERE type = 'index' AND tbl_name = ?1");
  auto found = indexes.query(name);
  while (found.next()) {
    std::string walk = "SELECT rowid FROM " + name + " INDEXED BY ";
    walk += found.text(0);
    walks.push_back(walk + condition_of(std::string(found.text(1))));
  }
  return walks;
}

void describe(connection& fresh, table& one) {
  statement columns(fresh, "SELECT name, pk FROM pragma_table_info(?1) ORDER BY pk, cid");
  auto found = columns.query(one.name);
  std::string values;
  while (found.next()) {
    values += values.empty() ? "?" : ", ?";
    if (!found.boolean(1)) continue;
    one.key += one.key.empty() ? "" : ", ";
    one.key += found.text(0);
  }
  one.insert = "INSERT OR IGNORE INTO " + one.name + " VALUES (" + values + ")";
  if (one.has_rowid) one.walks = walks_of(fresh, one.name);
}

bool is_derived(std::string_view name) { return name == "counter" || name == "waiting"; }

std::vector<table> tables_of(connection& fresh) {
  std::vector<table> all;
  statement list(fresh,
                 "SELECT name, wr FROM pragma_table_list WHERE schema = 'main' AND type = 'table'"
                 " AND name NOT LIKE 'sqlite_%' ORDER BY wr");
  auto found = list.query();
  while (found.next()) {
    table one;
    one.name = found.text(0);
    one.has_rowid = !found.boolean(1);
    if (!is_derived(one.name)) all.push_back(std::move(one));
  }
  for (table& one : all) describe(fresh, one);
  return all;
}

// False: what it was to read is damaged, or is nothing that a store can hold.
template <class Reading>
bool readable(Reading reading) {
  try {
    reading();
    return true;
  } catch (const failure& why) {
    if (why.kind() != failure_kind::damaged && why.kind() != failure_kind::refused) throw;
    return false;
  }
}

// Two connections, since one that has met damage writes nothing more.
class copying {
 public:
  copying(connection& from, connection& to) : from_(from), to_(to) {}

  // The rows that an index knows of and that cannot be read.
  std::uint64_t copy(const table& what) {
    if (!what.has_rowid) {
      copy_by_key(what);
      return 0;
    }
    std::set<std::int64_t> lost;
    const bool whole = walk_along(what, what.walks.front(), lost);
    if (whole && lost.empty()) return 0;
    for (const std::string& walk : what.walks) walk_along(what, walk, lost);
    return lost.size();
  }

 private:
  // True: to its end.
  bool walk_along(const table& what, const std::string& walk, std::set<std::int64_t>& lost) {
    statement is_there(to_, "SELECT 1 FROM " + what.name + " WHERE rowid = ?1");
    statement write(to_, what.insert);
    return readable([&] {
      statement numbers(from_, walk);
      statement read(from_, "SELECT * FROM " + what.name + " NOT INDEXED WHERE rowid = ?1");
      auto number = numbers.query();
      while (number.next()) {
        const auto id = number.integer(0);
        if (is_there.query(id).next()) continue;
        const bool copied = readable([&] {
          auto row = read.query(id);
          if (row.next()) write.run_with(row);
        });
        if (!copied) lost.insert(id);
      }
    });
  }

  // A table without row numbers is a tree of its own: as much of it as can be had from either end.
  void copy_by_key(const table& what) {
    const std::string all = "SELECT * FROM " + what.name + " ORDER BY ";
    if (copy_rows(what, all + what.key)) return;
    std::string backwards = what.key + " DESC";
    for (std::size_t at = 0; (at = backwards.find(", ", at)) != std::string::npos; at += 7)
      backwards.insert(at, " DESC");
    copy_rows(what, all + backwards);
    if (what.name != "attempt") return;
    statement deliveries(to_, "SELECT id FROM delivery");
    auto found = deliveries.query();
    while (found.next()) copy_rows(what, "SELECT * FROM attempt WHERE delivery = " + std::to_string(found.integer(0)));
  }

  bool copy_rows(const table& what, const std::string& query) {
    statement write(to_, what.insert);
    return readable([&] {
      statement read(from_, query);
      auto row = read.query();
      while (row.next()) write.run_with(row);
    });
  }

  connection& from_;
  connection& to_;
};

// Rows that name what was lost get a name that says so; a delivery on a channel that nobody knows waits and is seen.
constexpr const char* fill_gaps =
    "INSERT INTO name (id, text)"
    " SELECT id, 'lost-' || id FROM (SELECT organization AS id FROM event UNION SELECT organization FROM "
    "delivery"
    " UNION SELECT route FROM delivery UNION SELECT template FROM delivery"
    " UNION SELECT language FROM delivery UNION SELECT channel FROM endpoint"
    " UNION SELECT organization FROM endpoint"
    " UNION SELECT organization FROM token WHERE organization IS NOT NULL UNION SELECT organization FROM setting"
    " UNION SELECT organization FROM secret UNION SELECT organization FROM silence) WHERE id NOT IN (SELECT id FROM "
    "name);"
    "INSERT OR IGNORE INTO name (text)"
    " SELECT DISTINCT 'lost-endpoint-' || endpoint FROM delivery"
    " WHERE endpoint NOT IN (SELECT id FROM endpoint);"
    "INSERT OR IGNORE INTO endpoint (id, channel, organization)"
    " SELECT d.endpoint, n.id, d.organization FROM delivery AS d"
    " JOIN name AS n ON n.text = 'lost-endpoint-' || d.endpoint"
    " WHERE d.endpoint NOT IN (SELECT id FROM endpoint) GROUP BY d.endpoint;"
    "DELETE FROM pause WHERE endpoint NOT IN (SELECT id FROM endpoint);";

constexpr const char* count_anew =
    "INSERT INTO counter (organization, state, value)"
    " SELECT organization, state, count(*) FROM delivery GROUP BY organization, state;"
    "INSERT INTO counter (organization, state, value)"
    " SELECT 0, state, count(*) FROM delivery GROUP BY state;";

// From the second version on.
constexpr const char* queue_anew =
    "INSERT INTO waiting (endpoint, organization, first_due)"
    " SELECT endpoint, organization, min(due) FROM delivery WHERE due IS NOT NULL GROUP BY endpoint, organization;";

void copy_all(const fs::path& damaged, connection& to, salvage_report& report) {
  connection from(damaged);
  from.leave_log_on_close();  // it is left as it is
  // Nothing is written there; but where the schema may be, a file that is shorter than it says is read all the same.
  sqlite3_db_config(from.handle(), SQLITE_DBCONFIG_DEFENSIVE, 0, nullptr);
  from.execute("PRAGMA locking_mode = EXCLUSIVE; PRAGMA writable_schema = ON; PRAGMA query_only = ON;");
  static_cast<void>(from.value_of("SELECT count(*) FROM sqlite_schema"));  // without it no table can be found
  const auto version = schema_version_of(from);
  if (version > schema_version() && from.value_of("PRAGMA application_id") == application_id)
    throw failure(failure_kind::refused, "a newer Tocsin wrote it");
  if (version < 1 || version > schema_version())
    throw failure(failure_kind::damaged, "its version is " + std::to_string(version));
  migrate(to, version);
  to.execute("BEGIN");
  copying copy(from, to);
  for (const table& one : tables_of(to)) report.lost_rows += copy.copy(one);
  to.execute(fill_gaps);
  to.execute(count_anew);
  if (version >= 2) to.execute(queue_anew);
  to.execute("COMMIT");
  report.events = static_cast<std::uint64_t>(to.value_of("SELECT count(*) FROM event"));
  report.deliveries = static_cast<std::uint64_t>(to.value_of("SELECT count(*) FROM delivery"));
}

// A new store with all that can be read; an empty one where nothing can.
void make_new(const fs::path& damaged, const fs::path& made, salvage_report& report) {
  connection to(made);
  to.execute("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY;");
  try {
    copy_all(damaged, to, report);
  } catch (const failure& why) {
    if (why.kind() != failure_kind::damaged) throw;
    if (to.in_transaction()) to.execute("ROLLBACK");
    report.lost_rows = 0;
    report.unreadable = why.what();
  }
}

result<void> move(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::rename(from, to, error);
  if (error) return failed(from, error.message());
  return {};
}

fs::path name_aside(const fs::path& file) {
  const auto at =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch());
  std::string time = to_rfc3339(at.count());
  std::erase_if(time, [](char c) { return c == ':' || c == '-'; });
  return beside(file, (".damaged-" + time).c_str());
}

// The last name to change is that of the new store: until it has, finish_exchange() goes on from here.
result<void> exchange(const fs::path& file, const fs::path& aside) {
  const auto folder = file.parent_path();
  if (auto named = move(unfinished_of(file), new_of(file)); !named) return named;
  if (auto moved = move(file, aside); !moved) return moved;
  if (is_there(log_of(file))) {
    if (auto moved = move(log_of(file), log_of(aside)); !moved) return moved;
  }
  if (auto moved = move(new_of(file), file); !moved) return moved;
  if (auto synced = sync_folder(folder); !synced) return synced;
  std::error_code ignored;
  fs::remove(note_of(file), ignored);
  return {};
}

}  // namespace

void note_damage(const fs::path& file) { static_cast<void>(make_private_file(note_of(file))); }

bool is_noted_as_damaged(const fs::path& file) { return is_there(note_of(file)); }

result<void> finish_exchange(const fs::path& file) {
  if (is_there(file) || !is_there(new_of(file))) return {};
  const auto aside = name_aside(file);
  if (is_there(log_of(file))) {
    if (auto moved = move(log_of(file), log_of(aside)); !moved) return moved;
  }
  if (auto moved = move(new_of(file), file); !moved) return moved;
  std::error_code ignored;
  fs::remove(note_of(file), ignored);
  return sync_folder(file.parent_path());
}

result<salvage_report> salvage(const fs::path& file) {
  const auto made = unfinished_of(file);
  std::error_code ignored;
  fs::remove(made, ignored);
  fs::remove(new_of(file), ignored);
  salvage_report report;
  report.set_aside = name_aside(file);
  try {
    if (auto empty = make_private_file(made); !empty) return empty.error();
    if (fs::file_size(file, ignored) == 0) {
      report.unreadable = "the file is empty, and was in use";  // SQLite would throw its log away
    } else {
      make_new(file, made, report);
    }
  } catch (const failure& why) {
    fs::remove(made, ignored);
    return failed(file, why.what());
  }
  if (auto synced = sync_file(made); !synced) return synced.error();
  if (auto exchanged = exchange(file, report.set_aside); !exchanged) return exchanged.error();
  return report;
}

}  // namespace tocsin::sqlite
