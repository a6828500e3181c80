// SQLite's C interface with owners: how its result codes become failures, and its values ours.
#include "core/store/sqlite.hpp"

#include <sqlite3.h>

#include <cerrno>
#include <cstring>

namespace tocsin::sqlite {
namespace {

failure_kind kind_of(int code, int system_error) {
  switch (code & 0xff) {
    case SQLITE_FULL:
      return failure_kind::full;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return failure_kind::damaged;
    case SQLITE_CONSTRAINT:
    case SQLITE_TOOBIG:
    case SQLITE_MISMATCH:
    case SQLITE_RANGE:
    case SQLITE_ERROR:
      return failure_kind::refused;
    case SQLITE_IOERR:
      // A failed sync stays a failure whatever its cause: what it was to keep may be lost.
      return (system_error == ENOSPC || system_error == EDQUOT) && code != SQLITE_IOERR_FSYNC &&
                     code != SQLITE_IOERR_DIR_FSYNC
                 ? failure_kind::full
                 : failure_kind::broken;
    default:
      return failure_kind::broken;
  }
}

int last_error_of(sqlite3_file* file) {
  int error = 0;
  if (file == nullptr || file->pMethods == nullptr ||
      file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &error) != SQLITE_OK) {
    return 0;
  }
  return error;
}

// errno of the call that failed. SQLite itself does not keep it where a COMMIT fails; its files do.
int system_error_of(sqlite3* handle) {
  if (const int error = sqlite3_system_errno(handle); error != 0) return error;
  sqlite3_file* file = nullptr;
  for (const int which : {SQLITE_FCNTL_JOURNAL_POINTER, SQLITE_FCNTL_FILE_POINTER}) {
    if (sqlite3_file_control(handle, "main", which, static_cast<void*>(&file)) != SQLITE_OK) continue;
    if (const int error = last_error_of(file); error != 0) return error;
  }
  return 0;
}

void hash_function(sqlite3_context* context, int, sqlite3_value** values) {
  if (sqlite3_value_type(values[0]) == SQLITE_NULL) return;
  const auto* data = reinterpret_cast<const char*>(sqlite3_value_text(values[0]));
  sqlite3_result_int64(context, text_hash({data, static_cast<std::size_t>(sqlite3_value_bytes(values[0]))}));
}

}  // namespace

// FNV-1a; the sign is folded away.
std::int64_t text_hash(std::string_view text) {
  std::uint64_t hash = 14'695'981'039'346'656'037u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1'099'511'628'211u;
  return static_cast<std::int64_t>(hash >> 1);
}

void connection::closer::operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }

connection::connection(const std::filesystem::path& path) {
  sqlite3* handle = nullptr;
  const int code =
      sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  handle_.reset(handle);
  if (code != SQLITE_OK) {
    fail(code);
  }
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_create_function_v2(handle, "tocsin_hash", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, nullptr,
                             hash_function, nullptr, nullptr, nullptr);
}

void connection::fail(int code) const {
  std::string what = handle_ ? sqlite3_errmsg(handle_.get()) : sqlite3_errstr(code);
  const int extended = handle_ ? sqlite3_extended_errcode(handle_.get()) : code;
  const int primary = extended & 0xff;
  const bool of_system = handle_ && (primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN);
  const int system_error = of_system ? system_error_of(handle_.get()) : 0;
  what += " (SQLite code " + std::to_string(extended);
  if (system_error != 0) {
    what += std::string(": ") + std::strerror(system_error);
  }
  what += ")";
  throw failure(kind_of(extended == SQLITE_OK ? code : extended, system_error), what, system_error);
}

void connection::execute(const char* sql) {
  const int code = sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) {
    fail(code);
  }
}

std::int64_t connection::value_of(const char* sql) {
  statement one(*this, sql);
  rows found = one.query();
  return found.next() ? found.integer(0) : 0;
}

std::string connection::text_of(const char* sql) {
  statement one(*this, sql);
  rows found = one.query();
  return found.next() ? std::string(found.text(0)) : std::string();
}

bool connection::in_transaction() const { return sqlite3_get_autocommit(handle_.get()) == 0; }

void connection::checkpoint() {
  const int code = sqlite3_wal_checkpoint_v2(handle_.get(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  if (code != SQLITE_OK) {
    fail(code);
  }
}

void connection::leave_log_on_close() {
  sqlite3_db_config(handle_.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

void connection::on_commit(void (*seen)(void*, int), void* context) {
  *hook_ = {seen, context};
  sqlite3_wal_hook(
      handle_.get(),
      [](void* hook, sqlite3*, const char*, int frames) {
        const auto* to = static_cast<const commit_hook*>(hook);
        to->seen(to->context, frames);
        return SQLITE_OK;
      },
      hook_.get());
}

void connection::interrupt_when(const std::atomic<bool>& stop) {
  sqlite3_progress_handler(
      handle_.get(), 10'000,
      [](void* flag) { return static_cast<const std::atomic<bool>*>(flag)->load(std::memory_order_relaxed) ? 1 : 0; },
      const_cast<std::atomic<bool>*>(&stop));
}

rows::~rows() {
  if (statement_ != nullptr) {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
  }
}

bool rows::next() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) {
    return true;
  }
  if (code != SQLITE_DONE) {
    connection_->fail(code);
  }
  return false;
}

bool rows::is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

std::int64_t rows::integer(int column) const { return sqlite3_column_int64(statement_, column); }

std::optional<std::int64_t> rows::optional_integer(int column) const {
  return is_null(column) ? std::nullopt : std::optional<std::int64_t>(integer(column));
}

std::string_view rows::text(int column) const {
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  return data == nullptr ? std::string_view()
                         : std::string_view(data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)));
}

bytes rows::blob(int column) const {
  const auto* data = static_cast<const std::byte*>(sqlite3_column_blob(statement_, column));
  return {data, data == nullptr ? 0 : static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

void statement::finalizer::operator()(sqlite3_stmt* handle) const { sqlite3_finalize(handle); }

statement::statement(connection& owner, std::string_view sql) : connection_(&owner) {
  sqlite3_stmt* handle = nullptr;
  const int code = sqlite3_prepare_v3(owner.handle(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &handle, nullptr);
  handle_.reset(handle);
  if (code != SQLITE_OK) {
    owner.fail(code);
  }
}

void statement::bind(int index, std::int64_t value, bool) {
  if (const int code = sqlite3_bind_int64(handle_.get(), index, value); code != SQLITE_OK) {
    connection_->fail(code);
  }
}

void statement::bind(int index, std::string_view value, bool copy) {
  // An empty view may have no address; SQLite would take that for NULL.
  const char* data = value.data() == nullptr ? "" : value.data();
  const int code = sqlite3_bind_text64(handle_.get(), index, data, value.size(),
                                       copy ? SQLITE_TRANSIENT : SQLITE_STATIC, SQLITE_UTF8);
  if (code != SQLITE_OK) {
    connection_->fail(code);
  }
}

void statement::bind(int index, bytes value, bool copy) {
  const void* data = value.data() == nullptr ? static_cast<const void*>("") : value.data();
  const int code =
      sqlite3_bind_blob64(handle_.get(), index, data, value.size(), copy ? SQLITE_TRANSIENT : SQLITE_STATIC);
  if (code != SQLITE_OK) {
    connection_->fail(code);
  }
}

void statement::bind(int index, std::nullopt_t, bool) {
  if (const int code = sqlite3_bind_null(handle_.get(), index); code != SQLITE_OK) {
    connection_->fail(code);
  }
}

void statement::run_with(const rows& row) {
  for (int column = 0; column < sqlite3_column_count(row.statement_); ++column) {
    const int code = sqlite3_bind_value(handle_.get(), column + 1, sqlite3_column_value(row.statement_, column));
    if (code != SQLITE_OK) {
      connection_->fail(code);
    }
  }
  finish();
}

void statement::finish() {
  rows all(*connection_, handle_.get());
  while (all.next()) {
  }
}

}  // namespace tocsin::sqlite
