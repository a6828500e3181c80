// Drives one license source: files in, events out, knowledge kept by the host in the same commit as its event.
#include "plugins/sources/license_status/watcher.hpp"

#include "plugins/sources/license_status/license_event.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace tocsin::license_status {
namespace {

using namespace std::chrono_literals;

constexpr auto shortest_interval = 10ms;
constexpr std::string_view memory_prefix = "license/";

// A notice is late when several looks in a row did not happen; a slow machine or a slow disk is no such thing.
std::chrono::milliseconds tolerance(std::chrono::milliseconds interval) {
  return std::max<std::chrono::milliseconds>(3 * interval, 60s);
}

}  // namespace

watcher_settings read_settings(const sdk::source_config& config) {
  const boost::json::object json = boost::json::parse(boost::json::string_view(config.settings())).as_object();
  watcher_settings made;
  made.name = config.name();
  made.organization = config.organization();
  if (const auto* path = json.if_contains("path"); path != nullptr && path->is_string()) {
    made.path = std::string(path->get_string());
  }
  if (made.path.empty()) throw std::runtime_error("path is empty; name a license file or a folder of them");
  const auto* interval = json.if_contains("interval");
  made.interval = interval == nullptr ? 2s : std::chrono::milliseconds(interval->to_number<std::int64_t>());
  if (made.interval < shortest_interval)
    throw std::runtime_error("interval is shorter than 10ms; a usual one is \"2s\"");
  if (const auto* steps = json.if_contains("steps")) {
    for (const auto& step : steps->as_array()) made.steps.push_back(step.to_number<std::int64_t>());
  } else {
    made.steps = {180, 90, 30, 14, 7, 1};
  }
  return made;
}

watcher::watcher(const sdk::host_api& host, sdk::token self, watcher_settings settings)
    : host_(host),
      self_(self),
      settings_(std::move(settings)),
      policy_{settings_.steps, tolerance(settings_.interval)},
      files_(settings_.path, largest_file_bytes) {}

void watcher::look() {
  const bool changed = read_changes();
  std::map<std::string, std::string> refusals;
  {
    const std::lock_guard lock(mutex_);
    refusals.swap(refusals_);
  }
  for (const auto& [identity, reason] : refusals) tell_once(told_of_licenses_[identity], identity, reason);

  if (changed) {
    std::vector<license> licenses;
    for (const auto& [path, file] : contents_) {
      if (file.good) licenses.push_back(*file.good);
    }
    current_.clear();
    for (license& file : current_licenses(std::move(licenses), settings_.organization)) {
      std::string name = identity(file);
      current_.emplace_back(std::move(name), std::move(file));
    }
  }
  for (const auto& [name, file] : current_) consider(name, file);
}

bool watcher::read_changes() {
  bool changed = false;
  folder_look found = files_.look();
  tell_once(told_of_path_, settings_.path, found.problem);
  for (const std::string& path : found.gone) {
    changed |= contents_.erase(path) > 0;
    told_of_files_.erase(path);
  }
  for (file_change& change : found.changes) {
    std::string problem = std::move(change.problem);
    if (change.content) {
      auto parsed = parse_license(*change.content);
      if (parsed) {
        contents_[change.path].good = std::move(*parsed);
        changed = true;
      } else {
        problem = parsed.error();
      }
    }
    // A file that is just being written is bad for a moment; only one that stays so is worth a line.
    if (problem.empty() || change.settled) tell_once(told_of_files_[change.path], change.path, problem);
  }
  return changed;
}

// A line when the text has changed; an empty text ends the matter.
void watcher::tell_once(std::string& last, const std::string& about, const std::string& text) {
  if (text == last) return;
  last = text;
  if (text.empty()) {
    host_.log(sdk::log_level::info, "the license can be watched again",
              {sdk::field("source", settings_.name), sdk::field("about", about)});
  } else {
    host_.log(sdk::log_level::warn, "a license cannot be watched; what is known of it stays in force",
              {sdk::field("source", settings_.name), sdk::field("about", about), sdk::field("problem", text)});
  }
}

bool watcher::recall(const std::string& identity, subject& about) {
  if (about.recalled) return true;
  try {
    about.known = from_memory(host_.recall(self_, std::string(memory_prefix) + identity));
    about.recalled = true;
    return true;
  } catch (const sdk::failure& thrown) {
    tell_once(told_of_licenses_[identity], identity,
              thrown.what());  // and ask again at the next look: without it a step might be announced twice
    return false;
  }
}

void watcher::consider(const std::string& name, const license& file) {
  std::unique_lock lock(mutex_);
  subject& about = subjects_[name];  // stays where it is: only look() adds, and nothing erases
  if (about.ticket != 0) return;
  lock.unlock();

  // While no publication is under way, look() alone touches the subject.
  if (!recall(name, about)) return;
  const std::int64_t now_ms = host_.now_ms();
  const decision what = decide(policy_, about.known, file, now_ms);
  if (!what.remember) return;

  lock.lock();
  const std::uint64_t ticket = ++last_ticket_;
  about.ticket = ticket;
  under_way_.emplace(ticket, name);
  about.pending = *what.remember;
  lock.unlock();

  const std::string memory_name = std::string(memory_prefix) + name;
  const std::string memory_value = to_memory(*what.remember);
  const tocsin_field memory = sdk::field(memory_name, memory_value);
  sdk::string_sink error;
  tocsin_status status = TOCSIN_OK;
  if (what.announce) {
    const license_event made = make_event(*what.announce, file, settings_.name);
    const tocsin_event event = sdk::to_abi(made.view(now_ms));
    const tocsin_event* const events = &event;
    status = host_.try_publish(self_, ticket, &events, 1, &memory, 1, error.get());
  } else {
    status = host_.try_publish(self_, ticket, nullptr, 0, &memory, 1, error.get());
  }
  if (status == TOCSIN_OK) return;

  lock.lock();
  about.ticket = 0;  // tried again at the next look
  under_way_.erase(ticket);
  lock.unlock();
  if (status != TOCSIN_UNAVAILABLE)
    tell_once(told_of_licenses_[name], name, error.text().empty() ? "the event was refused" : error.text());
}

void watcher::published(std::uint64_t ticket, const sdk::publish_result& result) {
  const std::lock_guard lock(mutex_);
  const auto asked = under_way_.find(ticket);
  if (asked == under_way_.end()) return;
  subject& about = subjects_.at(asked->second);
  about.ticket = 0;
  if (result.ok()) about.known = about.pending;
  refusals_[asked->second] = result.ok() || result.status() == TOCSIN_UNAVAILABLE ? "" : std::string(result.reason());
  under_way_.erase(asked);
}

}  // namespace tocsin::license_status
