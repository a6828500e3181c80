// The driver of one stream.
//
// The consumer's calls only note what it wants (bytes to write, secure(), close()); pump() does it when the event in
// which they were made has returned, or from a posted call where there was none. So no event ever comes from within a
// call, and what was written in one event leaves in one flight.
#include "plugins/services/secure_connection/connection.hpp"

#include <boost/asio/post.hpp>
#include <boost/json.hpp>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include <sys/socket.h>

namespace tocsin::secure_connection {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

// A buffer that grew beyond this for one large message is given back.
constexpr std::size_t kept_capacity = 1u << 20;

// A consumer that writes on at each WRITTEN lets the loop's other streams have their turn after so many.
constexpr int turns_at_once = 64;

tocsin_string abi(std::string_view text) { return {text.data(), text.size()}; }

std::string words_of(int error) { return boost::system::error_code(error, boost::system::system_category()).message(); }

std::uint64_t milliseconds(std::chrono::steady_clock::duration length) {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(length).count());
}

failure injected(std::string_view bytes) {
  return failure{"starttls", "STARTTLS_INJECTION",
                 "bytes came in clear before the TLS handshake: \"" + printable(bytes) + "\""};
}

void reset(std::string& buffer) {
  buffer.clear();
  if (buffer.capacity() > kept_capacity) buffer.shrink_to_fit();
}

// Moves all of `from` to the end of `to`, without copying where `to` is empty.
void append(std::string& to, std::string& from) {
  if (to.empty()) {
    to.swap(from);
  } else {
    to += from;
  }
  reset(from);
}

}  // namespace

connection::connection(loop_environment& loop, std::shared_ptr<const target> to, tocsin_token token,
                       const tocsin_stream_handler& handler, void* context)
    : loop_(loop),
      target_(std::move(to)),
      token_(token),
      event_(handler.event),
      context_(context),
      socket_(loop.io),
      timer_(loop.io),
      connect_budget_(target_->settings.connect_timeout) {}

// ---- events -----------------------------------------------------------------------------------------------------

void connection::emit(tocsin_stream_event_kind kind, std::string_view stage, std::string_view code,
                      std::string_view detail, std::uint64_t duration_ms, std::span<const std::uint8_t> data) {
  tocsin_stream_event event{};
  event.struct_size = sizeof event;
  event.kind = kind;
  event.stream = token_;
  event.stage = abi(stage);
  event.code = abi(code);
  event.detail = abi(detail);
  event.duration_ms = duration_ms;
  event.data = {data.data(), data.size()};
  in_event_ = true;
  event_(context_, &event);
  in_event_ = false;
}

void connection::pass_stage(std::string_view stage, std::string_view detail) {
  const auto now = clock::now();
  const std::uint64_t duration = milliseconds(now - stage_began_);
  stage_began_ = now;
  if (!quiet()) emit(TOCSIN_STREAM_STAGE, stage, "OK", detail, duration);
}

void connection::fail(failure why) {
  if (!failure_) failure_ = std::move(why);
}

void connection::end(tocsin_stream_event_kind kind) {
  const auto self = shared_from_this();
  if (phase_ == phase::closing) drain();
  phase_ = phase::over;
  if (dialer_) std::exchange(dialer_, nullptr)->cancel();
  timer_.cancel();
  boost::system::error_code ignored;
  socket_.close(ignored);
  if (kind == TOCSIN_STREAM_FAILED) {
    const auto took = failure_->stage.empty() ? clock::duration::zero() : clock::now() - stage_began_;
    emit(kind, failure_->stage, failure_->code, failure_->detail, milliseconds(took));
  } else {
    emit(kind);
  }
  loop_.forget(token_);
}

void connection::abandon() {
  if (phase_ != phase::over) end(TOCSIN_STREAM_ENDED);
}

void connection::woken() {
  if (!quiet()) emit(TOCSIN_STREAM_WOKEN);
  pump();
}

// ---- the consumer's calls -----------------------------------------------------------------------------------------

void connection::secure() {
  if (phase_ != phase::open || tls_ != nullptr || quiet()) return;
  if (target_->tls == nullptr) fail(failure{"tls", "TLS_HANDSHAKE_FAILED", "secure_connection is off for this server"});
  append(wire_, plain_);  // written before: goes in clear
  secure_requested_ = true;
  pump_later();
}

void connection::write(std::string_view bytes) {
  if (quiet() || bytes.empty()) return;
  plain_.append(bytes);
  report_written_ = true;
  pump_later();
}

void connection::set_deadline(std::chrono::milliseconds delay) {
  if (quiet()) return;
  deadline_.reset();
  if (delay.count() > 0) deadline_ = clock::now() + delay;
  arm_timer();
}

void connection::close() {
  if (quiet()) return;
  close_requested_ = true;
  pump_later();
}

// ---- what is due ----------------------------------------------------------------------------------------------------

void connection::pump_later() {
  // An event's return, or the pump that is running, looks for what is due.
  if (in_event_ || pumping_ || pump_posted_) return;
  pump_posted_ = true;
  asio::post(loop_.io, [self = shared_from_this()] {
    self->pump_posted_ = false;
    self->pump();
  });
}

void connection::pump() {
  if (pumping_ || in_event_) return;
  const auto self = shared_from_this();
  pumping_ = true;
  int turns = 0;
  while (phase_ != phase::over && step() && ++turns < turns_at_once) {
  }
  pumping_ = false;
  if (turns == turns_at_once) pump_later();
}

// One thing that is due; true: there may be more.
bool connection::step() {
  if (failure_) {
    end(close_requested_ ? TOCSIN_STREAM_ENDED : TOCSIN_STREAM_FAILED);
    return false;
  }
  if (close_requested_ && phase_ != phase::closing) return begin_close();
  if (ended_by_peer_) {
    end(TOCSIN_STREAM_ENDED);
    return false;
  }
  if (secure_requested_) return begin_secure();
  switch (flush()) {
    case flush_result::blocked:
      return failure_.has_value();
    case flush_result::nothing:
      if (phase_ == phase::closing) end(TOCSIN_STREAM_ENDED);
      return failure_.has_value();
    case flush_result::sent:
      break;
  }
  if (phase_ == phase::closing) {
    end(TOCSIN_STREAM_ENDED);
    return false;
  }
  report_written();
  return true;
}

// Bytes of a handshake's are nobody's concern, and those that wait for its end are not with the kernel yet.
void connection::report_written() {
  if (!report_written_ || !plain_.empty() || write_broken_) return;
  report_written_ = false;
  emit(TOCSIN_STREAM_WRITTEN);
}

// ---- the way up -----------------------------------------------------------------------------------------------------

void connection::limit_connect() {
  limited_since_ = clock::now();
  connect_limit_ = limited_since_ + std::max(connect_budget_, std::chrono::milliseconds(1));
  arm_timer();
}

void connection::unlimit_connect() {
  if (!connect_limit_) return;
  connect_limit_.reset();
  connect_budget_ -= std::chrono::duration_cast<std::chrono::milliseconds>(clock::now() - limited_since_);
}

void connection::start() {
  const auto self = shared_from_this();
  if (phase_ == phase::over) return;
  if (close_requested_) return pump();
  stage_began_ = clock::now();
  limit_connect();
  const stream_settings& settings = target_->settings;
  boost::system::error_code no_address;
  const auto address = asio::ip::make_address(settings.host, no_address);
  if (!no_address) {
    dial({tcp::endpoint(address, settings.port)});
    return;
  }
  loop_.names.resolve(settings.host, [self](result<std::vector<std::string>> found) {
    if (self->phase_ != phase::looking_up || self->quiet()) return;
    self->on_addresses(std::move(found));
    self->pump();
  });
}

void connection::on_addresses(result<std::vector<std::string>> found) {
  if (!found) return fail(found.error());
  std::vector<tcp::endpoint> addresses;
  std::string text;
  for (const std::string& address : *found) {
    boost::system::error_code unreadable;
    const auto value = asio::ip::make_address(address, unreadable);
    if (unreadable) continue;
    addresses.emplace_back(value, target_->settings.port);
    text += (text.empty() ? "" : ", ") + address;
  }
  pass_stage("dns", target_->settings.host + " has the addresses " + text);
  if (!quiet()) dial(std::move(addresses));
}

void connection::dial(std::vector<tcp::endpoint> addresses) {
  phase_ = phase::dialing;
  dialer_ = std::make_shared<dialer>(loop_.io, std::move(addresses), loop_.next_address_after);
  dialer_->start([self = shared_from_this()](result<tcp::socket> dialed) {
    self->dialer_.reset();
    self->on_dialed(std::move(dialed));
    self->pump();
    if (self->phase_ != phase::over) self->arm_read();
  });
}

void connection::on_dialed(result<tcp::socket> dialed) {
  if (quiet()) return;
  if (!dialed) return fail(dialed.error());
  socket_ = std::move(*dialed);
  boost::system::error_code error;
  socket_.set_option(tcp::no_delay(true), error);
  const tcp::endpoint remote = socket_.remote_endpoint(error);
  if (error) return fail(failure{"tcp", "TCP_UNREACHABLE", "the connection broke at once: " + error.message()});
  remote_address_ = remote.address().to_string();
  remote_port_ = remote.port();
  local_address_ = socket_.local_endpoint(error).address().to_string();
  phase_ = phase::open;
  pass_stage("tcp", "connected to " + text_of(remote));
  if (quiet()) return;
  if (target_->settings.mode == security_mode::implicit) return begin_handshake();
  unlimit_connect();
  emit(TOCSIN_STREAM_CONNECTED);
}

// What was written before secure() leaves first; then nothing may have arrived that was not delivered.
bool connection::begin_secure() {
  if (flush() == flush_result::blocked) return failure_.has_value();
  secure_requested_ = false;
  report_written();
  if (quiet()) return true;
  char peeked[64];
  const ssize_t waiting = ::recv(socket_.native_handle(), peeked, sizeof peeked, MSG_PEEK | MSG_DONTWAIT);
  if (waiting > 0) {
    fail(injected({peeked, static_cast<std::size_t>(waiting)}));
    return true;
  }
  by_starttls_ = true;
  stage_began_ = clock::now();
  limit_connect();
  begin_handshake();
  return true;
}

void connection::begin_handshake() {
  phase_ = phase::handshaking;
  tls_ = std::make_unique<tls_engine>(target_->tls, static_cast<std::int64_t>(std::time(nullptr)));
  advance_handshake();
}

void connection::advance_handshake() {
  const tls_state state = tls_->handshake();
  collect_output();
  for (const passed_stage& passed : tls_->take_stages()) {
    pass_stage(passed.stage, passed.detail);
    if (quiet()) return;
  }
  if (state == tls_state::failed) {
    flush();  // the alert that tells the server why
    fail(tls_->fault());
  } else if (state == tls_state::established) {
    on_established();
  }
}

void connection::on_established() {
  unlimit_connect();
  phase_ = phase::open;
  if (!by_starttls_) {
    emit(TOCSIN_STREAM_CONNECTED);
    return deliver_decrypted();
  }
  // After STARTTLS the client speaks first. Words of the server's that come along with its handshake answer nothing
  // that was asked in TLS.
  const std::size_t size = tls_->read(loop_.plain_buffer);
  collect_output();
  if (size > 0) {
    const auto* text = reinterpret_cast<const char*>(loop_.plain_buffer.data());
    return fail(failure{"starttls", "STARTTLS_INJECTION",
                        "the server spoke first after STARTTLS: \"" + printable({text, size}) + "\""});
  }
  emit(TOCSIN_STREAM_SECURED);
  deliver_decrypted();
}

// ---- bytes ----------------------------------------------------------------------------------------------------------

void connection::arm_read() {
  if (reading_ || phase_ == phase::over || phase_ == phase::closing || !socket_.is_open()) return;
  reading_ = true;
  socket_.async_wait(tcp::socket::wait_read, [self = shared_from_this()](const boost::system::error_code& error) {
    self->reading_ = false;
    self->on_readable(error);
    self->arm_read();
  });
}

void connection::on_readable(const boost::system::error_code& error) {
  if (phase_ == phase::over || phase_ == phase::closing) return;
  if (error) {
    on_end_of_input(error.message());
    return pump();
  }
  const auto buffer = loop_.receive_buffer;
  const ssize_t size = ::recv(socket_.native_handle(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (size > 0) {
    on_bytes(buffer.first(static_cast<std::size_t>(size)));
  } else if (size == 0) {
    on_end_of_input({});
  } else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
    on_end_of_input(words_of(errno));
  }
  pump();
}

void connection::on_bytes(std::span<const std::uint8_t> bytes) {
  if (secure_requested_) return fail(injected({reinterpret_cast<const char*>(bytes.data()), bytes.size()}));
  if (tls_ == nullptr) {
    if (!quiet()) emit(TOCSIN_STREAM_DATA, {}, {}, {}, 0, bytes);
    return;
  }
  tls_->feed(bytes);
  if (phase_ == phase::handshaking) {
    advance_handshake();
  } else {
    deliver_decrypted();
  }
}

void connection::deliver_decrypted() {
  while (!quiet()) {
    const std::size_t size = tls_->read(loop_.plain_buffer);
    collect_output();
    if (size == 0) break;
    emit(TOCSIN_STREAM_DATA, {}, {}, {}, 0, loop_.plain_buffer.first(size));
    // What was written in the event leaves before the next one.
    if (!pumping_) pump();
  }
  if (quiet()) return;
  if (tls_->state() == tls_state::closed) ended_by_peer_ = true;
  if (tls_->state() == tls_state::failed) fail(tls_->fault());
}

void connection::on_end_of_input(const std::string& reset_words) {
  const std::string peer = remote_address_ + " port " + std::to_string(remote_port_);
  if (phase_ == phase::handshaking) {
    if (!reset_words.empty()) {
      return fail(
          failure{"tls", "TLS_HANDSHAKE_FAILED", peer + " broke the connection in the handshake: " + reset_words});
    }
    tls_->feed_end();
    return advance_handshake();
  }
  if (!reset_words.empty() || write_broken_) {
    const std::string words = reset_words.empty() ? std::string() : ": " + reset_words;
    return fail(failure{"", "SERVER_CLOSED", peer + " broke the connection" + words});
  }
  if (tls_ != nullptr) {
    tls_->feed_end();
    return deliver_decrypted();
  }
  ended_by_peer_ = true;
}

void connection::collect_output() { append(wire_, tls_->output()); }

connection::flush_result connection::flush() {
  if (!plain_.empty() && (phase_ == phase::open || phase_ == phase::closing)) {
    if (tls_ == nullptr) {
      append(wire_, plain_);
    } else {
      // Closed by the peer: what is written from then on has nowhere to go, and the end is reported as one.
      if (!tls_->write(plain_) && tls_->state() == tls_state::failed) fail(tls_->fault());
      reset(plain_);
      collect_output();
    }
  }
  if (wire_.empty()) return flush_result::nothing;
  if (waiting_to_write_) return flush_result::blocked;
  return send_wire() ? flush_result::sent : flush_result::blocked;
}

// True: all of it is with the kernel, or the peer will take no more.
bool connection::send_wire() {
  while (wire_sent_ < wire_.size() && !write_broken_) {
    const ssize_t size = ::send(socket_.native_handle(), wire_.data() + wire_sent_, wire_.size() - wire_sent_,
                                MSG_NOSIGNAL | MSG_DONTWAIT);
    if (size >= 0) {
      wire_sent_ += static_cast<std::size_t>(size);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      waiting_to_write_ = true;
      socket_.async_wait(tcp::socket::wait_write, [self = shared_from_this()](const boost::system::error_code& error) {
        self->waiting_to_write_ = false;
        if (!error) self->pump();
      });
      return false;
    } else if (errno != EINTR) {
      // The peer may have said why before it went: what it sent is still read, and its end ends the stream.
      write_broken_ = true;
    }
  }
  reset(wire_);
  wire_sent_ = 0;
  return true;
}

bool connection::begin_close() {
  const bool connected = phase_ == phase::open && !ended_by_peer_;
  if (!connected) {
    end(TOCSIN_STREAM_ENDED);
    return false;
  }
  phase_ = phase::closing;
  flush();
  if (tls_ != nullptr) {
    tls_->shut_down();
    collect_output();
  }
  deadline_.reset();
  connect_limit_ = clock::now() + loop_.close_limit;
  arm_timer();
  return true;
}

// A socket that is closed with bytes unread resets the connection, and what was sent last may be lost with it.
void connection::drain() {
  boost::system::error_code ignored;
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
  constexpr int enough = 16;
  for (int at = 0; at < enough; ++at) {
    if (::recv(socket_.native_handle(), loop_.receive_buffer.data(), loop_.receive_buffer.size(), MSG_DONTWAIT) <= 0)
      break;
  }
}

// ---- time
// -------------------------------------------------------------------------------------------------------------

// The timer runs to the earliest limit, or to an earlier one that no longer holds: moving a deadline further off, as
// every command does, touches no timer.
void connection::arm_timer() {
  std::optional<clock::time_point> earliest = deadline_;
  if (connect_limit_ && (!earliest || *connect_limit_ < *earliest)) earliest = connect_limit_;
  if (!earliest || phase_ == phase::over || (armed_until_ && *armed_until_ <= *earliest)) return;
  armed_until_ = earliest;
  timer_.expires_at(*earliest);
  timer_.async_wait([self = shared_from_this()](const boost::system::error_code& cancelled) {
    if (!cancelled) self->on_timer();
  });
}

void connection::on_timer() {
  if (phase_ == phase::over) return;
  // A wait that was replaced may still have fired; the one that replaced it is then not due yet, and comes.
  const auto now = clock::now();
  if (armed_until_ && *armed_until_ <= now) armed_until_.reset();
  if (connect_limit_ && *connect_limit_ <= now) {
    connect_limit_.reset();
    on_connect_limit();
  }
  if (deadline_ && *deadline_ <= now && !quiet()) {
    deadline_.reset();
    emit(TOCSIN_STREAM_DEADLINE);
  }
  pump();
  arm_timer();
}

void connection::on_connect_limit() {
  const std::string limit =
      " within " + std::to_string(target_->settings.connect_timeout.count()) + " ms (timeouts.connect)";
  switch (phase_) {
    case phase::looking_up:
      return fail(failure{"dns", "DNS_TIMEOUT", target_->settings.host + ": no answer from the resolver" + limit});
    case phase::dialing:
      return fail(failure{"tcp", "TCP_TIMEOUT", "no connection to " + dialer_->tried() + limit});
    case phase::handshaking:
      return fail(failure{"tls", "COMMAND_TIMEOUT",
                          "the TLS handshake with " + remote_address_ + " port " + std::to_string(remote_port_) +
                              " did not end" + limit});
    case phase::closing:
      return end(TOCSIN_STREAM_ENDED);
    case phase::open:
    case phase::over:
      return;
  }
}

// ---- facts
// ------------------------------------------------------------------------------------------------------------

std::string connection::facts() const {
  json::object all{
      {"address", remote_address_}, {"port", remote_port_}, {"local_address", local_address_}, {"tls", nullptr}};
  if (tls_ != nullptr && tls_->peer_certificate() != nullptr) {
    const certificate_facts facts = facts_of(tls_->peer_certificate());
    all["tls"] = {{"protocol", tls_->protocol()},
                  {"cipher", tls_->cipher()},
                  {"resumed", tls_->resumed()},
                  {"server_name", tls_->server_name()},
                  {"subject", facts.subject},
                  {"issuer", facts.issuer},
                  {"names", json::value_from(facts.names)},
                  {"not_before", facts.not_before},
                  {"not_after", facts.not_after},
                  {"sha256", facts.sha256},
                  {"revocation", tls_->revocation()}};
  }
  return json::serialize(all);
}

std::optional<std::string> connection::channel_binding(std::string_view type) const {
  return tls_ == nullptr ? std::nullopt : tls_->channel_binding(type);
}

}  // namespace tocsin::secure_connection
