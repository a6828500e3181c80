// SPDX-License-Identifier: Apache-2.0
// Where a plugin's work comes back to the kit's host: outcomes, events, stages, secrets, answers to requests.
#include "sdk/conformance/src/blackbox.hpp"
#include "sdk/conformance/src/host_tables.hpp"

#include <algorithm>

namespace tocsin::conformance {

void kit_host::tables::complete(void* context, const tocsin_outcome* const* outcomes, std::uint64_t count) {
  kit_host* host = enter(context, "complete.complete", laws::complete, true);
  if (host == nullptr) return;
  if (count != 0 && outcomes == nullptr) return host->breach(laws::complete, "its list of outcomes is null");
  for (std::uint64_t index = 0; index < count; ++index) {
    const tocsin_outcome* one = outcomes[index];
    if (!check_struct(*host, one, sizeof(tocsin_outcome), "a tocsin_outcome")) continue;
    seen_outcome seen{one->delivery, one->outcome_class, take_text(*host, one->code, "an outcome's code"),
                      take_text(*host, one->detail, "an outcome's detail"),
                      take_text(*host, one->server_reply, "an outcome's server_reply")};
    const std::string transcript = take_text(*host, one->transcript, "an outcome's transcript");
    constexpr std::size_t most_transcript = 8 * 1024;
    if (transcript.size() > most_transcript)
      host->breach(laws::outcome, "an outcome's transcript has " + std::to_string(transcript.size()) + " bytes");
    if (const std::string wrong = host->deliveries.answer(one->delivery); !wrong.empty())
      host->breach(laws::complete, wrong);
    const std::lock_guard lock(host->mutex_);
    host->outcomes_.push_back(std::move(seen));
  }
  host->noticed();
}

void kit_host::tables::answer_publication(kit_host& host, tocsin_token source, std::uint64_t ticket,
                                          std::uint64_t events, bool good) {
  host.worker.post([&host, source, ticket, events, good] {
    {
      const std::lock_guard lock(host.mutex_);
      host.sources_[{source.index, source.generation}].under_way -= std::max<std::uint64_t>(events, 1);
    }
    static const char name[] = TOCSIN_EXT_SOURCE;
    static const char reason[] = "the disk is full";
    const auto* table =
        static_cast<const tocsin_source*>(host.plugin->get_extension(host.plugin->self, {name, sizeof(name) - 1}));
    if (table == nullptr) return;
    tocsin_publish_result result{};
    result.struct_size = sizeof(result);
    result.status = good ? TOCSIN_OK : TOCSIN_FAILED;
    result.accepted = good ? events : 0;
    if (!good) result.reason = {reason, sizeof(reason) - 1};
    call_on_worker(host, "source.published", [&] { table->published(host.plugin->self, source, ticket, &result); });
  });
}

tocsin_status kit_host::tables::publish(void* context, tocsin_token source, std::uint64_t ticket,
                                        const tocsin_event* const* events, std::uint64_t event_count,
                                        const tocsin_field* memory, std::uint64_t memory_count,
                                        const tocsin_sink* error) {
  kit_host* host = enter(context, "publish.publish", laws::publish, true);
  if (host == nullptr) return TOCSIN_UNAVAILABLE;
  if (event_count != 0 && events == nullptr) {
    host->breach(laws::publish, "its list of events is null");
    return TOCSIN_INVALID;
  }
  seen_publication seen{source, ticket, {}, TOCSIN_OK};
  for (std::uint64_t index = 0; index < event_count; ++index) {
    const tocsin_event* one = events[index];
    if (!check_struct(*host, one, sizeof(tocsin_event), "a tocsin_event")) return TOCSIN_INVALID;
    seen.ids.push_back(take_text(*host, one->id, "an event's id"));
    const std::string from = take_text(*host, one->source, "an event's source");
    const std::string type = take_text(*host, one->type, "an event's type");
    take_text(*host, one->subject, "an event's subject");
    take_bytes(*host, one->data, "an event's data");
    if (seen.ids.back().empty() || from.empty() || type.empty())
      host->breach(laws::event, "it published an event with id " + shown(seen.ids.back()) + ", source " + shown(from) +
                                    " and type " + shown(type));
  }
  for (std::uint64_t index = 0; memory != nullptr && index < memory_count; ++index) {
    take_text(*host, memory[index].name, "a memory entry's name");
    take_text(*host, memory[index].value, "a memory entry's value");
  }
  const publish_answer how = host->plan_.publishing;
  std::string wrong;
  {
    const std::lock_guard lock(host->mutex_);
    const auto found = host->sources_.find({source.index, source.generation});
    const std::uint64_t taken = std::max<std::uint64_t>(event_count, 1);  // memory alone takes one credit
    if (found == host->sources_.end() && host->opening_) {
      seen.answer = TOCSIN_UNAVAILABLE;  // its token is not known yet
    } else if (found == host->sources_.end() || !found->second.open) {
      wrong = "it published for source " + to_text(source) + ", which is not open";
      seen.answer = TOCSIN_INVALID;
    } else if (taken > host->plan_.credits) {
      seen.answer = TOCSIN_INVALID;
    } else if (how == publish_answer::unavailable || found->second.under_way + taken > host->plan_.credits) {
      seen.answer = TOCSIN_UNAVAILABLE;
    } else if (how == publish_answer::invalid) {
      seen.answer = TOCSIN_INVALID;
    } else {
      found->second.under_way += taken;
    }
    host->publications_.push_back(seen);
  }
  if (!wrong.empty()) host->breach(laws::publish, wrong);
  if (seen.answer == TOCSIN_OK) {
    if (how != publish_answer::never_answers)
      answer_publication(*host, source, ticket, event_count, how == publish_answer::accept);
  } else if (error != nullptr) {
    write_to_plugin(*host, error,
                    seen.answer == TOCSIN_INVALID ? "the kit refuses this event" : "the source has no credits left",
                    "the error sink of publish()");
  }
  host->noticed();
  return seen.answer;
}

tocsin_status kit_host::tables::recall(void* context, tocsin_token source, tocsin_string name,
                                       const tocsin_sink* value) {
  kit_host* host = enter(context, "publish.recall", laws::recall, true);
  if (host == nullptr) return TOCSIN_FAILED;
  take_text(*host, name, "the name of recall()");
  if (blackbox::current_kind() == TOCSIN_THREAD_OTHER)
    host->breach(laws::recall, "it called recall() on a thread of its own");
  check_struct(*host, value, sizeof(tocsin_sink), "the value sink of recall()");
  const std::lock_guard lock(host->mutex_);
  const auto found = host->sources_.find({source.index, source.generation});
  if (!host->opening_ && (found == host->sources_.end() || !found->second.open)) {
    host->breach(laws::recall, "it called recall() for source " + to_text(source) + ", which is not open");
    return TOCSIN_INVALID;
  }
  return host->plan_.recall_fails ? TOCSIN_FAILED : TOCSIN_OK;
}

void kit_host::tables::doctor_stage(void* context, tocsin_token run, const tocsin_stage* stage) {
  kit_host* host = enter(context, "doctor.stage", laws::stage, true);
  if (host == nullptr || !check_struct(*host, stage, sizeof(tocsin_stage), "a tocsin_stage")) return;
  if (!host->runs.known(run) || host->runs.answered(run))
    host->breach(laws::stage, "it reported a stage of diagnosis " + to_text(run) + ", which " +
                                  (host->runs.known(run) ? "has ended" : "it never got"));
  seen_stage seen{take_text(*host, stage->stage, "a stage's name"), take_text(*host, stage->code, "a stage's code"),
                  stage->ok != 0};
  const std::string detail = take_text(*host, stage->detail, "a stage's detail");
  if (!is_one_line(detail)) host->breach(laws::stage, "a stage's detail is not one line: " + shown(detail));
  take_text(*host, stage->facts, "a stage's facts");
  {
    const std::lock_guard lock(host->mutex_);
    host->stages_.push_back(std::move(seen));
  }
  host->noticed();
}

void kit_host::tables::doctor_done(void* context, tocsin_token run) {
  kit_host* host = enter(context, "doctor.done", laws::stage, true);
  if (host == nullptr) return;
  if (const std::string wrong = host->runs.answer(run); !wrong.empty()) host->breach(laws::stage, wrong);
  host->noticed();
}

void kit_host::tables::answer_secret(void* context, tocsin_token request, const tocsin_secret_answer* answer) {
  kit_host* host = enter(context, "secret_answer.answer", laws::secret_answer, true);
  if (host == nullptr || !check_struct(*host, answer, sizeof(tocsin_secret_answer), "a tocsin_secret_answer")) return;
  const std::string value = take_bytes(*host, answer->value, "a secret's value");
  const std::string reason = take_text(*host, answer->reason, "a secret answer's reason");
  if (answer->status != TOCSIN_OK && (reason.empty() || !is_one_line(reason)))
    host->breach(laws::secret_answer, "its answer without a secret gives as its reason " + shown(reason));
  if (answer->status != TOCSIN_OK && !value.empty())
    host->breach(laws::secret_answer, "its answer has a status that is not TOCSIN_OK, and a value");
  if (const std::string wrong = host->secret_requests.answer(request); !wrong.empty())
    host->breach(laws::secret_answer, wrong);
  host->noticed();
}

void kit_host::tables::answer_call(void* context, tocsin_token call, const tocsin_http_answer* answer) {
  kit_host* host = enter(context, "http_answer.answer", laws::http_answer, true);
  if (host == nullptr || !check_struct(*host, answer, sizeof(tocsin_http_answer), "a tocsin_http_answer")) return;
  take_text(*host, answer->content_type, "an answer's content_type");
  take_bytes(*host, answer->body, "an answer's body");
  if (answer->status < 200 || answer->status > 599)
    host->breach(laws::http_answer, "it answered with status " + std::to_string(answer->status));
  if (const std::string wrong = host->http_calls.answer(call); !wrong.empty()) host->breach(laws::http_answer, wrong);
  host->noticed();
}

}  // namespace tocsin::conformance
