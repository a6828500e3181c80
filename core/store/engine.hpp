// The store's one thread: takes all calls that wait, carries them out in one transaction, answers after the commit.
#pragma once

#include "core/model/fault.hpp"
#include "core/store/tables.hpp"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

namespace tocsin {

// A call that waits. [store thread, but for its making]
class store_call {
 public:
  virtual ~store_call() = default;
  // Within a transaction; may be done again after a rollback. False: it goes on in the next transaction.
  virtual bool carry_out(tables& in) = 0;
  virtual void rolled_back() {}
  virtual void committed_unfinished() {}
  virtual void file_closes() {}  // what it holds of the open file goes now
  virtual void answer() = 0;
  virtual void answer(const fault& why) = 0;

  bool writes = false;
  std::size_t weight = 1;  // how much of a transaction it fills

 private:
  friend class store_engine;
  bool finished_ = false;
  std::optional<fault> refused_;
};

class store_engine {
 public:
  using database_ptr = std::unique_ptr<sqlite::connection>;

  // The database is open and up to date; the key outlives this. save: called on the store's thread, with the database
  // closed, when the file turns out to be damaged: opens what can be saved of it.
  store_engine(std::filesystem::path file, database_ptr database, const sealing_key& key, std::int64_t owner,
               std::function<result<database_ptr>()> save,
               std::function<void(std::size_t, std::chrono::nanoseconds)> committed);
  ~store_engine();

  // Answers at once if the engine is closed. [any thread]
  void add(std::unique_ptr<store_call> call);
  // Carries out what was added before, then ends the thread. [any thread but the store's]
  void close();

 private:
  using calls = std::vector<std::unique_ptr<store_call>>;

  void run();
  void run_transaction(std::span<const std::unique_ptr<store_call>> batch);
  bool try_transaction(std::span<const std::unique_ptr<store_call>> batch);  // false: once more
  void commit(std::span<const std::unique_ptr<store_call>> batch);
  bool recover_from(const sqlite::failure& why, store_call* culprit,
                    std::span<const std::unique_ptr<store_call>> batch);
  void tell_full();
  void roll_back();
  void checkpoint();
  void end();
  void break_down(const std::string& why);
  void begin_session(database_ptr database);
  bool heal(const std::string& why);
  void answer_all(std::span<const std::unique_ptr<store_call>> batch);

  // The open file, and all that is prepared for it.
  struct session {
    database_ptr database;
    tables in;
    sqlite::statement begin, commit, rollback;
  };

  const std::filesystem::path file_;
  const std::function<void(std::size_t, std::chrono::nanoseconds)> committed_;  // as commit_observer
  const sealing_key& key_;
  const std::int64_t owner_;
  const std::function<result<database_ptr>()> save_;
  std::unique_ptr<session> session_;  // null: the store has broken down at its damage
  calls taken_;                       // [store thread] what is carried out, in its order
  bool healed_ = false;               // within this transaction: a second time would be in vain
  std::optional<fault> broken_;       // from then on nothing is written and every call is answered with it
  int frames_ = 0;                    // in the write-ahead log
  std::optional<std::chrono::steady_clock::time_point> full_told_;  // when the log had a line about it

  std::mutex mutex_;
  std::condition_variable wake_;
  calls waiting_;
  bool closing_ = false;

  std::mutex closing_mutex_;
  std::thread thread_;
};

}  // namespace tocsin
