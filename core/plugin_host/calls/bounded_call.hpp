// A [control] call into a plugin that the host does not wait for longer than its limit.
#pragma once

#include "core/plugin_host/calls/guarded_call.hpp"
#include "core/plugin_host/plugin_instance.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace tocsin {

// What became of a call that has no answer: PLUGIN_HUNG or PLUGIN_FAILED. A hang is reported, and ends all dispatch.
fault no_answer(plugin_instance& instance, control_thread::ending ended, std::string_view call, std::string about,
                std::chrono::milliseconds limit);

// Makes the call on the plugin's control thread; an exception out of it is reported. call: a literal. body owns all
// that it touches. about: what the call is about beside the plugin, for the report.
template <class Answer>
result<Answer> call_bounded(plugin_instance& instance, std::string_view call, std::string about,
                            std::chrono::milliseconds limit, std::function<result<Answer>()> body) {
  auto answer = std::make_shared<std::optional<result<Answer>>>();
  const auto ended = instance.control_calls.run(
      [answer, &instance, call, about, body = std::move(body)] {
        try {
          answer->emplace(body());
        } catch (...) {
          report_throw(instance, call, about);
          throw;
        }
      },
      limit);
  if (ended == control_thread::ending::returned) return std::move(**answer);
  return no_answer(instance, ended, call, std::move(about), limit);
}

template <class Answer>
result<Answer> call_bounded(plugin_instance& instance, std::string_view call, std::string about,
                            std::function<result<Answer>()> body) {
  return call_bounded<Answer>(instance, call, std::move(about), instance.services.call_limit, std::move(body));
}

}  // namespace tocsin
