// tocsin.host.publish/1: events and memory of a source on their way into the house, within its credits.
#include "core/model/cloudevents.hpp"
#include "core/observe/log.hpp"
#include "core/plugin_host/abi_values.hpp"
#include "core/plugin_host/calls/guarded_call.hpp"
#include "core/plugin_host/extensions/checked_calls.hpp"
#include "core/plugin_host/extensions/host_extensions.hpp"

#include <algorithm>
#include <future>
#include <initializer_list>
#include <memory>
#include <string_view>
#include <utility>

namespace tocsin {
namespace {

using source_ptr = source_table::entry_ptr;

tocsin_status refuse(const tocsin_sink* error, std::string_view why, tocsin_status status = TOCSIN_INVALID) {
  abi::write_to(error, why);
  return status;
}

result<std::vector<event>> read_events(const tocsin_event* const* events, std::uint64_t count) {
  std::vector<event> read;
  read.reserve(static_cast<std::size_t>(count));
  for (std::uint64_t index = 0; index < count; ++index) {
    const auto refuse_event = [&](const fault& why) {
      return fault{"EVENT_INVALID", "event " + std::to_string(index) + ": " + why.to_string(), {}, {}};
    };
    if (!events || !events[index]) return refuse_event({"EVENT_INVALID", "it is missing.", {}, {}});
    auto value = abi::read_event(*events[index]);
    if (!value) return refuse_event(value.error());
    if (auto valid = validate(*value); !valid) return refuse_event(valid.error());
    read.push_back(std::move(*value));
  }
  return read;
}

tocsin_status status_of(const result<publication_result>& came) {
  if (came) return TOCSIN_OK;
  const std::string& code = came.error().code;
  if (code == "EVENT_INVALID") return TOCSIN_INVALID;
  if (code == "BUS_BUSY" || code == "BUS_STOPPED" || code == "STORE_FULL" || code == "STORE_CLOSED")
    return TOCSIN_UNAVAILABLE;
  return TOCSIN_FAILED;
}

bool is_plugin_itself(tocsin_token source) { return source.index == 0 && source.generation == 0; }

// For a checked host.
void check_arguments(plugin_instance& instance, const tocsin_event* const* events, std::uint64_t event_count,
                     const tocsin_field* memory, std::uint64_t memory_count) {
  const argument_check check(instance, "publish");
  if (!check) return;
  check.list("events", events, event_count);
  check.fields("memory", memory, memory_count);
  for (std::uint64_t index = 0; events && index < event_count; ++index) {
    if (!events[index]) continue;
    check.size("tocsin_event", events[index]->struct_size, TOCSIN_ENDS_AFTER(tocsin_event, type));
    const tocsin_event event = abi::copy_known(events[index]);
    for (const auto& [what, text] : std::initializer_list<std::pair<std::string_view, tocsin_string>>{
             {"event.id", event.id},
             {"event.source", event.source},
             {"event.type", event.type},
             {"event.subject", event.subject},
             {"event.data_content_type", event.data_content_type},
             {"event.organization", event.organization},
             {"event.severity", event.severity},
             {"event.recipient", event.recipient},
             {"event.language", event.language},
             {"event.dedupkey", event.dedupkey},
             {"event.component", event.component},
             {"event.folder", event.folder},
             {"event.traceparent", event.traceparent}})
      check.text(what, text);
    check.bytes("event.data", event.data);
    check.fields("event.attributes", event.attributes, event.attribute_count);
  }
}

// On the plugin's queue, after the commit or the refusal.
void answer(plugin_instance& instance, tocsin_token source, std::uint64_t ticket,
            const result<publication_result>& came) {
  tocsin_publish_result shown{};
  shown.struct_size = sizeof(shown);
  shown.status = status_of(came);
  const std::string reason = came ? std::string() : came.error().to_string();
  shown.reason = abi::borrow(reason);
  if (came) {
    shown.accepted = came->accepted;
    shown.duplicates = came->duplicates;
  }
  if (!instance.tables.source) {
    if (!came) {
      log::write(log::level::error, "events of a plugin's own were not taken",
                 {{"plugin", instance.about.id}, {"ticket", std::to_string(ticket)}, {"why", reason}});
    }
    return;
  }
  const auto pass = enter_once_started(instance);
  if (!pass) return;
  guarded_call(instance, "source.published", {.kind = "ticket", .number = ticket},
               [&] { instance.tables.source->published(instance.plugin->self, source, ticket, &shown); });
}

tocsin_status publish(void* context, tocsin_token source, std::uint64_t ticket, const tocsin_event* const* events,
                      std::uint64_t event_count, const tocsin_field* memory, std::uint64_t memory_count,
                      const tocsin_sink* error) {
  return host_call(
      context, allowed::running, "publish", tocsin_status{TOCSIN_UNAVAILABLE},
      [&](plugin_instance& instance) -> tocsin_status {
        const bool own = is_plugin_itself(source);
        if (!own && !instance.tables.source) return refuse(error, "the plugin is no source");
        // Held until published() has returned: stop() waits for that.
        auto unanswered = std::make_shared<callback_gate::pass>(instance.publications.enter());
        if (!*unanswered) return refuse(error, "the plugin is being stopped", TOCSIN_UNAVAILABLE);
        const bool opening = instance.sources.is_opening();
        const source_ptr entry = own ? instance.own_events : instance.sources.find(source);
        if (!entry && opening) {
          return refuse(error, "no such source is open yet: try again when open() has returned", TOCSIN_UNAVAILABLE);
        }
        if (!entry) return refuse(error, "no such source is open");
        // Memory alone takes a credit, too, so that it is held back like all else.
        const std::uint64_t cost = std::max<std::uint64_t>(event_count, 1);
        if (cost > entry->credits()) {
          return refuse(error, std::to_string(event_count) + " events at once are more than all " +
                                   std::to_string(entry->credits()) + " credits: hand in fewer");
        }
        if (!entry->take_credits(cost)) {
          argument_check(instance, "publish").breach("it published more events than it has credits", entry->name());
          return refuse(error, "no credit is left", TOCSIN_UNAVAILABLE);
        }
        check_arguments(instance, events, event_count, memory, memory_count);
        auto read = read_events(events, event_count);
        if (!read) {
          entry->give_back(cost);
          std::string why = read.error().to_string();
          const tocsin_status refused = refuse(error, why);
          // Not every author looks at what publish() answers, and nothing else would tell of an event that is lost.
          instance.misbehaves("it published an event that is not valid", std::move(why));
          return refused;
        }
        source_publication publication{entry->name(), std::move(*read), {}};
        for (std::uint64_t index = 0; memory && index < memory_count; ++index)
          publication.memory.push_back(
              {entry->name(), std::string(abi::view(memory[index].name)), std::string(abi::view(memory[index].value))});
        instance.services.publish(std::move(publication), [&instance, entry, unanswered, source, ticket,
                                                           cost](result<publication_result> came) mutable {
          instance.tasks.post(
              [&instance, entry, unanswered = std::move(unanswered), source, ticket, cost, came = std::move(came)] {
                entry->give_back(cost);
                answer(instance, source, ticket, came);
              });
        });
        return TOCSIN_OK;
      });
}

tocsin_status recall(void* context, tocsin_token source, tocsin_string name, const tocsin_sink* value) {
  return host_call(context, allowed::running, "recall", tocsin_status{TOCSIN_UNAVAILABLE},
                   [&](plugin_instance& instance) -> tocsin_status {
                     const source_ptr entry =
                         is_plugin_itself(source) ? instance.own_events : instance.sources.find_or_opening(source);
                     if (!entry) return TOCSIN_INVALID;
                     const auto waiting = std::make_shared<std::promise<result<std::string>>>();
                     auto answer = waiting->get_future();
                     instance.services.recall(
                         entry->name(), std::string(abi::view(name)),
                         [waiting](result<std::string> remembered) { waiting->set_value(std::move(remembered)); });
                     const result<std::string> remembered = answer.get();
                     return remembered ? abi::write_to(value, *remembered) : tocsin_status{TOCSIN_FAILED};
                   });
}

}  // namespace

const tocsin_host_publish host_publish_table{sizeof(tocsin_host_publish), 0, &publish, &recall};

}  // namespace tocsin
