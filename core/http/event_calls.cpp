// Calls of the API that take events in.
#include "core/http/api_exchange.hpp"
#include "core/model/cloudevents.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tocsin {
namespace {

constexpr std::string_view batch_type = "application/cloudevents-batch+json";

std::string accepted_body(const std::vector<accept_answer>& answers) {
  const auto duplicates =
      std::count_if(answers.begin(), answers.end(), [](const accept_answer& answer) { return answer.duplicate; });
  std::string body = R"({"accepted":)" + std::to_string(static_cast<std::ptrdiff_t>(answers.size()) - duplicates) +
                     R"(,"duplicates":)" + std::to_string(duplicates) + R"(,"events":[)";
  for (const auto& answer : answers) {
    body += body.back() == '[' ? R"({"id":")" : R"(,{"id":")";
    body += to_text(answer.id);
    body += answer.duplicate ? R"(","duplicate":true,"deliveries":)" : R"(","duplicate":false,"deliveries":)";
    body += std::to_string(answer.deliveries) + "}";
  }
  return body + "]}";
}

http_answer accepted(const std::vector<accept_answer>& answers) {
  http_answer answer;
  answer.status = 202;
  answer.body = accepted_body(answers);
  return answer;
}

result<std::vector<event>> parse_events(const http_request& request) {
  if (request.content_type == batch_type) return parse_cloudevent_batch(request.body);
  auto one = parse_cloudevent(request.body);
  if (!one) return one.error();
  std::vector<event> events;
  events.push_back(std::move(*one));
  return events;
}

// An event without an organization becomes the token's own. An answer: one of them may not be published with it.
std::optional<http_answer> claim(std::vector<event>& events, const principal& by) {
  for (std::size_t at = 0; at < events.size(); ++at) {
    auto& one = events[at];
    if (by.is_bound() && one.organization.empty()) one.organization = *by.organization;
    const auto event = "Event " + std::to_string(at);
    if (!by.reaches(one.organization)) {
      return problem(403,
                     {"ORGANIZATION_FORBIDDEN",
                      event + " names the organization \"" + one.organization + "\", and the token \"" + by.name +
                          "\" is bound to another one.",
                      "Leave the organization out, or use that one's token.", at_key("organization")},
                     "Forbidden");
    }
    if (!by.may_publish_type(one.type)) {
      return problem(
          403,
          {"TYPE_FORBIDDEN",
           event + " has the type \"" + one.type + "\", which the token \"" + by.name + "\" may not publish.",
           "Use a token that allows this type.", at_key("type")},
          "Forbidden");
    }
  }
  return std::nullopt;
}

}  // namespace

void api_exchange::publish() {
  auto events = parse_events(request);
  if (!events) return done(bad_request(events.error()));
  if (auto refused = claim(*events, *by)) return done(std::move(*refused));
  if (events->empty()) return done(accepted({}));
  auto self = std::make_shared<api_exchange>(std::move(*this));
  self->request.body = {};
  self->parts.publish({std::move(*events), {}}, [self](result<std::vector<accept_answer>> answers) {
    self->answer_with(
        [answers = std::move(answers)] { return answers ? accepted(*answers) : refusal(answers.error()); });
  });
}

}  // namespace tocsin
