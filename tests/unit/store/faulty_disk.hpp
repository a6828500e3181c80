// A file system for SQLite that fails when a test says so: it stands before the real one.
#pragma once

#include <sqlite3.h>

#include <atomic>
#include <cerrno>
#include <cstring>

namespace tocsin::test {

class faulty_disk {
 public:
  static inline std::atomic<bool> full = false;        // no write finds space
  static inline std::atomic<bool> sync_fails = false;  // what was written may never reach the disk
  static inline std::atomic<int> writes = 0;
  static inline std::atomic<int> syncs = 0;

  // SQLite's default from now on, for this process.
  static void install() {
    full = sync_fails = false;
    static sqlite3_vfs vfs = make_vfs();
    sqlite3_vfs_register(&vfs, 1);
  }

 private:
  struct file {
    sqlite3_file base;
    sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
  };
  static file* of(sqlite3_file* base) { return reinterpret_cast<file*>(base); }
  static inline sqlite3_vfs* real_ = nullptr;

  static sqlite3_vfs make_vfs() {
    real_ = sqlite3_vfs_find(nullptr);
    sqlite3_vfs vfs = *real_;
    vfs.zName = "faulty";
    vfs.szOsFile = static_cast<int>(sizeof(file)) + real_->szOsFile;
    vfs.xOpen = [](sqlite3_vfs*, const char* name, sqlite3_file* base, int flags, int* out) {
      std::memset(base, 0, sizeof(file));
      const int code = real_->xOpen(real_, name, of(base)->real(), flags, out);
      if (code == SQLITE_OK) base->pMethods = &methods;
      return code;
    };
    return vfs;
  }

  static inline const sqlite3_io_methods methods = {
      1,
      [](sqlite3_file* f) { return of(f)->real()->pMethods->xClose(of(f)->real()); },
      [](sqlite3_file* f, void* to, int size, sqlite3_int64 at) {
        return of(f)->real()->pMethods->xRead(of(f)->real(), to, size, at);
      },
      [](sqlite3_file* f, const void* from, int size, sqlite3_int64 at) {
        ++writes;
        return full ? SQLITE_FULL : of(f)->real()->pMethods->xWrite(of(f)->real(), from, size, at);
      },
      [](sqlite3_file* f, sqlite3_int64 size) { return of(f)->real()->pMethods->xTruncate(of(f)->real(), size); },
      [](sqlite3_file* f, int flags) {
        ++syncs;
        return sync_fails ? SQLITE_IOERR_FSYNC : of(f)->real()->pMethods->xSync(of(f)->real(), flags);
      },
      [](sqlite3_file* f, sqlite3_int64* size) { return of(f)->real()->pMethods->xFileSize(of(f)->real(), size); },
      [](sqlite3_file* f, int how) { return of(f)->real()->pMethods->xLock(of(f)->real(), how); },
      [](sqlite3_file* f, int how) { return of(f)->real()->pMethods->xUnlock(of(f)->real(), how); },
      [](sqlite3_file* f, int* out) { return of(f)->real()->pMethods->xCheckReservedLock(of(f)->real(), out); },
      [](sqlite3_file* f, int what, void* with) {
        return of(f)->real()->pMethods->xFileControl(of(f)->real(), what, with);
      },
      [](sqlite3_file* f) { return of(f)->real()->pMethods->xSectorSize(of(f)->real()); },
      [](sqlite3_file* f) { return of(f)->real()->pMethods->xDeviceCharacteristics(of(f)->real()); },
      nullptr,
      nullptr,
      nullptr,
      nullptr,
      nullptr,
      nullptr,
  };
};

}  // namespace tocsin::test
