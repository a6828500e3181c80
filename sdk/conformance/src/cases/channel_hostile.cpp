// SPDX-License-Identifier: Apache-2.0
// A channel in a hostile host: garbage as settings and text, cancelling at every moment.
#include "sdk/conformance/src/case.hpp"
#include "sdk/conformance/src/channel_bench.hpp"

#include <tocsin/sdk/json.hpp>

#include <algorithm>
#include <thread>

namespace tocsin::conformance {
namespace {

// The settings with the value of each key in turn replaced by one of another type.
std::vector<std::string> wrong_types(const std::string& settings) {
  std::vector<std::pair<std::string, std::string>> members;
  sdk::detail::json_cursor cursor(settings);
  if (!cursor.take('{')) return {};
  while (true) {
    const std::string_view key = cursor.value();
    if (key.size() < 2 || !cursor.take(':')) break;
    members.emplace_back(key.substr(1, key.size() - 2), cursor.value());
    if (!cursor.take(',')) break;
  }
  std::vector<std::string> all;
  for (std::size_t wrong = 0; wrong < members.size(); ++wrong) {
    sdk::json_writer writer;
    for (std::size_t index = 0; index < members.size(); ++index) {
      const bool text = !members[index].second.empty() && members[index].second.front() == '"';
      writer.raw(members[index].first, index != wrong ? members[index].second : text ? "[17]" : "\"seventeen\"");
    }
    all.push_back(writer.str());
  }
  return all;
}

void open_refuses_garbage(bench& on, const law&) {
  on.need(TOCSIN_EXT_CHANNEL);
  const auto plugin = start_plugin(on);
  channel_bench channel(*plugin);
  std::vector<std::string> all = wrong_types(on.settings);
  for (const char* text :
       {"{}", "", "null", "[]", "[1,2", "{\"\":", "17", "\"text\"", "{\"a\":{\"b\":{\"c\":[[[[{}]]]]}}}"})
    all.emplace_back(text);
  all.emplace_back(std::string(100, '{'));
  all.push_back(on.settings.substr(0, on.settings.size() / 2));
  for (const std::string& settings : all) {
    open_endpoint endpoint;
    std::string why;
    if (channel.open(settings, endpoint, why)) channel.close(endpoint);
  }
}

void deliver_hostile_text(bench& on, const law&) {
  on.need(TOCSIN_EXT_CHANNEL);
  const auto plugin = start_plugin(on);
  channel_bench channel(*plugin);
  const open_endpoint endpoint = channel.must_open();
  std::string noise;
  while (noise.size() < 300) noise.push_back(static_cast<char>(1 + on.pick(127)));
  const std::vector<std::string> texts{"",
                                       std::string(1, '\0'),
                                       std::string("a\0b", 3),
                                       "line\r\nBcc: somebody@example.org\r\n\r\nbody",
                                       "\r\n.\r\n",
                                       "%s%n%x{{}}$(x)`y`",
                                       "\xf0\x9f\x94\x94 \xe2\x80\xae\xef\xbb\xbf\xe2\x80\x8b",
                                       std::string(200'000, 'x'),
                                       noise};
  for (const std::string& text : texts) {
    for (int field = 0; field < 5; ++field) {
      message_spec one;
      one.endpoint = endpoint;
      std::string* const fields[] = {&one.recipient, &one.subject, &one.text, &one.html, &one.organization};
      *fields[field] = text;
      one.with_event = field % 2 == 0;
      channel.deliver({one});
      channel.expect_all_completed("deliver() of hostile text");
    }
  }
  channel.close(endpoint);
}

std::size_t slots_of(open_endpoint endpoint) { return std::min<std::size_t>(endpoint.slots, 8); }

void cancel_at_once(bench& on, const law&) {
  on.need(TOCSIN_EXT_CHANNEL);
  const auto plugin = start_plugin(on);
  channel_bench channel(*plugin);
  const open_endpoint endpoint = channel.must_open();
  for (int round = 0; round < 4; ++round) {
    const auto tokens = channel.deliver(messages_for(endpoint, slots_of(endpoint)));
    channel.cancel(tokens);
    channel.expect_all_completed("cancel() right after deliver()");
  }
  channel.close(endpoint);
}

void cancel_during(bench& on, const law&) {
  on.need(TOCSIN_EXT_CHANNEL);
  const auto plugin = start_plugin(on);
  channel_bench channel(*plugin);
  const open_endpoint endpoint = channel.must_open();
  // The tokens of the deliveries to come are known beforehand: the tickets are issued in order.
  std::vector<tocsin_token> near;
  const tocsin_token now = plugin->host.deliveries.issue();
  plugin->host.deliveries.answer(now);
  for (std::uint64_t ahead = 1; ahead <= 64; ++ahead) near.push_back({now.index + ahead, now.generation + 3 * ahead});
  std::atomic<bool> over{false};
  std::thread canceller([&] {
    join_kit_threads();
    // Each call is a loan, of which a case has a limited number.
    for (int count = 0; count < 4'000 && !over; ++count) {
      channel.cancel(near);
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
  });
  try {
    for (int round = 0; round < 8; ++round) {
      channel.deliver(messages_for(endpoint, slots_of(endpoint)));
      channel.expect_all_completed("deliver() with cancel() beside it");
    }
  } catch (const end_case&) {
    over = true;
    canceller.join();
    throw;
  }
  over = true;
  canceller.join();
  channel.close(endpoint);
}

void cancel_unknown(bench& on, const law&) {
  on.need(TOCSIN_EXT_CHANNEL);
  const auto plugin = start_plugin(on);
  channel_bench channel(*plugin);
  const open_endpoint endpoint = channel.must_open();
  std::vector<tocsin_token> strange{{0, 0}, {~std::uint64_t{0}, ~std::uint64_t{0}}, endpoint.token};
  for (int index = 0; index < 20; ++index) strange.push_back({on.random(), on.random()});
  channel.cancel(strange);
  channel.cancel({});
  const auto done = channel.deliver(messages_for(endpoint, slots_of(endpoint)));
  channel.expect_all_completed("deliver()");
  channel.cancel(done);
  channel.cancel(done);
  channel.close(endpoint);
  channel.cancel(done);
}

}  // namespace

case_table hostile_channel_cases() {
  constexpr law cancel{"a cancelled delivery is completed once all the same; unknown or completed ones are passed over",
                       "tocsin/abi/ext/channel.h", "cancel [any] active, draining"};
  return {
      {"channel.open-refuses-garbage",
       {"open() with settings that cannot work fails with a reason", "tocsin/abi/ext/channel.h",
        "open [control] active"},
       open_refuses_garbage},
      {"channel.deliver-hostile-text",
       {"text of any content and length, none at all too, ends in one outcome", "tocsin/abi/message.h",
        "tocsin_message"},
       deliver_hostile_text},
      {"channel.cancel-at-once", cancel, cancel_at_once},
      {"channel.cancel-during", cancel, cancel_during},
      {"channel.cancel-unknown", cancel, cancel_unknown},
  };
}

}  // namespace tocsin::conformance
