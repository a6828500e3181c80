// What is remembered of plugin files by their content: <state_dir>/plugin-trials.json (docs/formats/plugin-trials.md).
#pragma once

#include "core/model/fault.hpp"
#include "core/plugin_host/containment/trial_verdict.hpp"

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

namespace tocsin {

struct trial_record {
  std::string plugin;  // its id
  std::string version;
  std::string build_id;
  std::string when;  // RFC 3339, UTC
  trial_verdict verdict;

  bool operator==(const trial_record&) const = default;
};

// Knows what concerns one version of the host; what another version noted is forgotten at the next save.
class trial_memory {
 public:
  // state_dir empty: nothing is remembered beyond this one.
  trial_memory(std::filesystem::path state_dir, std::string host_version);

  // A file that is not there is an empty memory. A broken one is set aside, as plugin-trials.json.broken, and the fault
  // says so; nothing is remembered then. keep_broken: leave it where it is.
  result<void> load(bool keep_broken);
  // Replaces the file in one step, synced, mode 0600, if something changed.
  result<void> save();

  // Null: nothing is known of this content.
  const trial_record* find(const std::string& sha256) const;
  const std::map<std::string, trial_record>& all() const { return records_; }
  void remember(const std::string& sha256, trial_record record);
  void forget(const std::string& sha256);

  const std::filesystem::path& file() const { return file_; }

 private:
  result<void> parse(std::string_view text);
  std::string text() const;
  void drop_oldest();

  std::filesystem::path file_;
  std::string host_version_;
  std::map<std::string, trial_record> records_;  // by content
  bool changed_ = false;
};

}  // namespace tocsin
