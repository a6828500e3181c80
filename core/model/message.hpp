// A message as the delivery engine hands it to a channel, and the channel as the engine sees it.
#pragma once

#include "core/model/endpoint.hpp"
#include "core/model/event.hpp"
#include "core/model/fault.hpp"
#include "core/model/identifier.hpp"
#include "core/model/outcome.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace tocsin {

// The rendered parts of a message; those that were not asked for are empty.
struct rendered_parts {
  std::string subject;  // one line
  std::string text;     // lines end in LF
  std::string html;     // a whole document
};

// Names an endpoint that a plugin has open.
struct endpoint_token {
  std::uint64_t index = 0;
  std::uint64_t generation = 0;
  auto operator<=>(const endpoint_token&) const = default;
};

struct outgoing_message {
  delivery_id delivery{};
  std::uint32_t attempt = 1;
  endpoint_token endpoint;
  std::string recipient;
  std::string organization;
  std::string language;
  std::string message_id;
  time_ms created = 0;
  rendered_parts parts;
  std::shared_ptr<const event> payload;
};

struct opened_endpoint {
  endpoint_token token;
  std::uint32_t slots = 1;
};

// A stage of a diagnosis, as `doctor` prints it.
struct diagnosis_stage {
  std::string stage;
  bool ok = false;
  std::string code;
  std::string detail;
  std::uint64_t duration_ms = 0;
  std::string facts;  // JSON object or empty
};

// A plugin with the channel capability. Implemented by the plugin host.
class channel_port {
 public:
  virtual ~channel_port() = default;
  // [one thread at a time]
  virtual result<opened_endpoint> open(const endpoint_settings& settings) = 0;
  virtual void close(endpoint_token endpoint) = 0;
  // Outcomes come later, from any thread, through the handler that the plugin host was given. [any thread]
  virtual void deliver(std::span<const outgoing_message> messages) = 0;
  virtual void cancel(std::span<const outgoing_message> messages) = 0;
  // They were not completed in time: who is to blame is reported, and an outcome that comes after all is passed over.
  virtual void take_back(std::span<const outgoing_message> messages, std::chrono::milliseconds after) {
    static_cast<void>(messages);
    static_cast<void>(after);
  }
  // Which parts to render.
  virtual bool wants(std::string_view part) const = 0;
};

// Finds the plugin that serves a channel. Null: there is none (not installed, refused, failed). [any thread]
using channel_directory = std::function<std::shared_ptr<channel_port>(const std::string& plugin_id)>;

// Takes outcomes as channels report them. [any thread]
using outcome_handler = std::function<void(std::vector<outcome>)>;

}  // namespace tocsin
