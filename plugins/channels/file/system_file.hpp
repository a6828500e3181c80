// Files and folders of the system, with their failures as `trouble`.
#pragma once

#include "plugins/channels/file/trouble.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <string>
#include <string_view>
#include <utility>

namespace tocsin::file {

// An open file or folder, closed with its owner.
class descriptor {
 public:
  descriptor() = default;
  explicit descriptor(int number) : number_(number) {}
  descriptor(descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~descriptor();

  int get() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }

 private:
  int number_ = -1;
};

[[noreturn]] void fail(int error, const std::string& what);

// "/var/spool/alerts" -> "/var/spool"
std::string folder_of(const std::string& path);

// The folder that path is in, which must be there.
descriptor open_parent(const std::string& path);

struct stat facts_of(const descriptor& file, const std::string& path);

// Must belong to us or to root, and others must not be able to write to it.
void check_owner(const struct stat& facts, const std::string& path);

// All of it, or trouble; `written` counts what got there.
void write_all(const descriptor& file, std::string_view bytes, const std::string& path);
void sync(const descriptor& file, const std::string& path);

// The disk has room at all, and we may create something in the folder.
void check_room(const descriptor& folder, const std::string& path);

}  // namespace tocsin::file
