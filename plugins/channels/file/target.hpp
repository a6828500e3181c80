// Where deliveries are written: a Maildir or a file of lines.
#pragma once

#include "plugins/channels/file/settings.hpp"
#include "plugins/channels/file/trouble.hpp"

#include <tocsin/sdk/message.hpp>

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace tocsin::file {

// A delivery as it is written.
struct item {
  sdk::token delivery{};
  sdk::token endpoint{};
  std::string name;   // of its file, in a Maildir
  std::string bytes;  // all of it
};

// Holds nothing open between two calls, so that files and folders may be rotated, moved and removed at any time.
// One call at a time.
class target {
 public:
  virtual ~target() = default;

  virtual item prepare(const sdk::message& message) const = 0;

  // One verdict for each item. Delivered: it survives a power cut. Any other: nothing of it is left.
  virtual std::vector<verdict> write(std::span<const item> batch) = 0;

  // Is what stands at the path, or may be made there, what is wanted? In words, where all is well. Throws trouble.
  virtual std::string check_path() = 0;
  // Could something be written now? Leaves nothing behind. Throws trouble.
  virtual std::string check_write() = 0;
};

std::unique_ptr<target> open_maildir(const endpoint_settings& settings);
std::unique_ptr<target> open_line_file(const endpoint_settings& settings);

}  // namespace tocsin::file
