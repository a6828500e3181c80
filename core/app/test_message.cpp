#include "core/app/test_message.hpp"

#include <unistd.h>

#include "core/rendering/renderer.hpp"

namespace tocsin::app {

outgoing_message test_message(const endpoint_settings& endpoint, const std::string& recipient, time_ms now) {
  auto about = std::make_shared<event>();
  about->id = std::to_string(now) + "-" + std::to_string(getpid());
  about->source = "/tocsin/send-test";
  about->type = "tocsin.test";
  about->subject = "Test message of the channel \"" + endpoint.key.channel + "\"";
  about->time = now;
  about->organization = endpoint.organization;
  about->severity = severity::success;
  about->data = R"({"result":"This channel works: the message in front of you came through it."})";

  outgoing_message message;
  message.delivery = delivery_id{1};
  message.recipient = recipient;
  message.organization = endpoint.organization;
  message.language = "en";
  message.message_id = "test." + about->id + "@tocsin.localdomain";
  message.created = now;
  const renderer templates;
  render_request request;
  request.event = about.get();
  request.organization = endpoint.organization;
  if (auto parts = templates.render(request, [](std::string_view) { return true; })) message.parts = std::move(*parts);
  message.payload = std::move(about);
  return message;
}

}  // namespace tocsin::app
