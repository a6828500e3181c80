// One SMTP connection: maps a stream's events to the state machine and the machine's actions to the stream.
#include "plugins/channels/smtp/session.hpp"

#include <tocsin/sdk/exception_barrier.hpp>
#include <tocsin/sdk/json.hpp>

#include <utility>

namespace tocsin::smtp {

const tocsin_stream_handler session::handler = {sizeof(tocsin_stream_handler), 0, &session::on_event};

session::session(const sdk::host_api& host, stream_service stream, std::shared_ptr<session_owner> owner,
                 std::shared_ptr<const fsm_settings> settings, std::string client_name)
    : host_(host),
      stream_(stream),
      owner_(std::move(owner)),
      fsm_(settings),
      configured_name_(std::move(client_name)),
      implicit_(settings->security == security::implicit) {}

void session::connect(tocsin_token target) {
  self_ = shared_from_this();
  const std::shared_ptr<session> keep = self_;  // the last event may come before this returns
  tocsin_token name{};
  if (stream_.table->connect(stream_.self, target, &handler, this, &name) != TOCSIN_OK) {
    fsm_.lost("tcp", "TCP_UNREACHABLE", "the secure connection service takes no connections", now(), actions_);
    carry_out();
    end();
    return;
  }
  const std::lock_guard lock(naming_);
  name_ = name;
  named_ = true;
  if (wake_wanted_) stream_.table->wake(stream_.self, name);
}

void session::wake() {
  const std::lock_guard lock(naming_);
  if (named_) {
    stream_.table->wake(stream_.self, name_);
  } else {
    wake_wanted_ = true;
  }
}

void session::tell(order what) {
  order present = order_.load();
  while (present < what && !order_.compare_exchange_weak(present, what)) {
  }
  wake();
}

milliseconds session::now() const { return std::chrono::duration_cast<milliseconds>(host_.monotonic()); }

std::string session::facts() const {
  sdk::string_sink json;
  if (stream_.table->facts == nullptr || stream_.table->facts(stream_.self, token_, json.get()) != TOCSIN_OK) return {};
  return json.text();
}

std::string session::channel_binding() const {
  sdk::string_sink value;
  if (!TOCSIN_HAS_FIELD(tocsin_stream, stream_.table, channel_binding) || stream_.table->channel_binding == nullptr ||
      stream_.table->channel_binding(stream_.self, token_, sdk::to_abi("tls-exporter"), value.get()) != TOCSIN_OK) {
    return {};
  }
  return value.text();
}

// What EHLO says: the machine's full name, or, where it has none, its address on this connection (RFC 5321 4.1.3).
std::string session::client_name() const {
  if (!configured_name_.empty()) return configured_name_;
  const std::string known = facts();
  const std::string address = sdk::json_reader(known).text("local_address").value_or("");
  if (address.empty()) return "[127.0.0.1]";
  return address.find(':') == std::string::npos ? "[" + address + "]" : "[IPv6:" + address + "]";
}

void session::on_event(void* context, const tocsin_stream_event* event) noexcept {
  auto* self = static_cast<session*>(context);
  const std::shared_ptr<session> keep = self->self_;
  if (keep == nullptr) return;
  sdk::with_barrier(self->host_, "stream.event", [&] { self->take(*event); });
}

void session::take(const tocsin_stream_event& event) {
  token_ = event.stream;
  const milliseconds time = now();
  try {
    step(event, time);
    pump(time);
  } catch (const std::exception& thrown) {
    // No mail is forgotten because of a fault of ours: what is in flight ends, the connection goes.
    host_.log(sdk::log_level::error, "an SMTP session failed", {sdk::field("exception", thrown.what())});
    actions_.write.clear();
    fsm_.abort("the session failed: " + std::string(thrown.what()), time, actions_);
    carry_out();
  }
  if (event.kind == TOCSIN_STREAM_FAILED || event.kind == TOCSIN_STREAM_ENDED) end();
}

void session::step(const tocsin_stream_event& event, milliseconds time) {
  switch (event.kind) {
    case TOCSIN_STREAM_STAGE:
      if (owner_->wants_stages()) owner_->passed(event, facts());
      return;
    case TOCSIN_STREAM_CONNECTED:
      fsm_.connected(client_name(), implicit_ ? channel_binding() : std::string{}, time, actions_);
      return;
    case TOCSIN_STREAM_SECURED:
      fsm_.secured(channel_binding(), time, actions_);
      return;
    case TOCSIN_STREAM_DATA:
      fsm_.received(sdk::view(event.data), time, actions_);
      return;
    case TOCSIN_STREAM_WRITTEN:
      fsm_.written(time, actions_);
      return;
    case TOCSIN_STREAM_DEADLINE:
      fsm_.deadline_passed(time, actions_);
      return;
    case TOCSIN_STREAM_FAILED:
    case TOCSIN_STREAM_ENDED: {
      const bool streams_own = fsm_.state() == fsm_state::connecting || fsm_.state() == fsm_state::securing;
      fsm_.lost(sdk::view(event.stage), sdk::view(event.code), sdk::view(event.detail), time, actions_);
      if (streams_own && !actions_.stages.empty()) actions_.stages.back().duration_ms = event.duration_ms;
      return;
    }
    default:  // WOKEN, and kinds of a later interface: look what is to be done
      return;
  }
}

void session::pump(milliseconds time) {
  while (true) {
    follow_order(time);
    if (actions_.opened) {
      owner_->opened(*this);
      actions_.opened = false;
    }
    pull(time);
    const bool ask = actions_.need_credentials;
    carry_out();
    if (!ask || fsm_.state() != fsm_state::signing_in) break;
    try {
      fsm_.credentials_ready(owner_->password(), time, actions_);
    } catch (const sdk::failure& why) {
      fsm_.credentials_missing(why.what(), time, actions_);
    }
  }
}

void session::pull(milliseconds time) {
  while (fsm_.wants_message(time)) {
    outgoing_ptr mail = owner_->next(*this);
    if (mail == nullptr) return;
    fsm_.begin(std::move(mail), time, actions_);
  }
  // Too old for another mail: make room for a fresh connection.
  if (fsm_.idle()) fsm_.finish(time, actions_);
}

void session::follow_order(milliseconds time) {
  switch (order_.load()) {
    case order::carry_on:
      return;
    case order::finish:
      fsm_.finish(time, actions_);
      return;
    case order::abort:
      fsm_.abort("the endpoint was closed before the server answered", time, actions_);
      return;
  }
}

void session::carry_out() {
  const tocsin_stream& stream = *stream_.table;
  if (!actions_.write.empty()) stream.write(stream_.self, token_, sdk::to_bytes(actions_.write));
  if (actions_.deadline) {
    stream.set_deadline(stream_.self, token_, static_cast<std::uint64_t>(actions_.deadline->count()));
  }
  if (actions_.secure) stream.secure(stream_.self, token_);
  if (actions_.close) stream.close(stream_.self, token_);
  for (const stage_report& one : actions_.stages) owner_->reported(one);
  if (!actions_.completed.empty()) owner_->completed(*this, actions_.completed);
  if (actions_.opening_failed) owner_->opening_failed(*this, *actions_.opening_failed);
  actions_.clear();
  if (fsm_.state() >= fsm_state::quitting && !std::exchange(left_, true)) owner_->leaving(*this);
}

void session::end() {
  owner_->over(*this);
  owner_.reset();
  self_.reset();
}

}  // namespace tocsin::smtp
