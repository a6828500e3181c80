// A copy of an open database, a bounded number of pages a step.
#include "core/store/copying.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

namespace tocsin::sqlite {

copying::copying(connection& from, const std::filesystem::path& to) {
  const int made = ::open(to.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (made < 0) throw failure(failure_kind::refused, to.string() + " cannot be made: " + std::strerror(errno));
  ::close(made);
  to_ = std::make_unique<connection>(to);
  // Whoever asked for it syncs it once at its end.
  to_->execute("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE;");
  backup_ = sqlite3_backup_init(to_->handle(), "main", from.handle(), "main");
  if (backup_ == nullptr) to_->fail(sqlite3_errcode(to_->handle()));
}

copying::~copying() {
  if (backup_ != nullptr) sqlite3_backup_finish(backup_);
}

bool copying::step(int pages) {
  const int code = sqlite3_backup_step(backup_, pages);
  if (code == SQLITE_OK || code == SQLITE_BUSY || code == SQLITE_LOCKED) return false;
  const int ended = sqlite3_backup_finish(std::exchange(backup_, nullptr));
  if (code != SQLITE_DONE) fail(code);
  if (ended != SQLITE_OK) fail(ended);
  to_.reset();
  return true;
}

void copying::fail(int code) { throw failure(failure_kind::refused, std::string("copying: ") + sqlite3_errstr(code)); }

}  // namespace tocsin::sqlite
