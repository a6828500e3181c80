// What stands between the host and a plugin that would end its process: a trial beforehand, a memory of what was seen,
// and a note of what is being started.
#pragma once

#include "core/plugin_host/containment/start_mark.hpp"
#include "core/plugin_host/containment/trial_memory.hpp"
#include "core/plugin_host/files/discovery.hpp"
#include "core/plugin_host/plugin_host.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tocsin {

// A file that is to be loaded, and the signatures that are asked of it; null: none.
struct plugin_candidate {
  std::filesystem::path file;
  signature_policy_ptr policy;
};

// A file that may be loaded.
struct admitted_plugin {
  verified_file verified;
  std::string sha256;       // empty: nothing is kept of it
  std::uint64_t times = 1;  // how many starts in a row have tried it, should this one end the process, too
};

class containment {
 public:
  explicit containment(const plugin_host_services& services);
  ~containment();  // nothing is being started any more
  containment(const containment&) = delete;
  containment& operator=(const containment&) = delete;

  // Reads each file and says of each whether it may be loaded; what is not known is tried out, two at a time. A fault
  // with the code PLUGIN_QUARANTINED: it would end the host, or has. Blocks for as long as that takes.
  std::vector<result<admitted_plugin>> admit(const std::vector<plugin_candidate>& files);

  // Around what a trial does not run.
  void enter(const admitted_plugin& plugin, std::string_view call);
  void leave();
  // It hangs in "load", and with it the system's loader, so that no other plugin is loaded: not once more.
  void hangs_in_host(const admitted_plugin& plugin);

 private:
  using admission = result<admitted_plugin>;

  void take_left_mark(std::vector<admission>& files);
  void judge_left(std::vector<admission>& files, std::size_t index, const left_mark& left);
  void apply_memory(std::vector<admission>& files, std::vector<std::size_t>& unknown);
  void try_out(std::vector<admission>& files, const std::vector<std::size_t>& which);
  trial_verdict second_look(const std::vector<admission>& files, std::size_t index, const left_mark& left,
                            std::string_view& now);
  trial_verdict counted(const std::string& sha256, trial_verdict verdict) const;
  void note(const std::string& sha256, const plugin_identity& plugin, trial_verdict verdict);
  void save();
  fault quarantined(const plugin_identity& plugin, const trial_verdict& verdict, const std::string& when,
                    bool lasting = true) const;
  std::string way_back(const trial_verdict& verdict, bool lasting) const;

  const containment_settings settings_;
  const std::chrono::milliseconds call_limit_;
  const std::chrono::milliseconds trial_limit_;
  const tocsin::clock& clock_;
  std::unique_ptr<start_mark> mark_;
  const bool writes_;
  trial_memory memory_;
};

// While it lives, the process is in a call of a started plugin's that every start makes again: its end is held against
// the plugin as if it were being started.
class noted_call {
 public:
  noted_call(const containment_settings& settings, const std::string& sha256, const plugin_identity& plugin,
             std::string_view call, std::uint64_t times);
  ~noted_call();
  noted_call(const noted_call&) = delete;
  noted_call& operator=(const noted_call&) = delete;

 private:
  std::unique_ptr<start_mark> mark_;
};

// Says of each file of these that is remembered as one that would end the host, without running any of it: for listings
// without a running host.
void apply_remembered(std::vector<plugin_info>& plugins, const std::filesystem::path& state_dir,
                      std::chrono::milliseconds call_limit);

}  // namespace tocsin
