// Keeps the open requests, with an alarm for each.
#include "core/plugin_host/extensions/http_calls.hpp"

#include <algorithm>
#include <utility>

namespace tocsin {
namespace {

constexpr std::size_t most_failed = 1024;

}  // namespace

result<std::uint64_t> http_call_table::begin(const std::string& source, source_answer_handler done) {
  std::uint64_t number = 0;
  {
    const std::lock_guard lock(mutex_);
    const auto of_source =
        std::count_if(open_.begin(), open_.end(), [&](const auto& each) { return each.second.source == source; });
    if (static_cast<std::size_t>(of_source) >= most_of_a_source) {
      return fault{"SOURCE_BUSY",
                   "The source \"" + source + "\" has " + std::to_string(of_source) + " requests under way.",
                   "Send this one again in a second.",
                   {}};
    }
    number = ++last_;
    open_.emplace(number, open_call{source, std::move(done), clock::timer::none});
  }
  const auto alarm = services_.clock->after(longest, [this, number, source] {
    fail(number, {"SOURCE_TIMEOUT",
                  "The source \"" + source + "\" has not answered within " + std::to_string(longest.count()) + " s.",
                  "What it was sent may have been taken all the same. See the log.",
                  {}});
  });
  bool ended = true;
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = open_.find(number); found != open_.end()) {
      found->second.alarm = alarm;
      ended = false;
    }
  }
  if (ended) services_.clock->cancel(alarm);
  return number;
}

bool http_call_table::is_open(std::uint64_t number) const {
  const std::lock_guard lock(mutex_);
  return open_.contains(number);
}

void http_call_table::end(std::map<std::uint64_t, open_call>::iterator which, result<source_answer> what) {
  if (which->second.alarm != clock::timer::none) services_.clock->cancel(which->second.alarm);
  // Not on this thread: it may be the plugin's, within a call of its own.
  services_.pool->post(
      [done = std::move(which->second.done), what = std::move(what)]() mutable { done(std::move(what)); });
  open_.erase(which);
  if (open_.empty()) none_open_.notify_all();
}

http_call_table::reception http_call_table::answer(std::uint64_t number, result<source_answer> what) {
  const std::lock_guard lock(mutex_);
  const auto found = open_.find(number);
  if (found == open_.end()) return failed_.erase(number) > 0 ? reception::late : reception::no_call;
  end(found, std::move(what));
  return reception::taken;
}

template <class Chosen>
void http_call_table::fail_those(const fault& why, Chosen chosen) {
  const std::lock_guard lock(mutex_);
  for (auto at = open_.begin(); at != open_.end();) {
    const auto each = at++;
    if (!chosen(*each)) continue;
    failed_.insert(each->first);
    if (failed_.size() > most_failed) failed_.erase(failed_.begin());
    end(each, why);
  }
}

void http_call_table::fail(std::uint64_t number, const fault& why) {
  fail_those(why, [number](const auto& each) { return each.first == number; });
}

void http_call_table::fail_all(const fault& why) {
  fail_those(why, [](const auto&) { return true; });
}

void http_call_table::fail_all_of(const std::string& source, const fault& why) {
  fail_those(why, [&source](const auto& each) { return each.second.source == source; });
}

void http_call_table::wait_until_none(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  none_open_.wait_for(lock, limit, [this] { return open_.empty(); });
}

}  // namespace tocsin
