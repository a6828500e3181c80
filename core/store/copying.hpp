// A copy of an open database, a bounded number of pages a step: between two steps its connection goes on writing, and
// what it writes is in the copy, too.
#pragma once

#include "core/store/sqlite.hpp"

#include <filesystem>
#include <memory>

struct sqlite3_backup;

namespace tocsin::sqlite {

class copying {
 public:
  // to must not exist; it is made with mode 0600. Throws failure.
  copying(connection& from, const std::filesystem::path& to);
  ~copying();
  copying(const copying&) = delete;
  copying& operator=(const copying&) = delete;

  // True: the copy is complete, and closed. Whoever is within a transaction that has written makes no headway. Throws
  // failure.
  bool step(int pages);

 private:
  void fail(int code);

  std::unique_ptr<connection> to_;
  sqlite3_backup* backup_ = nullptr;
};

}  // namespace tocsin::sqlite
