// Looks at a file, or at the *.json files of a folder, and reads what has changed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::license_status {

// A file's new content, or why it cannot be read.
struct file_change {
  std::string path;
  std::optional<std::string> content;
  std::string problem;   // content is not there: one line without the path
  bool settled = false;  // the second look in a row found this, so that nobody is still writing
};

struct folder_look {
  std::vector<file_change> changes;
  std::vector<std::string> gone;  // files that were there at the last look
  std::string problem;            // the path itself cannot be looked at; no file was, and none is gone
};

// A change is told twice: when it is seen, and at the next look when it has stayed; a file that is replaced, by
// renaming too, is told by its device, inode, size and times. Not synchronized.
class watched_files {
 public:
  // path need not exist. Content beyond largest_bytes is not read.
  watched_files(std::filesystem::path path, std::size_t largest_bytes);

  folder_look look();

 private:
  struct stamp {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::uint64_t size = 0;
    std::int64_t modified_ns = 0;
    std::int64_t changed_ns = 0;
    int error = 0;  // errno where it cannot be opened

    bool operator==(const stamp&) const = default;
  };
  struct entry {
    stamp seen;
    bool settled = false;
  };

  void look_at(const std::string& path, folder_look& found);
  static stamp stamp_of(int descriptor);
  file_change read(const std::string& path, int descriptor, stamp& now) const;

  std::filesystem::path path_;
  std::size_t largest_bytes_;
  std::map<std::string, entry> entries_;
};

}  // namespace tocsin::license_status
