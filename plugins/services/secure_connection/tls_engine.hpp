// TLS for one connection without any I/O: encrypted bytes go in and come out, plain bytes come out and go in.
#pragma once

#include "plugins/services/secure_connection/failure.hpp"
#include "plugins/services/secure_connection/tls_context.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::secure_connection {

enum class tls_state {
  handshaking,  // feed() what the peer sends
  established,  // verified: read() and write()
  closed,       // the peer said that it will send no more (close_notify)
  failed        // failure() says why
};

struct passed_stage {
  std::string stage;   // tls, certificate, revocation
  std::string detail;  // one line
};

// One thread at a time. After each call output() has what is to be sent to the peer, also after a failure (an alert).
class tls_engine {
 public:
  // What every connection of a context has in common with OpenSSL; once, when the context is made.
  static void install(SSL_CTX* context);

  // now: Unix time in seconds, for the age of sessions and of revocation answers.
  tls_engine(std::shared_ptr<tls_context> context, std::int64_t now);
  ~tls_engine();
  tls_engine(const tls_engine&) = delete;
  tls_engine& operator=(const tls_engine&) = delete;

  // Puts the first flight into output(), and goes on with it after each feed(); established only once the certificate
  // and its revocation have been judged good.
  tls_state handshake();

  // Bytes of the peer's; kept until they are used up.
  void feed(std::span<const std::uint8_t> bytes);
  // The peer closed the connection. In a handshake and without close_notify it is a failure.
  void feed_end();

  // Decrypted bytes of the peer's, up to the buffer's size; 0: no more for now, look at state(). established only.
  std::size_t read(std::span<std::uint8_t> buffer);
  // Encrypts all of it. established only; false: failed.
  bool write(std::string_view bytes);
  // Says that nothing more will be sent.
  void shut_down();

  std::string& output() { return output_; }
  tls_state state() const { return state_; }
  const failure& fault() const { return fault_; }
  // The stages that have been passed since the last call, in order.
  std::vector<passed_stage> take_stages() { return std::exchange(stages_, {}); }

  // Once established.
  std::string protocol() const;
  std::string cipher() const;
  bool resumed() const;
  X509* peer_certificate() const;
  const std::string& server_name() const { return context_->expected_name(); }
  // judge_revocation()'s words; "off" where it is switched off.
  const std::string& revocation() const { return revocation_detail_; }
  // RFC 9266 tls-exporter, RFC 5929 tls-server-end-point. Nothing: not on this connection.
  std::optional<std::string> channel_binding(std::string_view type) const;

 private:
  friend struct tls_engine_callbacks;

  tls_state fail(failure why);
  tls_state fail_handshake();
  tls_state finish_handshake();
  std::optional<failure> judge_peer();
  void note_tls_stage();
  void keep_new_sessions();
  bool speaks_tls() const;

  std::shared_ptr<tls_context> context_;
  ssl_ptr ssl_;
  std::int64_t now_;
  tls_state state_ = tls_state::handshaking;
  failure fault_;
  std::vector<passed_stage> stages_;
  bool tls_stage_noted_ = false;
  std::string first_bytes_;                   // that the peer ever sent
  std::optional<failure> certificate_fault_;  // found by the callback inside the handshake
  std::optional<known_session> resumed_from_;
  std::vector<session_ptr> new_sessions_;
  std::string revocation_detail_;
  std::int64_t verified_at_;
  std::string input_;
  std::size_t input_used_ = 0;
  bool input_ended_ = false;
  std::string output_;
};

}  // namespace tocsin::secure_connection
