// SPDX-License-Identifier: Apache-2.0
// The loop between socket and dialogue: read, take all that came, answer in one write.
#include "connection_session.hpp"

#include <cstring>
#include <vector>

namespace tocsin::inbox {
namespace {

constexpr std::size_t input_size = 64 * 1024;
constexpr std::string_view garbage("\x00\xff\x16\x03\x80 neither SMTP nor TLS \xfe\r\n", 30);

class connection_session {
 public:
  connection_session(socket_handle& socket, shared_state& shared, const tls_context* tls, std::uint64_t number)
      : socket_(socket), shared_(shared), tls_(tls), channel_(socket), dialogue_(shared, number), input_(input_size) {}

  void run() {
    if (!open()) return;
    for (;;) {
      std::string_view left(input_.data(), filled_);
      const next_action next = dialogue_.consume(left);
      std::memmove(input_.data(), left.data(), left.size());
      filled_ = left.size();
      if (!perform(next)) return;
    }
  }

 private:
  bool open() {
    if (const auto fault = shared_.faults.take("connect"); fault && !misbehave(*fault)) return false;
    if (shared_.how.mode == security::implicit && !shake_hands()) return false;
    return perform(dialogue_.greet());
  }

  // False: the connection has ended.
  bool perform(next_action next) {
    dialogue_.flush_record();
    if (!flush()) return false;
    switch (next) {
      case next_action::again:
        return true;
      case next_action::read:
        return read();
      case next_action::start_tls:
        filled_ = 0;  // what came in clear behind STARTTLS is nobody's (CVE-2011-0411)
        return shake_hands() && read();
      case next_action::close:
        channel_.say_goodbye();
        return false;
      case next_action::reset:
        socket_.close_with_reset();
        return false;
    }
    return false;
  }

  bool read() {
    const std::size_t got = channel_.read(input_.data() + filled_, input_.size() - filled_);
    filled_ += got;
    return got > 0;
  }

  bool flush() {
    bool sent = channel_.write(dialogue_.output());
    dialogue_.output().clear();
    for (const char& byte : dialogue_.split_output()) sent = sent && channel_.write({&byte, 1});
    dialogue_.split_output().clear();
    return sent;
  }

  bool shake_hands() {
    channel::handshake_misdeeds misdeeds;
    if (const auto fault = shared_.faults.take("handshake")) {
      if (fault->what == misdeed::inject) {
        misdeeds.inject = fault->text;
      } else if (fault->what == misdeed::split) {
        misdeeds.split = true;
      } else {
        if (misbehave(*fault)) swallow();  // there is no handshake after that
        return false;
      }
    }
    if (!channel_.handshake(*tls_, misdeeds)) return false;
    dialogue_.secured(channel_.tls_version(), channel_.tls_cipher());
    return true;
  }

  // A fault outside the dialogue. False: the connection has ended.
  bool misbehave(const planned_fault& fault) {
    switch (fault.what) {
      case misdeed::reply:
        return channel_.write(fault.text.ends_with("\r\n") ? fault.text : fault.text + "\r\n");
      case misdeed::inject:
        return channel_.write(fault.text);
      case misdeed::garbage:
        return channel_.write(garbage);
      case misdeed::split:
        return true;
      case misdeed::stall:
        swallow();
        return false;
      case misdeed::drop:
        return false;
      case misdeed::reset:
        socket_.close_with_reset();
        return false;
    }
    return false;
  }

  // Reads and says nothing, until the client has had enough.
  void swallow() {
    do filled_ = 0;
    while (read());
  }

  socket_handle& socket_;
  shared_state& shared_;
  const tls_context* tls_;
  channel channel_;
  dialogue_fsm dialogue_;
  std::vector<char> input_;
  std::size_t filled_ = 0;
};

}  // namespace

void run_connection(socket_handle& socket, shared_state& shared, const tls_context* tls, std::uint64_t number) {
  connection_session(socket, shared, tls, number).run();
  socket.close();
}

}  // namespace tocsin::inbox
