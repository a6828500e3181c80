// SPDX-License-Identifier: Apache-2.0
// A channel in a friendly host: endpoints, deliveries, outcomes.
#include "sdk/conformance/src/case.hpp"
#include "sdk/conformance/src/channel_bench.hpp"

#include <tocsin/sdk/string.hpp>

#include <algorithm>
#include <thread>

namespace tocsin::conformance {
namespace {

constexpr std::size_t most_at_once = 8;

std::size_t slots_of(open_endpoint endpoint) { return std::min<std::size_t>(endpoint.slots, most_at_once); }

void open_close(bench& on, const law& about) {
  on.need(TOCSIN_EXT_CHANNEL);
  const auto plugin = start_plugin(on);
  channel_bench channel(*plugin);
  std::vector<open_endpoint> open;
  for (int round = 0; round < 3; ++round) {
    open.push_back(channel.must_open());
    for (std::size_t index = 0; index + 1 < open.size(); ++index)
      if (sdk::same(open[index].token, open.back().token))
        blackbox::breach(about, "two endpoints that are open at once have the token " + to_text(open.back().token));
  }
  std::shuffle(open.begin(), open.end(), on.random);
  for (const open_endpoint& one : open) channel.close(one);
  channel.close(channel.must_open());
}

void completes_each_once(bench& on, const law&) {
  on.need(TOCSIN_EXT_CHANNEL);
  const auto plugin = start_plugin(on);
  channel_bench channel(*plugin);
  const open_endpoint endpoint = channel.must_open();
  for (int round = 0; round < 3; ++round) {
    for (std::size_t index = 0; index < slots_of(endpoint); ++index) channel.deliver(messages_for(endpoint, 1));
    channel.expect_all_completed("single deliver() calls");
  }
  channel.close(endpoint);
}

void batch(bench& on, const law&) {
  on.need(TOCSIN_EXT_CHANNEL);
  const auto plugin = start_plugin(on);
  channel_bench channel(*plugin);
  const open_endpoint first = channel.must_open();
  const open_endpoint second = channel.must_open();
  std::vector<message_spec> both = messages_for(first, slots_of(first));
  const auto more = messages_for(second, slots_of(second));
  both.insert(both.end(), more.begin(), more.end());
  std::shuffle(both.begin(), both.end(), on.random);
  channel.deliver(both);
  channel.expect_all_completed("one deliver() for two endpoints");
  channel.deliver({});
  channel.close(second);
  channel.deliver(messages_for(first, 1));
  channel.expect_all_completed("a deliver() after another endpoint's close()");
  channel.close(first);
}

void check_outcome(const bench& on, const law& about, const seen_outcome& outcome) {
  if (outcome.code == "PLUGIN_CRASHED") {
    return blackbox::breach(
        about, "deliver() ended with an exception or a panic, or let go of the delivery: " + shown(outcome.detail));
  }
  if (outcome.outcome_class > TOCSIN_CLASS_RETURNED)
    blackbox::breach(about, "its outcome has class " + std::to_string(outcome.outcome_class));
  if (!is_one_line(outcome.detail))
    blackbox::breach(about, "its outcome's detail is not one line: " + shown(outcome.detail));
  if (!is_one_line(outcome.reply))
    blackbox::breach(about, "its outcome's server_reply is not one line: " + shown(outcome.reply));
  const bool declared = std::find(on.about.codes.begin(), on.about.codes.end(), outcome.code) != on.about.codes.end();
  // Nothing was tried, so there is nothing to explain.
  const bool returned = outcome.outcome_class == TOCSIN_CLASS_RETURNED && outcome.code.empty();
  if (!declared && !returned)
    blackbox::breach(about, "its outcome's code " + shown(outcome.code) + " is none of the manifest's \"codes\"");
}

void outcome_is_sane(bench& on, const law& about) {
  on.need(TOCSIN_EXT_CHANNEL);
  const auto plugin = start_plugin(on);
  channel_bench channel(*plugin);
  const open_endpoint endpoint = channel.must_open();
  for (const char* recipient : {"someone@example.org", "no address at all", "", "a@b\r\nBcc: c@d"}) {
    auto one = messages_for(endpoint, 1);
    one.front().recipient = recipient;
    channel.deliver(one);
    channel.expect_all_completed("deliver()");
  }
  channel.close(endpoint);
  for (const seen_outcome& outcome : plugin->host.outcomes()) check_outcome(on, about, outcome);
}

void close_with_outstanding(bench& on, const law& about) {
  on.need(TOCSIN_EXT_CHANNEL);
  const auto plugin = start_plugin(on);
  channel_bench channel(*plugin);
  for (int round = 0; round < 3; ++round) {
    const open_endpoint endpoint = channel.must_open();
    channel.deliver(messages_for(endpoint, slots_of(endpoint)));
    channel.close(endpoint);
    if (const std::size_t left = plugin->host.deliveries.outstanding(); left != 0) {
      blackbox::breach(about, "close() returned with " + std::to_string(left) + " deliveries not completed");
      throw end_case{};
    }
  }
}

void stop_with_outstanding(bench& on, const law& about) {
  on.need(TOCSIN_EXT_CHANNEL);
  const auto plugin = start_plugin(on);
  channel_bench channel(*plugin);
  const open_endpoint endpoint = channel.must_open();
  channel.deliver(messages_for(endpoint, slots_of(endpoint)));
  plugin->stop();
  if (const std::size_t left = plugin->host.deliveries.outstanding(); left != 0)
    blackbox::breach(about, "stop() returned with " + std::to_string(left) + " deliveries not completed");
}

}  // namespace

case_table channel_cases() {
  return {
      {"channel.open-close", laws::channel_open, open_close},
      {"channel.completes-each-once", laws::complete, completes_each_once},
      {"channel.batch",
       {"a batch may be for several endpoints, and each of its deliveries is completed", "tocsin/abi/ext/channel.h",
        "deliver [worker] active"},
       batch},
      {"channel.outcome-is-sane", laws::outcome, outcome_is_sane},
      {"channel.close-with-outstanding",
       {"deliveries that an endpoint still has are completed or returned before close() returns",
        "tocsin/abi/ext/channel.h", "close [control] active, draining"},
       close_with_outstanding},
      {"channel.stop-with-outstanding",
       {"stop() finishes or abandons all work: what was delivered is completed before it returns",
        "tocsin/abi/plugin.h", "stop [control] active, draining"},
       stop_with_outstanding},
  };
}

}  // namespace tocsin::conformance
