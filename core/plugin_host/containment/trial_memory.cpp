// Reads and replaces the file of verdicts.
#include "core/plugin_host/containment/trial_memory.hpp"

#include "core/model/json.hpp"
#include "core/runtime/whole_file.hpp"

#include <boost/json.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

namespace tocsin {
namespace {

namespace json = boost::json;

constexpr std::int64_t format = 1;
constexpr std::size_t most_records = 4096;
constexpr std::size_t most_bytes = std::size_t{8} * 1024 * 1024;

fault file_fault(const std::filesystem::path& file, const std::string& what, int error) {
  return {"STATE_UNUSABLE",
          file.string() + " " + what + ": " + std::strerror(error) + ".",
          "See to it that the host's user owns state_dir and may write there.",
          {}};
}

fault broken(std::string why) { return {"STATE_UNUSABLE", std::move(why), {}, {}}; }

// Nothing: it is not there. O_NONBLOCK: a FIFO in its place holds nobody up.
result<std::optional<std::string>> read_whole(const std::filesystem::path& file) {
  const open_file from(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (from.descriptor() < 0 && errno == ENOENT) return std::optional<std::string>();
  struct stat seen {};
  if (from.descriptor() < 0 || ::fstat(from.descriptor(), &seen) != 0) return file_fault(file, "cannot be read", errno);
  if (!S_ISREG(seen.st_mode)) return broken("it is no regular file");
  std::string text;
  std::array<char, 16384> piece{};
  while (true) {
    const ssize_t got = ::read(from.descriptor(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return file_fault(file, "cannot be read", errno);
    if (got == 0) return std::optional(std::move(text));
    text.append(piece.data(), static_cast<std::size_t>(got));
    if (text.size() > most_bytes) return broken("it is larger than 8 MiB");
  }
}

std::optional<trial_record> record_of(const json::object& from) {
  const auto end = parse_trial_end(text_of(from, "verdict"));
  if (!end) return std::nullopt;
  trial_record record{
      text_of(from, "plugin"), text_of(from, "version"), text_of(from, "build_id"), text_of(from, "when"), {}};
  record.verdict.end = *end;
  record.verdict.stage = text_of(from, "stage");
  record.verdict.how = text_of(from, "how");
  record.verdict.remedy = text_of(from, "remedy");
  if (const json::value* limit = from.if_contains("limit_ms"); limit && limit->is_int64())
    record.verdict.limit = std::chrono::milliseconds(limit->get_int64());
  if (const json::value* times = from.if_contains("times"); times && times->is_int64() && times->get_int64() > 0)
    record.verdict.times = static_cast<std::uint64_t>(times->get_int64());
  return record;
}

}  // namespace

trial_memory::trial_memory(std::filesystem::path state_dir, std::string host_version)
    : file_(state_dir.empty() ? state_dir : state_dir / "plugin-trials.json"), host_version_(std::move(host_version)) {}

result<void> trial_memory::load(bool keep_broken) {
  records_.clear();
  if (file_.empty()) return {};
  auto read = read_whole(file_);
  auto taken = !read ? result<void>(read.error()) : *read ? parse(**read) : result<void>();
  if (taken) return {};
  records_.clear();
  if (keep_broken) return taken.error();
  fault why = taken.error();
  why.what = "What is remembered of plugins in " + file_.string() + " cannot be used: " + why.what;
  if (why.what.back() != '.') why.what += '.';
  auto aside = file_;
  aside += ".broken";
  why.remedy = ::rename(file_.c_str(), aside.c_str()) == 0
                   ? "It was set aside as " + aside.string() + "; every plugin is tried out anew."
                   : "Take it away; every plugin is tried out anew.";
  return why;
}

result<void> trial_memory::parse(std::string_view text) {
  const auto whole = parse_json(text);
  if (!whole) return broken("line " + std::to_string(whole.error().place.line) + ": " + whole.error().what);
  const json::object* object = whole->if_object();
  const json::value* version = object ? object->if_contains("format") : nullptr;
  const json::value* verdicts = object ? object->if_contains("verdicts") : nullptr;
  if (!version || !version->is_int64() || version->get_int64() != format || !verdicts || !verdicts->is_array())
    return broken("it is not of format 1");
  for (const json::value& one : verdicts->get_array()) {
    const json::object* entry = one.if_object();
    if (!entry || text_of(*entry, "host") != host_version_) continue;
    auto record = record_of(*entry);
    std::string content = text_of(*entry, "sha256");
    if (record && !content.empty()) records_.insert_or_assign(std::move(content), std::move(*record));
  }
  return {};
}

std::string trial_memory::text() const {
  std::string text = "{\"format\": 1, \"verdicts\": [";
  bool first = true;
  for (const auto& [content, record] : records_) {
    const trial_verdict& verdict = record.verdict;
    json::object entry{{"sha256", content},
                       {"host", host_version_},
                       {"plugin", record.plugin},
                       {"version", record.version},
                       {"build_id", record.build_id},
                       {"when", record.when},
                       {"verdict", to_text(verdict.end)}};
    if (!verdict.stage.empty()) entry["stage"] = verdict.stage;
    if (!verdict.how.empty()) entry["how"] = verdict.how;
    if (!verdict.remedy.empty()) entry["remedy"] = verdict.remedy;
    if (verdict.limit.count() > 0) entry["limit_ms"] = verdict.limit.count();
    if (verdict.times > 0) entry["times"] = verdict.times;
    text += (first ? "\n  " : ",\n  ") + json::serialize(entry);  // a line each, for whoever takes one out by hand
    first = false;
  }
  return text + "\n]}\n";
}

void trial_memory::drop_oldest() {
  if (records_.size() <= most_records) return;
  std::vector<std::pair<std::string, std::string>> by_age;  // when, content
  for (const auto& [content, record] : records_) by_age.emplace_back(record.when, content);
  std::sort(by_age.begin(), by_age.end());
  by_age.resize(records_.size() - most_records);
  for (const auto& [when, content] : by_age) records_.erase(content);
}

result<void> trial_memory::save() {
  if (file_.empty() || !changed_) return {};
  drop_oldest();
  if (const int error = replace_file(file_, text()).error; error != 0)
    return file_fault(file_, "cannot be written", error);
  changed_ = false;
  return {};
}

const trial_record* trial_memory::find(const std::string& sha256) const {
  const auto found = records_.find(sha256);
  return found == records_.end() ? nullptr : &found->second;
}

void trial_memory::remember(const std::string& sha256, trial_record record) {
  trial_record& kept = records_[sha256];
  if (kept == record) return;
  kept = std::move(record);
  changed_ = true;
}

void trial_memory::forget(const std::string& sha256) {
  if (records_.erase(sha256) > 0) changed_ = true;
}

}  // namespace tocsin
