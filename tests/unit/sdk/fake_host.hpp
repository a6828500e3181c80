// A host for tests of plugins: keeps what a plugin hands in, and has only the extensions that a test leaves it.
#pragma once

#include <tocsin/abi/ext/channel.h>
#include <tocsin/abi/ext/clock.h>
#include <tocsin/abi/ext/log.h>
#include <tocsin/abi/ext/secrets.h>
#include <tocsin/abi/ext/source.h>
#include <tocsin/abi/host.h>
#include <tocsin/sdk/string.hpp>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace tocsin::test {

class fake_host {
 public:
  struct outcome {
    tocsin_token delivery;
    std::uint32_t result;
    std::string code;
    std::string detail;
  };
  struct publication {
    tocsin_token source;
    std::uint64_t ticket;
    std::vector<std::string> ids;
    std::map<std::string, std::string> memory;
  };

  explicit fake_host(std::set<std::string> lacking = {}) : lacking_(std::move(lacking)) {
    raw_ = tocsin_host{sizeof(tocsin_host), 0x10000, this, sdk::to_abi("fake"), sdk::to_abi("1.0.0"), &get_extension};
  }
  fake_host(const fake_host&) = delete;
  fake_host& operator=(const fake_host&) = delete;

  const tocsin_host* raw() const { return &raw_; }

  std::vector<std::string> log;  // "text name=value ..."
  std::vector<outcome> outcomes;
  std::uint64_t completed = 0;
  bool keep_outcomes = true;
  std::vector<publication> publications;
  std::map<std::string, std::string> memory;
  std::map<std::uint64_t, std::string> secrets;
  std::map<std::uint64_t, std::uint64_t> timers;
  std::int64_t now_ms = 0;

 private:
  static fake_host& self(void* context) { return *static_cast<fake_host*>(context); }

  static const void* get_extension(void* context, tocsin_string id) {
    const std::string name(sdk::view(id));
    if (self(context).lacking_.count(name) != 0) return nullptr;
    static const tocsin_host_log log{sizeof(tocsin_host_log), 0, &write};
    static const tocsin_host_clock clock{sizeof(tocsin_host_clock), 0, [](void* c) { return self(c).now_ms; },
                                         [](void* c) { return static_cast<std::uint64_t>(self(c).now_ms) * 1000000; }};
    static const tocsin_host_timer timer{
        sizeof(tocsin_host_timer), 0,
        [](void* c, std::uint64_t timer_id, std::uint64_t delay) { self(c).timers[timer_id] = delay; },
        [](void* c, std::uint64_t timer_id) { self(c).timers.erase(timer_id); }};
    static const tocsin_host_secrets secrets{sizeof(tocsin_host_secrets), 0, &reveal};
    static const tocsin_host_complete complete{sizeof(tocsin_host_complete), 0, &take_outcomes};
    static const tocsin_host_publish publish{sizeof(tocsin_host_publish), 0, &take_events, &recall};
    static const std::map<std::string, const void*> tables = {
        {TOCSIN_HOST_LOG, &log},         {TOCSIN_HOST_CLOCK, &clock},       {TOCSIN_HOST_TIMER, &timer},
        {TOCSIN_HOST_SECRETS, &secrets}, {TOCSIN_HOST_COMPLETE, &complete}, {TOCSIN_HOST_PUBLISH, &publish}};
    const auto found = tables.find(name);
    return found == tables.end() ? nullptr : found->second;
  }

  static void write(void* context, tocsin_log_level, tocsin_string text, const tocsin_field* fields,
                    std::uint64_t count) {
    std::string line(sdk::view(text));
    for (std::uint64_t i = 0; i < count; ++i) {
      line.append(" ").append(sdk::view(fields[i].name)).append("=").append(sdk::view(fields[i].value));
    }
    self(context).log.push_back(line);
  }

  static tocsin_status reveal(void* context, std::uint64_t handle, const tocsin_sink* value, const tocsin_sink* error) {
    const auto found = self(context).secrets.find(handle);
    if (found == self(context).secrets.end()) {
      sdk::write(error, "no such secret");
      return TOCSIN_FAILED;
    }
    sdk::write(value, found->second);
    return TOCSIN_OK;
  }

  static void take_outcomes(void* context, const tocsin_outcome* const* list, std::uint64_t count) {
    self(context).completed += count;
    if (!self(context).keep_outcomes) return;
    for (std::uint64_t i = 0; i < count; ++i) {
      self(context).outcomes.push_back(outcome{list[i]->delivery, list[i]->outcome_class,
                                               std::string(sdk::view(list[i]->code)),
                                               std::string(sdk::view(list[i]->detail))});
    }
  }

  static tocsin_status take_events(void* context, tocsin_token source, std::uint64_t ticket,
                                   const tocsin_event* const* events, std::uint64_t event_count,
                                   const tocsin_field* memory, std::uint64_t memory_count, const tocsin_sink* error) {
    publication taken{source, ticket, {}, {}};
    for (std::uint64_t i = 0; i < event_count; ++i) {
      if (events[i]->id.size == 0) {
        sdk::write(error, "event 0 has no id");
        return TOCSIN_INVALID;
      }
      taken.ids.emplace_back(sdk::view(events[i]->id));
    }
    for (std::uint64_t i = 0; i < memory_count; ++i) {
      const std::string name(sdk::view(memory[i].name));
      taken.memory[name] = std::string(sdk::view(memory[i].value));
      self(context).memory[name] = taken.memory[name];
    }
    self(context).publications.push_back(taken);
    return TOCSIN_OK;
  }

  static tocsin_status recall(void* context, tocsin_token, tocsin_string name, const tocsin_sink* value) {
    const auto found = self(context).memory.find(std::string(sdk::view(name)));
    if (found != self(context).memory.end()) sdk::write(value, found->second);
    return TOCSIN_OK;
  }

  std::set<std::string> lacking_;
  tocsin_host raw_{};
};

}  // namespace tocsin::test
