// SPDX-License-Identifier: Apache-2.0
// The conformance kit: runs named cases against a plugin's library, each in a process of its own, and says which law of
// the plugin interface was broken. docs/plugin-conformance.md lists the cases.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::conformance {

// A plugin's library and what its manifest says of it. Whoever runs the kit has read the manifest.
struct library {
  std::filesystem::path file;
  std::filesystem::path image;  // what is loaded, where that is not `file`: a copy that nobody can change any more
  std::string id;
  std::string version;
  std::string build_id;  // empty: it has none
  std::vector<std::string> provides;
  std::vector<std::string> needs;  // services of "requires"
};

// The plugin that is put to the test.
struct subject : library {
  std::string manifest_fault;  // not empty: the manifest cannot be used, and why; nothing below and no id is set then
  std::vector<std::string> codes;
  std::vector<std::string> stages;
  // One JSON object in the form of tocsin_endpoint.settings, for every open(). "{tmp}" in it becomes a private folder.
  std::string settings = "{}";
  std::string arguments;      // what else the command line had, for repeating a case: " --settings FILE"
  std::vector<library> with;  // providers of what the plugin requires, started before it in this order
};

struct options {
  std::vector<std::string> only;  // globs over the cases' names; empty: all
  bool in_process = false;        // for a debugger: no process a case, no time limit
  std::uint64_t seed = 1;
  std::chrono::milliseconds timeout{20'000};    // of one case; what is waited for within one has half of it
  std::chrono::milliseconds call_limit{5'000};  // of one call to the plugin, as in a host ([plugins] call_limit)
};

// A case as the table has it.
struct case_info {
  std::string_view name;    // "channel.batch"
  std::string_view law;     // what must hold
  std::string_view header;  // where that is written: "tocsin/abi/ext/channel.h"
  std::string_view tag;     // function with its thread and states: "deliver [worker] active"
};

// One thing that the plugin did against the law.
struct breach {
  std::string what;
  std::string law;
  std::string header;
  std::string tag;
  std::string call;  // the call of the host's in which it happened; empty: none was under way on that thread
};

enum class verdict { ok, failed, skipped };

struct case_result {
  case_info about;
  tocsin::conformance::verdict verdict = verdict::ok;
  std::string reason;            // why it was skipped
  std::vector<breach> breaches;  // of a failed one; the first is the most telling
  std::vector<std::string> log;  // the last lines that the plugin logged or printed; of a failed one
  std::chrono::milliseconds duration{};
};

struct report {
  subject about;
  std::uint64_t seed = 1;
  std::vector<case_result> results;
  std::chrono::milliseconds duration{};

  std::size_t count(verdict what) const;
};

// Every case, in the order in which they run.
std::vector<case_info> all_cases();
// Those whose name one of the globs matches (* and ?); all without globs.
std::vector<case_info> select_cases(const std::vector<std::string>& globs);

// Runs the cases; each(result) is called after each. Forks: call it from a process with one thread.
report run(const subject& what, const options& how, const std::function<void(const case_result&)>& each);

// `text` as one word of a command line.
std::string shell_word(const std::string& text);
// How to repeat one case, as a command line.
std::string reproduce(const subject& what, const case_result& result, std::uint64_t seed);

// For people: the lines of one case, and the last line of all. paint(text, kind) colours; kind is "ok", "failed",
// "skipped" or "dim".
using painter = std::function<std::string(std::string_view text, std::string_view kind)>;
std::string to_text(const subject& what, const case_result& result, std::uint64_t seed, const painter& paint);
std::string summary(const report& all, const painter& paint);
// For programs.
std::string to_json(const report& all);
std::string to_junit(const report& all);

}  // namespace tocsin::conformance
