// Files that are written whole: whoever opens one gets the old text or the new one.
#pragma once

#include <filesystem>
#include <functional>
#include <string_view>
#include <utility>

namespace tocsin {

// An open file; closed at its end.
class open_file {
 public:
  explicit open_file(int descriptor = -1) : descriptor_(descriptor) {}
  open_file(open_file&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  open_file& operator=(open_file&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~open_file();
  int descriptor() const { return descriptor_; }
  int release() { return std::exchange(descriptor_, -1); }
  explicit operator bool() const { return descriptor_ >= 0; }

 private:
  int descriptor_;
};

// Writes all of it, also where the system takes it in pieces. 0, or the errno of the call that failed.
int write_all(int descriptor, std::string_view bytes);

struct written_file {
  open_file file;
  int error = 0;  // errno; 0: it is there, under its name
};

// Writes a new file beside it (mode 0600), syncs it, gives it the name, and syncs the folder. before_rename, where
// there is one, may change its mode or owner, or lock it; it returns 0 or an errno.
written_file replace_file(const std::filesystem::path& file, std::string_view bytes,
                          const std::function<int(int descriptor)>& before_rename = {});

}  // namespace tocsin
