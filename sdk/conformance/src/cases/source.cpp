// SPDX-License-Identifier: Apache-2.0
// Sources and timers: credits, refusals, memory that cannot be read, and the end.
#include "sdk/conformance/src/case.hpp"
#include "sdk/conformance/src/openable.hpp"

#include <tocsin/sdk/string.hpp>

#include <algorithm>
#include <iterator>
#include <thread>

namespace tocsin::conformance {
namespace {

constexpr std::chrono::hours one_day{24};
constexpr std::chrono::milliseconds moment{50};  // for a source with a thread of its own to act

// Lets a day pass for the plugin's timers, several times, since one may start another.
void let_time_pass(running& plugin) {
  for (int round = 0; round < 4; ++round) {
    plugin.host.advance(one_day);
    plugin.host.worker.settle();
    std::this_thread::sleep_for(moment);
  }
  plugin.host.worker.settle();
}

void open_close(bench& on, const law& about) {
  on.need(TOCSIN_EXT_SOURCE);
  const auto plugin = start_plugin(on);
  std::vector<tocsin_token> open;
  for (int round = 0; round < 3; ++round) {
    open.push_back(must_open_source(*plugin));
    if (!sdk::valid(open.back())) blackbox::breach(about, "open() answered TOCSIN_OK with the token {0, 0}");
    for (std::size_t index = 0; index + 1 < open.size(); ++index)
      if (sdk::same(open[index], open.back()))
        blackbox::breach(about, "two sources that are open at once have the token " + to_text(open.back()));
  }
  std::shuffle(open.begin(), open.end(), on.random);
  for (const tocsin_token one : open) close_source(*plugin, one);
}

// Nothing was seen of what a case is about.
[[noreturn]] void skip_silent() {
  throw skip_case{"it published nothing; give it settings with which it does, by --settings"};
}

void credits(bench& on, const law& about) {
  on.need(TOCSIN_EXT_SOURCE);
  constexpr std::size_t patient = 500;
  bool published = false;
  for (const publish_answer how : {publish_answer::unavailable, publish_answer::never_answers}) {
    host_plan plan;
    plan.credits = 1;
    plan.publishing = how;
    const auto plugin = start_plugin(on, plan);
    const tocsin_token source = must_open_source(*plugin);
    let_time_pass(*plugin);
    const auto all = plugin->host.publications();
    published = published || !all.empty();
    const auto refused = std::count_if(all.begin(), all.end(),
                                       [](const seen_publication& one) { return one.answer == TOCSIN_UNAVAILABLE; });
    if (static_cast<std::size_t>(refused) > patient)
      blackbox::breach(about, "it called publish() " + std::to_string(refused) +
                                  " times without a credit, instead of waiting for the next published() or a timer");
    close_source(*plugin, source);
  }
  if (!published) skip_silent();
}

bool tried_again(const std::vector<seen_publication>& all, std::size_t from, const std::vector<std::string>& ids) {
  return std::any_of(all.begin() + static_cast<std::ptrdiff_t>(from), all.end(),
                     [&](const seen_publication& one) { return one.ids == ids; });
}

void refused(bench& on, const law& about) {
  on.need(TOCSIN_EXT_SOURCE);
  bool published = false;
  for (const publish_answer how : {publish_answer::unavailable, publish_answer::invalid, publish_answer::fails_later}) {
    host_plan plan;
    plan.publishing = how;
    const auto plugin = start_plugin(on, plan);
    const tocsin_token source = must_open_source(*plugin);
    let_time_pass(*plugin);
    const auto before = plugin->host.publications();
    plugin->host.plan().publishing = publish_answer::accept;
    let_time_pass(*plugin);
    if (!before.empty()) {
      published = true;
      const bool logged = !plugin->host.log_lines().empty();
      if (!logged && !tried_again(plugin->host.publications(), before.size(), before.front().ids))
        blackbox::breach(about, "an event that the host refused is neither published again nor spoken of in the log");
    }
    close_source(*plugin, source);
  }
  if (!published) skip_silent();
}

void recall_failing(bench& on, const law&) {
  on.need(TOCSIN_EXT_SOURCE);
  host_plan plan;
  plan.recall_fails = true;
  const auto plugin = start_plugin(on, plan);
  tocsin_token source{0, 0};
  std::string why;
  if (!open_source(*plugin, on.settings, source, why)) return;
  let_time_pass(*plugin);
  close_source(*plugin, source);
}

void close_stops_publishing(bench& on, const law&) {
  on.need(TOCSIN_EXT_SOURCE);
  const auto plugin = start_plugin(on);
  close_source(*plugin, must_open_source(*plugin));
  // The host tells of events for a source that is closed.
  let_time_pass(*plugin);
}

// The answers that were held back come when the source is closed: accepted, duplicate and failed.
void answered_after_close(bench& on, const law&) {
  on.need(TOCSIN_EXT_SOURCE);
  host_plan plan;
  plan.publishing = publish_answer::never_answers;
  const auto plugin = start_plugin(on, plan);
  const auto* table = plugin->need_table<tocsin_source>(TOCSIN_EXT_SOURCE);
  if (table == nullptr) throw skip_case{"the plugin has no table for " TOCSIN_EXT_SOURCE};
  const tocsin_token source = must_open_source(*plugin);
  let_time_pass(*plugin);
  close_source(*plugin, source);
  if (plugin->host.publications().empty()) skip_silent();
  static constexpr tocsin_status statuses[] = {TOCSIN_OK, TOCSIN_FAILED, TOCSIN_UNAVAILABLE};
  std::size_t next = on.random() % std::size(statuses);
  for (const auto& one : plugin->host.publications()) {
    if (one.answer != TOCSIN_OK) continue;
    tocsin_publish_result late{};
    late.struct_size = sizeof(late);
    late.status = statuses[next++ % std::size(statuses)];
    late.accepted = late.status == TOCSIN_OK ? one.ids.size() : 0;
    late.reason = sdk::to_abi(late.status == TOCSIN_OK ? "" : "the store was slow, and then it failed");
    on_worker(plugin->host, "source.published",
              [&] { table->published(plugin->self(), one.source, one.ticket, &late); });
  }
  let_time_pass(*plugin);
}

void late_and_unknown_ids(bench& on, const law&) {
  on.need(TOCSIN_EXT_TIMER);
  const auto plugin = start_plugin(on);
  const auto* timer = plugin->need_table<tocsin_timer>(TOCSIN_EXT_TIMER);
  if (timer == nullptr) throw skip_case{"the plugin has no table for " TOCSIN_EXT_TIMER};
  const auto fire = [&](std::uint64_t id) {
    on_worker(plugin->host, "timer.fired", [&] { timer->fired(plugin->self(), id); });
  };
  for (const std::uint64_t id : {std::uint64_t{0}, ~std::uint64_t{0}, on.random()}) fire(id);
  std::set<std::uint64_t> ids;
  if (on.provides(TOCSIN_EXT_SOURCE)) {
    const tocsin_token source = must_open_source(*plugin);
    ids = plugin->host.timers();
    close_source(*plugin, source);
  }
  // A call that was under way when the timer was cancelled comes after the close.
  for (const std::uint64_t id : ids) fire(id);
}

}  // namespace

case_table source_cases() {
  return {
      {"source.open-close",
       {"open() answers TOCSIN_OK with a token of the source's own, or writes the reason to error",
        "tocsin/abi/ext/source.h", "open [control] active"},
       open_close},
      {"source.credits",
       {"a source without credits waits for the next published()", "tocsin/abi/ext/source.h", "publish [any] active"},
       credits},
      {"source.refused-publish-is-tried-again-or-logged",
       {"an event that was refused is published again, or the log says that it was lost", "tocsin/abi/ext/source.h",
        "published [worker] active, draining"},
       refused},
      {"source.recall-failing",
       {"memory that cannot be read is a failure like any other", "tocsin/abi/ext/source.h",
        "recall [control] [worker] active"},
       recall_failing},
      {"source.close-stops-publishing",
       {"after close() nothing is published for the source any more", "tocsin/abi/ext/source.h",
        "close [control] active, draining"},
       close_stops_publishing},
      {"source.answered-after-close",
       {"what was published before close() is answered after it, too", "tocsin/abi/ext/source.h",
        "published [worker] active, draining"},
       answered_after_close},
      {"timer.late-and-unknown-ids",
       {"a timer's call that was under way when it was cancelled comes all the same", "tocsin/abi/ext/clock.h",
        "fired [worker] active, draining"},
       late_and_unknown_ids},
  };
}

}  // namespace tocsin::conformance
