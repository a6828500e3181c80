// Converts between the host's types and those of the binary interface.
#include "core/plugin_host/abi_values.hpp"

#include "core/model/utf8.hpp"
#include "core/observe/log.hpp"

#include <boost/json.hpp>

#include <atomic>
#include <chrono>
#include <mutex>
#include <utility>

namespace tocsin::abi {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";  // U+FFFD
constexpr std::size_t max_transcript_bytes = 8 * 1024;
constexpr std::size_t longest_name = 64;

bool plain(std::string_view words) {
  return std::all_of(words.begin(), words.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

// safe: without secrets.
std::string clean(std::string safe, std::size_t limit, bool one_line) {
  if (safe.size() <= limit && plain(safe)) return safe;
  std::string kept;
  for (std::string_view rest = safe; !rest.empty();) {
    const std::size_t length = first_character(rest).size;
    std::string_view piece = length == 0 ? replacement : rest.substr(0, length);
    const auto byte = static_cast<unsigned char>(rest.front());
    const bool control = byte < 0x20 || byte == 0x7f;
    if (control && (one_line || (byte != '\n' && byte != '\t'))) piece = " ";
    if (kept.size() + piece.size() > limit) break;
    kept += piece;
    rest.remove_prefix(std::max<std::size_t>(length, 1));
  }
  while (one_line && !kept.empty() && kept.back() == ' ') kept.pop_back();
  return kept;
}

// Blotted before it is cut, so that no half of a secret is left at the end.
std::string without_secrets(std::string_view words, std::size_t limit) {
  return log::redact(words.substr(0, limit * 2));
}

tocsin_event borrow_event(const event& from, std::vector<tocsin_field>& attributes) {
  for (const auto& [name, value] : from.attributes) attributes.push_back({borrow(name), borrow(value)});
  tocsin_event to{};
  to.struct_size = sizeof(to);
  to.id = borrow(from.id);
  to.source = borrow(from.source);
  to.type = borrow(from.type);
  to.subject = borrow(from.subject);
  to.time_ms = from.time.value_or(TOCSIN_NO_TIME);
  to.data_content_type = borrow(from.data_content_type);
  to.data = {reinterpret_cast<const std::uint8_t*>(from.data.data()), from.data.size()};
  to.organization = borrow(from.organization);
  to.severity = borrow(to_text(from.severity));
  to.recipient = borrow(from.recipient);
  to.language = borrow(from.language);
  to.dedupkey = borrow(from.dedupkey);
  to.component = borrow(from.component);
  to.folder = borrow(from.folder);
  to.expires_ms = from.expires.value_or(TOCSIN_NO_TIME);
  to.traceparent = borrow(from.traceparent);
  to.attributes = attributes.data();
  to.attribute_count = attributes.size();
  return to;
}

std::optional<time_ms> read_time(std::int64_t time) {
  return time == TOCSIN_NO_TIME ? std::nullopt : std::optional<time_ms>(time);
}

}  // namespace

std::string line(tocsin_string words, std::size_t limit) {
  const std::string_view seen = view(words);
  return seen.empty() ? std::string() : clean(without_secrets(seen, limit), limit, true);
}

std::string text(tocsin_string words, std::size_t limit) {
  const std::string_view seen = view(words);
  return seen.empty() ? std::string() : clean(without_secrets(seen, limit), limit, false);
}

std::string name(tocsin_string words) {
  return clean(std::string(view(words).substr(0, longest_name)), longest_name, true);
}

bool is_text(std::string_view words) {
  while (!words.empty()) {
    const std::size_t length = first_character(words).size;
    if (length == 0 || words.front() == 0) return false;
    words.remove_prefix(length);
  }
  return true;
}

struct gathering_sink::content {
  std::function<void()> on_late;
  std::size_t limit;
  std::string gathered;
  std::atomic<bool> over{false};
  tocsin_sink sink{sizeof(tocsin_sink), 0, this, &write};

  static tocsin_status write(void* context, tocsin_bytes data) {
    auto& self = *static_cast<content*>(context);
    if (self.over) {
      self.on_late();
      return TOCSIN_INVALID;
    }
    if (!data.data) return data.size == 0 ? TOCSIN_OK : TOCSIN_INVALID;
    const std::size_t room = self.limit - self.gathered.size();
    const std::size_t taken = std::min<std::size_t>(room, static_cast<std::size_t>(data.size));
    self.gathered.append(reinterpret_cast<const char*>(data.data), taken);
    return taken == data.size ? TOCSIN_OK : TOCSIN_NO_MEMORY;
  }
};

gathering_sink::gathering_sink(std::function<void()> on_late, std::size_t limit)
    : content_(new content{std::move(on_late), limit, {}}) {}

// A sink of a checked host is kept for ever: that is what makes a late write visible instead of undefined.
gathering_sink::~gathering_sink() {
  if (!content_->on_late) return;
  content_->over = true;
  static std::mutex mutex;
  static auto* kept = std::make_unique<std::vector<std::unique_ptr<content>>>().release();
  const std::lock_guard lock(mutex);
  kept->push_back(std::move(content_));
}

const tocsin_sink* gathering_sink::raw() const { return &content_->sink; }

const std::string& gathering_sink::written() const { return content_->gathered; }

std::string gathering_sink::words(std::string_view otherwise) const {
  std::string shown = line(borrow(content_->gathered));
  if (shown.empty()) return std::string(otherwise);
  if (std::string_view(".!?").find(shown.back()) == std::string_view::npos) shown += '.';
  return shown;
}

tocsin_status write_to(const tocsin_sink* sink, std::string_view what) {
  if (!sink || !TOCSIN_HAS_FIELD(tocsin_sink, sink, write) || !sink->write) return TOCSIN_OK;
  return sink->write(sink->context, {reinterpret_cast<const std::uint8_t*>(what.data()), what.size()});
}

result<event> read_event(const tocsin_event& from) {
  const tocsin_event known = copy_known(&from);
  event to;
  to.id = view(known.id);
  to.source = view(known.source);
  to.type = view(known.type);
  to.subject = view(known.subject);
  if (TOCSIN_HAS_FIELD(tocsin_event, &from, time_ms)) to.time = read_time(known.time_ms);
  to.data_content_type = view(known.data_content_type);
  if (known.data.data)
    to.data.assign(reinterpret_cast<const char*>(known.data.data), static_cast<std::size_t>(known.data.size));
  to.organization = view(known.organization);
  if (const std::string_view text = view(known.severity); !text.empty()) {
    const auto severity = parse_severity(text);
    if (!severity) {
      return fault{"EVENT_INVALID",
                   "the severity \"" + line(known.severity, 64) + "\" is none.",
                   "It may be info, success, warn, error or fatal.",
                   {.file = {}, .key = "severity"}};
    }
    to.severity = *severity;
  }
  to.recipient = view(known.recipient);
  to.language = view(known.language);
  to.dedupkey = view(known.dedupkey);
  to.component = view(known.component);
  to.folder = view(known.folder);
  if (TOCSIN_HAS_FIELD(tocsin_event, &from, expires_ms)) to.expires = read_time(known.expires_ms);
  to.traceparent = view(known.traceparent);
  for (std::uint64_t index = 0; known.attributes && index < known.attribute_count; ++index)
    to.attributes.insert_or_assign(std::string(view(known.attributes[index].name)),
                                   std::string(view(known.attributes[index].value)));
  return to;
}

endpoint_view::endpoint_view(const endpoint_settings& settings, std::string pool)
    : settings_(boost::json::serialize(settings.settings)),
      preset_(settings.preset_data.empty() ? std::string() : boost::json::serialize(settings.preset_data)),
      pool_(std::move(pool)) {
  raw_.struct_size = sizeof(raw_);
  raw_.channel = borrow(settings.key.channel);
  raw_.organization = borrow(settings.key.organization);
  raw_.settings = borrow(settings_);
  raw_.preset = borrow(preset_);
  raw_.pool = borrow(pool_);
}

std::string pool_of(const endpoint_settings& settings) { return std::to_string(settings.server_fingerprint); }

message_batch::message_batch(std::span<const outgoing_message> messages) {
  messages_.reserve(messages.size());
  events_.reserve(messages.size());
  pointers_.reserve(messages.size());
  for (const outgoing_message& from : messages) {
    tocsin_message to{};
    to.struct_size = sizeof(to);
    to.attempt = from.attempt;
    to.delivery = delivery_token(from.delivery, from.attempt);
    to.endpoint = {from.endpoint.index, from.endpoint.generation};
    to.recipient = borrow(from.recipient);
    to.organization = borrow(from.organization);
    to.language = borrow(from.language);
    to.message_id = borrow(from.message_id);
    to.created_ms = from.created;
    to.subject = borrow(from.parts.subject);
    to.text = borrow(from.parts.text);
    to.html = borrow(from.parts.html);
    if (from.payload) {
      std::vector<tocsin_field> none;
      auto& attributes = from.payload->attributes.empty() ? none : attributes_.emplace_back();
      events_.push_back(borrow_event(*from.payload, attributes));
      to.event = &events_.back();
    }
    messages_.push_back(to);
    pointers_.push_back(&messages_.back());
  }
}

event_batch::event_batch(std::span<const std::shared_ptr<const event>> events) {
  events_.reserve(events.size());
  pointers_.reserve(events.size());
  for (const auto& from : events) {
    std::vector<tocsin_field> none;
    auto& attributes = from->attributes.empty() ? none : attributes_.emplace_back();
    events_.push_back(borrow_event(*from, attributes));
    pointers_.push_back(&events_.back());
  }
}

outcome read_outcome(const tocsin_outcome& from) {
  const tocsin_outcome known = copy_known(&from);
  outcome to;
  to.delivery = static_cast<delivery_id>(static_cast<std::int64_t>(known.delivery.index));
  to.attempt = static_cast<std::uint32_t>(known.delivery.generation);
  to.outcome_class = known.outcome_class <= TOCSIN_CLASS_RETURNED ? static_cast<outcome_class>(known.outcome_class)
                                                                  : outcome_class::transient;
  to.code = name(known.code);
  if (TOCSIN_HAS_FIELD(tocsin_outcome, &from, retry_after_ms) && known.retry_after_ms >= 0)
    to.retry_after = std::chrono::milliseconds(known.retry_after_ms);
  to.detail = line(known.detail);
  to.server_reply = line(known.server_reply);
  to.transcript = text(known.transcript, max_transcript_bytes);
  return to;
}

}  // namespace tocsin::abi
