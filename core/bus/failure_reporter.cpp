// Publishes the host's own failures as events on the bus, once each, also over a crash.
#include "core/bus/failure_reporter.hpp"

#include "core/observe/log.hpp"

#include <charconv>
#include <deque>
#include <future>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace tocsin {
namespace {

using std::chrono::milliseconds;

// Under this source the store remembers what is to be said. No source can be called that.
constexpr const char* memory_source = "tocsin/failures";
constexpr std::string_view down_name = "down ";      // CHANNEL \n ORGANIZATION -> since when it is said to be down
constexpr std::string_view failed_name = "failed ";  // DELIVERY -> nothing: a failure that is to be said

// The bus or the store takes nothing now.
constexpr milliseconds retry_wait{5'000};

std::string name_of_down(const endpoint_key& key) {
  return std::string(down_name) + key.channel + "\n" + key.organization;
}
std::string name_of_failed(delivery_id id) { return std::string(failed_name) + to_text(id); }

endpoint_key key_of(std::string_view text) {
  const auto line = text.find('\n');
  if (line == std::string_view::npos) return {std::string(text), {}};
  return {std::string(text.substr(0, line)), std::string(text.substr(line + 1))};
}

time_ms time_of(std::string_view text) {
  time_ms read = 0;
  std::from_chars(text.data(), text.data() + text.size(), read);
  return read;
}

delivery_failure failure_of(const delivery_record& record) {
  delivery_failure made;
  made.id = record.id;
  made.endpoint = record.endpoint;
  made.organization = record.organization;
  made.recipient = record.recipient;
  made.message_id = record.message_id;
  made.event_source = record.event_source;
  made.event_id = record.event_external_id;
  made.event_type = record.event_type;
  made.state = record.state;
  made.code = record.code;
  made.detail = record.detail;
  made.server_reply = record.server_reply;
  made.at = record.history.empty() ? record.created : record.history.back().at;
  return made;
}

template <class T, class Call>
T wait_for(T otherwise, Call&& call) {
  std::promise<result<T>> answer;
  call([&answer](result<T> value) { answer.set_value(std::move(value)); });
  auto got = answer.get_future().get();
  return got ? std::move(*got) : std::move(otherwise);
}

memory_write remember(std::string name, std::string value) {
  return {memory_source, std::move(name), std::move(value)};
}

}  // namespace

// Shared with timers and the bus's answers, which may come after the reporter has gone.
struct failure_reporter::impl : std::enable_shared_from_this<impl> {
  explicit impl(failure_reporter_parts with) : parts(std::move(with)) {}

  void say(event what, std::vector<memory_write> memory);
  void publish_next();
  void published(const event& what, const result<std::vector<accept_answer>>& answers);
  void write_memory(memory_write what);
  void window_is_due(const endpoint_key& key);
  void wait_for_window(const endpoint_key& key, time_ms until);
  void say_down(const endpoint_pause& what);
  void say_up(const endpoint_key& key, time_ms since, time_ms at, std::string_view why);
  void take_up_note(delivery_id id);

  const failure_reporter_parts parts;
  std::mutex mutex;
  bool begun = false;
  bool publishing = false;
  bool ended = false;          // the bus or the store takes nothing any more
  bool complained = false;     // of events that nobody gets
  std::string last_complaint;  // why one was not taken
  std::deque<publication> waiting;
  std::map<endpoint_key, failure_window> windows;
  std::map<endpoint_key, time_ms> down;  // said, since when
};

failure_reporter::failure_reporter(failure_reporter_parts parts) : impl_(std::make_shared<impl>(std::move(parts))) {}
failure_reporter::~failure_reporter() = default;

// --- publishing, one after the other ---

void failure_reporter::impl::say(event what, std::vector<memory_write> memory) {
  {
    const std::lock_guard lock(mutex);
    if (ended) return;
    waiting.push_back({{std::move(what)}, std::move(memory), true});
  }
  publish_next();
}

void failure_reporter::impl::publish_next() {
  publication next;
  {
    const std::lock_guard lock(mutex);
    if (!begun || publishing || ended || waiting.empty()) return;
    publishing = true;
    next = waiting.front();
  }
  parts.publish(next, [self = shared_from_this(), said = next.events.front()](
                          const result<std::vector<accept_answer>>& answers) { self->published(said, answers); });
}

void failure_reporter::impl::published(const event& what, const result<std::vector<accept_answer>>& answers) {
  const bool over = !answers && (answers.error().code == "BUS_STOPPED" || answers.error().code == "STORE_CLOSED" ||
                                 answers.error().code == "STORE_FAILED");
  const bool busy = !answers && (answers.error().code == "BUS_BUSY" || answers.error().code == "STORE_FULL");
  bool complain = false;
  bool refused = false;  // for a reason that the log does not have yet
  {
    const std::lock_guard lock(mutex);
    publishing = false;
    ended = ended || over;  // what is noted is said at the next start
    if (!busy && !waiting.empty()) waiting.pop_front();
    const bool nobody = answers && !answers->front().duplicate && answers->front().deliveries == 0;
    const std::string why = answers || over || busy ? std::string() : answers.error().to_string();
    refused = !why.empty() && std::exchange(last_complaint, why) != why;
    complain = nobody && !std::exchange(complained, true);
  }
  if (complain) {
    log::write(log::level::warn, "nobody is told of the host's own failures: no route takes their events",
               {{"type", what.type},
                {"remedy",
                 "Write a route with types = [\"tocsin.channel.*\", \"tocsin.delivery.*\", "
                 "\"tocsin.plugin.*\"] to another channel."}});
  }
  if (busy) {
    parts.clock->after(retry_wait, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->publish_next();
    });
  } else {
    if (refused) {
      log::write(log::level::error, "the news of a failure could not be published",
                 {{"type", what.type}, {"code", answers.error().code}, {"why", answers.error().to_string()}});
    }
    publish_next();
  }
}

void failure_reporter::impl::write_memory(memory_write what) {
  accept_batch batch;
  batch.now = parts.clock->now();
  batch.memory.push_back(std::move(what));
  parts.store->accept(std::move(batch), [](const auto&) {});
}

void failure_reporter::begin() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->begun = true;
  }
  impl_->publish_next();
}

// --- deliveries ---

void failure_reporter::failed(const delivery_failure& what) {
  bool first = false;
  time_ms due = 0;
  {
    const std::lock_guard lock(impl_->mutex);
    auto& window = impl_->windows[what.endpoint];
    first = window.add(what);
    due = window.due();
  }
  if (!first) return;
  impl_->write_memory(remember(name_of_failed(what.id), "1"));
  impl_->wait_for_window(what.endpoint, due);
}

void failure_reporter::impl::wait_for_window(const endpoint_key& key, time_ms until) {
  const auto delay = std::max<time_ms>(until - parts.clock->now(), 0);
  parts.clock->after(milliseconds{delay}, [weak = weak_from_this(), key] {
    if (const auto self = weak.lock()) self->window_is_due(key);
  });
}

// Either what was gathered is to be said, or the quiet time has passed without anything new.
void failure_reporter::impl::window_is_due(const endpoint_key& key) {
  std::optional<failure_summary> summary;
  time_ms quiet_until = 0;
  const auto now = parts.clock->now();
  {
    const std::lock_guard lock(mutex);
    const auto found = windows.find(key);
    if (found == windows.end()) return;
    summary = found->second.take(now);
    quiet_until = found->second.quiet_until();
    if (!summary && found->second.is_idle(now)) windows.erase(found);
  }
  if (!summary) return;
  wait_for_window(key, quiet_until);
  const auto id = summary->first.id;
  say(make_delivery_failed(*summary, *parts.codes), {remember(name_of_failed(id), {})});
}

// --- endpoints ---

void failure_reporter::paused(const endpoint_pause& what) {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->down[what.endpoint] = what.since;
  }
  impl_->say_down(what);
}

void failure_reporter::resumed(const endpoint_key& key, time_ms at, std::string_view why) {
  time_ms since = 0;
  {
    const std::lock_guard lock(impl_->mutex);
    const auto found = impl_->down.find(key);
    if (found == impl_->down.end()) return;
    since = found->second;
    impl_->down.erase(found);
  }
  impl_->say_up(key, since, at, why);
}

void failure_reporter::impl::say_down(const endpoint_pause& what) {
  say(make_channel_down(what, parts.codes->find(what.code)),
      {remember(name_of_down(what.endpoint), std::to_string(what.since))});
}

void failure_reporter::impl::say_up(const endpoint_key& key, time_ms since, time_ms at, std::string_view why) {
  say(make_channel_up(key, since, at, why), {remember(name_of_down(key), {})});
}

// --- plugins ---

void failure_reporter::plugin_failed(const plugin_failure& what) { impl_->say(make_plugin_failed(what), {}); }

// --- after a crash ---

void failure_reporter::recover(const recovery& found) {
  auto& of = *impl_;
  using memory = std::vector<std::pair<std::string, std::string>>;
  const auto left =
      wait_for<memory>({}, [&](auto done) { of.parts.store->recall_all(memory_source, std::move(done)); });
  std::map<endpoint_key, time_ms> said;
  for (const auto& [name, value] : left) {
    if (name.starts_with(down_name)) {
      said[key_of(std::string_view(name).substr(down_name.size()))] = time_of(value);
    } else if (name.starts_with(failed_name)) {
      if (const auto id = parse_delivery_id(std::string_view(name).substr(failed_name.size()))) of.take_up_note(*id);
    }
  }
  for (const auto& pause : found.pauses) {
    const auto known = said.extract(pause.endpoint);
    const bool is_said = !known.empty() && known.mapped() == pause.since;
    {
      const std::lock_guard lock(of.mutex);
      of.down[pause.endpoint] = pause.since;
    }
    if (!is_said) of.say_down(pause);
  }
  for (const auto& [key, since] : said) of.say_up(key, since, of.parts.clock->now(), "it works again");
}

// A failure that was noted. It is said if the settlement is on disk, too; how many more there were is not known.
void failure_reporter::impl::take_up_note(delivery_id id) {
  const auto record =
      wait_for<std::optional<delivery_record>>({}, [&](auto done) { parts.store->get(id, std::move(done)); });
  if (!record || (record->state != delivery_state::dead && record->state != delivery_state::expired)) {
    return write_memory(remember(name_of_failed(id), {}));
  }
  failure_summary summary;
  summary.first = failure_of(*record);
  summary.codes[record->code] = 1;
  summary.last = summary.first.at;
  summary.at_least = true;
  say(make_delivery_failed(summary, *parts.codes), {remember(name_of_failed(id), {})});
}

}  // namespace tocsin
