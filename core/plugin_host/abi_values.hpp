// Values on their way over the binary interface: strings, structs of another age, sinks, and the host's own types.
#pragma once

#include "core/model/endpoint.hpp"
#include "core/model/event.hpp"
#include "core/model/fault.hpp"
#include "core/model/message.hpp"

#include <tocsin/abi/endpoint.h>
#include <tocsin/abi/event.h>
#include <tocsin/abi/message.h>
#include <tocsin/abi/outcome.h>
#include <tocsin/abi/types.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::abi {

inline std::string_view view(tocsin_string text) {
  return text.data ? std::string_view(text.data, static_cast<std::size_t>(text.size)) : std::string_view();
}
inline tocsin_string borrow(std::string_view text) { return {text.data(), text.size()}; }

// The struct as far as its sender knows it; what is newer than the sender is 0.
template <class T>
T copy_known(const T* from) {
  T value{};
  std::memcpy(&value, from, std::min<std::size_t>(from->struct_size, sizeof(T)));
  value.struct_size = sizeof(T);
  return value;
}

// A plugin's words as the host keeps and shows them: valid UTF-8 (what is not becomes U+FFFD), at most `limit` bytes,
// secrets blotted out. line() also turns every control character into a space; text() keeps tab and line feed.
std::string line(tocsin_string words, std::size_t limit = 4096);
std::string text(tocsin_string words, std::size_t limit);
// A name out of a fixed list, such as a code or a stage: as line(), but not searched for secrets.
std::string name(tocsin_string words);

// UTF-8 without NUL.
bool is_text(std::string_view words);

// A sink that gathers what a plugin writes, up to a limit.
class gathering_sink {
 public:
  // on_late: for a checked host; called when the plugin writes after the call that the sink was for. Without it such a
  // write is undefined.
  explicit gathering_sink(std::function<void()> on_late = {}, std::size_t limit = 16 * 1024);
  ~gathering_sink();
  gathering_sink(const gathering_sink&) = delete;
  gathering_sink& operator=(const gathering_sink&) = delete;

  const tocsin_sink* raw() const;
  // What was written, as it came: up to the limit.
  const std::string& written() const;
  // As line(), ended with a full stop; or `otherwise` if nothing was written.
  std::string words(std::string_view otherwise) const;

 private:
  struct content;
  std::unique_ptr<content> content_;
};

// Writes to a sink of the plugin's; TOCSIN_OK if it took all. A null sink takes nothing and that is well.
tocsin_status write_to(const tocsin_sink* sink, std::string_view what);

// An event out of a plugin's. A fault (EVENT_INVALID) if it has no form of ours; validate() is the caller's.
result<event> read_event(const tocsin_event& from);

// A tocsin_endpoint and what it borrows. `pool` as in tocsin_endpoint.
class endpoint_view {
 public:
  endpoint_view(const endpoint_settings& settings, std::string pool);
  endpoint_view(const endpoint_view&) = delete;
  endpoint_view& operator=(const endpoint_view&) = delete;
  const tocsin_endpoint* raw() const { return &raw_; }

 private:
  std::string settings_, preset_, pool_;
  tocsin_endpoint raw_{};
};
// The pool that all views of an endpoint share.
std::string pool_of(const endpoint_settings& settings);

// Events as a subscriber gets them; borrows from the events that it was made of.
class event_batch {
 public:
  explicit event_batch(std::span<const std::shared_ptr<const event>> events);
  event_batch(const event_batch&) = delete;
  event_batch& operator=(const event_batch&) = delete;
  const tocsin_event* const* data() const { return pointers_.data(); }
  std::size_t size() const { return pointers_.size(); }

 private:
  std::vector<tocsin_event> events_;
  std::deque<std::vector<tocsin_field>> attributes_;
  std::vector<const tocsin_event*> pointers_;
};

// Messages as a channel gets them; borrows from the messages that it was made of.
class message_batch {
 public:
  explicit message_batch(std::span<const outgoing_message> messages);
  message_batch(const message_batch&) = delete;
  message_batch& operator=(const message_batch&) = delete;
  const tocsin_message* const* data() const { return pointers_.data(); }
  std::size_t size() const { return pointers_.size(); }

 private:
  std::vector<tocsin_message> messages_;
  std::vector<tocsin_event> events_;
  std::deque<std::vector<tocsin_field>> attributes_;
  std::vector<const tocsin_message*> pointers_;
};

// {index: the delivery, generation: its attempt}.
inline tocsin_token delivery_token(delivery_id delivery, std::uint32_t attempt) {
  return {static_cast<std::uint64_t>(delivery), attempt};
}

// An outcome out of a plugin's: its words clean, an unknown class as transient.
outcome read_outcome(const tocsin_outcome& from);

}  // namespace tocsin::abi
