// One configured source: looks at its files at an interval, decides, publishes and remembers.
#pragma once

#include "plugins/sources/license_status/license_file.hpp"
#include "plugins/sources/license_status/license_policy.hpp"
#include "plugins/sources/license_status/watched_files.hpp"

#include <tocsin/sdk/host.hpp>
#include <tocsin/sdk/source.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin::license_status {

struct watcher_settings {
  std::string name;          // of the source
  std::string organization;  // for files that name none
  std::string path;
  std::chrono::milliseconds interval{0};
  std::vector<std::int64_t> steps;
};

// Reads [sources.NAME] from the form that the host gives it. Throws std::runtime_error with what is wrong.
watcher_settings read_settings(const sdk::source_config& config);

// look() comes on one thread at a time; published() may come at the same time, also from within look().
class watcher {
 public:
  watcher(const sdk::host_api& host, sdk::token self, watcher_settings settings);

  std::chrono::milliseconds interval() const { return settings_.interval; }

  // [worker] Reads what has changed, and publishes at most one notice of each license; what comes after it comes at a
  // later look, when the host has answered.
  void look();

  // [worker] The host's answer.
  void published(std::uint64_t ticket, const sdk::publish_result& result);

 private:
  // What is known of one license; by identity.
  struct subject {
    bool recalled = false;  // the host's memory was asked
    std::optional<knowledge> known;
    std::uint64_t ticket = 0;  // of the publication under way; 0: none
    knowledge pending;         // what will be known when it has succeeded
  };
  struct watched_file {
    std::optional<license> good;  // the last content that was a license
  };

  bool read_changes();  // true: another license is to be watched, or none any more
  void tell_once(std::string& last, const std::string& about, const std::string& text);
  void consider(const std::string& name, const license& file);
  bool recall(const std::string& identity, subject& about);

  const sdk::host_api& host_;
  const sdk::token self_;
  const watcher_settings settings_;
  const policy_settings policy_;
  watched_files files_;
  std::map<std::string, watched_file> contents_;  // by path
  // The licenses in contents_ that count, each with its identity; made anew when these change.
  std::vector<std::pair<std::string, license>> current_;
  // The last complaints, so that each is told once.
  std::string told_of_path_;
  std::map<std::string, std::string> told_of_files_;
  std::map<std::string, std::string> told_of_licenses_;

  std::mutex mutex_;  // guards what published() changes: subjects_, under_way_ and refusals_
  std::map<std::string, subject> subjects_;
  std::map<std::uint64_t, std::string> under_way_;  // ticket -> identity
  std::map<std::string, std::string> refusals_;     // identity -> the host's reason, to be told at the next look
  std::uint64_t last_ticket_ = 0;
};

}  // namespace tocsin::license_status
