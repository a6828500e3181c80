// The settings of an endpoint: from the host's JSON to values.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

namespace tocsin::file {

enum class format { maildir, jsonl };

struct endpoint_settings {
  std::string path;  // absolute, without a slash at its end
  file::format format = file::format::maildir;
  mode_t mode = 0600;  // of new files

  // Of new folders: who may read may enter.
  mode_t folder_mode() const { return mode | (mode & 0444U) >> 2U; }
  bool operator==(const endpoint_settings&) const = default;
};

// Looks at no disk. Throws sdk::failure with the key, what is wrong with it and what to do.
endpoint_settings read_settings(std::string_view json);

}  // namespace tocsin::file
