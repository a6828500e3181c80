// One stream: the Asio driver that looks a name up, connects, runs TLS, and moves bytes between socket and consumer.
#pragma once

#include "plugins/services/secure_connection/dialer.hpp"
#include "plugins/services/secure_connection/resolver.hpp"
#include "plugins/services/secure_connection/tls_engine.hpp"

#include <tocsin/abi/ext/stream.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tocsin::secure_connection {

// What open_target() made: shared by its streams.
struct target {
  stream_settings settings;
  std::shared_ptr<tls_context> tls;
};

// What the streams of one loop share. The buffers hold what arrived, for the length of one event.
struct loop_environment {
  boost::asio::io_context& io;
  resolver& names;
  std::span<std::uint8_t> receive_buffer;
  std::span<std::uint8_t> plain_buffer;
  std::chrono::milliseconds next_address_after;
  std::chrono::milliseconds close_limit;     // how long close() waits for a peer that does not take what was written
  std::function<void(tocsin_token)> forget;  // the stream is over and has had its last event
};

// Everything on the loop's thread.
class connection : public std::enable_shared_from_this<connection> {
 public:
  connection(loop_environment& loop, std::shared_ptr<const target> to, tocsin_token token,
             const tocsin_stream_handler& handler, void* context);

  void start();
  // End at once, with ENDED: the service stops.
  void abandon();
  // Answer to wake().
  void woken();

  // The stream's functions, as the interface has them.
  void secure();
  void write(std::string_view bytes);
  void set_deadline(std::chrono::milliseconds delay);
  void close();
  std::string facts() const;
  std::optional<std::string> channel_binding(std::string_view type) const;

 private:
  using clock = std::chrono::steady_clock;
  using tcp = boost::asio::ip::tcp;
  enum class phase { looking_up, dialing, handshaking, open, closing, over };
  enum class flush_result { nothing, sent, blocked };

  // Events.
  void emit(tocsin_stream_event_kind kind, std::string_view stage = {}, std::string_view code = {},
            std::string_view detail = {}, std::uint64_t duration_ms = 0, std::span<const std::uint8_t> data = {});
  void pass_stage(std::string_view stage, std::string_view detail);
  void fail(failure why);
  void end(tocsin_stream_event_kind kind);
  bool quiet() const { return close_requested_ || failure_.has_value() || phase_ == phase::over; }

  // What is due after an event or a call, in order; see connection.cpp.
  void pump();
  bool step();
  void pump_later();

  // The way up.
  void on_addresses(result<std::vector<std::string>> found);
  void dial(std::vector<tcp::endpoint> addresses);
  void on_dialed(result<tcp::socket> dialed);
  bool begin_secure();
  void begin_handshake();
  void advance_handshake();
  void on_established();
  void limit_connect();
  void unlimit_connect();

  // Bytes.
  void arm_read();
  void on_readable(const boost::system::error_code& error);
  void on_bytes(std::span<const std::uint8_t> bytes);
  void on_end_of_input(const std::string& reset_words);  // empty: an orderly end
  void deliver_decrypted();
  void collect_output();
  flush_result flush();
  bool send_wire();
  void report_written();
  void drain();
  bool begin_close();

  void arm_timer();
  void on_timer();
  void on_connect_limit();

  loop_environment& loop_;
  std::shared_ptr<const target> target_;
  tocsin_token token_;
  void (*event_)(void*, const tocsin_stream_event*);
  void* context_;

  phase phase_ = phase::looking_up;
  bool in_event_ = false;
  bool pumping_ = false;
  bool pump_posted_ = false;
  bool secure_requested_ = false;
  bool close_requested_ = false;
  bool ended_by_peer_ = false;
  bool by_starttls_ = false;  // the handshake answers secure()
  std::optional<failure> failure_;
  clock::time_point stage_began_;

  std::shared_ptr<dialer> dialer_;
  tcp::socket socket_;
  std::string remote_address_;
  std::uint16_t remote_port_ = 0;
  std::string local_address_;
  std::unique_ptr<tls_engine> tls_;

  bool reading_ = false;
  bool waiting_to_write_ = false;
  bool write_broken_ = false;  // the peer takes no more; what it said before is still to be read
  bool report_written_ = false;
  std::string plain_;  // written by the consumer, not yet encrypted or handed on
  std::string wire_;   // goes to the socket as it is
  std::size_t wire_sent_ = 0;

  boost::asio::steady_timer timer_;
  std::optional<clock::time_point> armed_until_;
  std::optional<clock::time_point> connect_limit_;  // of what is under way now; also of closing
  std::optional<clock::time_point> deadline_;       // the consumer's
  clock::time_point limited_since_;
  std::chrono::milliseconds connect_budget_;  // what is left of timeouts.connect
};

}  // namespace tocsin::secure_connection
