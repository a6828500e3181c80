// SQLite's C interface with owners: a connection, prepared statements, and a failure that carries SQLite's own words.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace tocsin::sqlite {

using bytes = std::span<const std::byte>;

enum class failure_kind {
  refused,  // this statement cannot be carried out (a constraint, a size); the connection is as good as before
  full,     // no space is left
  broken,   // I/O failed
  damaged,  // the file holds what nobody wrote
};

class failure : public std::runtime_error {
 public:
  failure(failure_kind kind, const std::string& what, int system_error = 0)
      : std::runtime_error(what), kind_(kind), system_error_(system_error) {}
  failure_kind kind() const { return kind_; }
  int system_error() const { return system_error_; }  // errno of the call that failed; 0: none did, or it is not known

 private:
  failure_kind kind_;
  int system_error_;
};

// Stored: it never changes. In SQL: tocsin_hash(TEXT).
std::int64_t text_hash(std::string_view text);

class connection {
 public:
  // Opens path for one thread at a time; makes the file if it is missing.
  explicit connection(const std::filesystem::path& path);

  // One or several statements without values.
  void execute(const char* sql);
  std::int64_t value_of(const char* sql);  // the first column of the first row; 0: there is none
  std::string text_of(const char* sql);
  bool in_transaction() const;
  // Bring the write-ahead log into the file. Throws failure.
  void checkpoint();
  // From now on closing writes nothing: for a connection that is broken.
  void leave_log_on_close();
  // Calls seen(frames in the log) after each commit that wrote.
  void on_commit(void (*seen)(void* context, int frames), void* context);

  // Statements that run end with a failure once stop is true; it outlives this.
  void interrupt_when(const std::atomic<bool>& stop);

  sqlite3* handle() const { return handle_.get(); }
  [[noreturn]] void fail(int code) const;

 private:
  struct closer {
    void operator()(sqlite3* handle) const;
  };
  struct commit_hook {
    void (*seen)(void*, int) = nullptr;
    void* context = nullptr;
  };
  std::unique_ptr<sqlite3, closer> handle_;
  std::unique_ptr<commit_hook> hook_ = std::make_unique<commit_hook>();
};

// A row at a time of a running statement; gives the statement back when it goes.
class rows {
 public:
  rows(connection& owner, sqlite3_stmt* statement) : connection_(&owner), statement_(statement) {}
  rows(rows&& other) noexcept : connection_(other.connection_), statement_(other.statement_) {
    other.statement_ = nullptr;
  }
  rows(const rows&) = delete;
  rows& operator=(const rows&) = delete;
  ~rows();

  bool next();  // false: no more
  bool is_null(int column) const;
  std::int64_t integer(int column) const;  // 0 for NULL
  bool boolean(int column) const { return integer(column) != 0; }
  std::optional<std::int64_t> optional_integer(int column) const;
  std::string_view text(int column) const;  // empty for NULL; until the next row
  bytes blob(int column) const;

 private:
  friend class statement;
  connection* connection_;
  sqlite3_stmt* statement_;
};

// A prepared statement. Values are bound in the order of ?1, ?2 ...
class statement {
 public:
  statement(connection& owner, std::string_view sql);

  // Run to the end; rows are thrown away.
  template <class... Values>
  void run(const Values&... values) {
    bind_all(false, values...);
    finish();
  }
  // With the columns of another statement's row as its values, whatever their types.
  void run_with(const rows& row);
  // Run row by row. Texts are copied.
  template <class... Values>
  rows query(const Values&... values) {
    bind_all(true, values...);
    return rows(*connection_, handle_.get());
  }

 private:
  struct finalizer {
    void operator()(sqlite3_stmt* handle) const;
  };
  template <class... Values>
  void bind_all([[maybe_unused]] bool copy, const Values&... values) {
    [[maybe_unused]] int index = 0;
    (bind(++index, values, copy), ...);
  }
  void bind(int index, std::int64_t value, bool copy);
  void bind(int index, int value, bool copy) { bind(index, static_cast<std::int64_t>(value), copy); }
  void bind(int index, bool value, bool copy) { bind(index, static_cast<std::int64_t>(value), copy); }
  void bind(int index, std::string_view value, bool copy);
  void bind(int index, const std::string& value, bool copy) { bind(index, std::string_view(value), copy); }
  void bind(int index, const char* value, bool copy) { bind(index, std::string_view(value), copy); }
  void bind(int index, bytes value, bool copy);
  void bind(int index, std::nullopt_t value, bool copy);
  template <class T>
  void bind(int index, const std::optional<T>& value, bool copy) {
    if (value) {
      bind(index, *value, copy);
    } else {
      bind(index, std::nullopt, copy);
    }
  }
  void finish();

  connection* connection_;
  std::unique_ptr<sqlite3_stmt, finalizer> handle_;
};

}  // namespace tocsin::sqlite
