// Signing in (RFC 4954): which mechanism, and its dialogue. No I/O; libgsasl does the mechanisms, XOAUTH2 and
// OAUTHBEARER are ours.
#pragma once

#include "plugins/channels/smtp/protocol/capabilities.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::smtp {

struct sign_in_policy {
  std::string authentication = "auto";  // auto, none, or a mechanism's name in lower case
  bool has_username = false;            // blank: nobody signs in
  bool allow_plaintext = false;         // what can be reused by who overhears it may go in clear

  bool needed() const { return has_username && authentication != "none"; }
};

struct mechanism_choice {
  std::vector<std::string> mechanisms;  // to try, the best first
  std::string code;                     // not empty: none will do (AUTH_NOT_OFFERED, ...), and why
  std::string why;
};

// The mechanisms that policy, server and connection allow. can_bind: the TLS connection has a channel binding.
mechanism_choice choose_mechanisms(const sign_in_policy& policy, const capabilities& offered, bool encrypted,
                                   bool can_bind);

struct credentials {
  std::string username;
  std::string password;  // the access token for XOAUTH2 and OAUTHBEARER
  std::string host;      // as OAUTHBEARER tells it
  unsigned port = 0;
  std::string channel_binding;  // of type tls-exporter, raw bytes; empty: none
};

// One sign-in's dialogue. Every challenge is bounded.
class sasl_exchange {
 public:
  virtual ~sasl_exchange() = default;

  struct step {
    bool ok = false;
    std::string response;  // not yet in base64
    std::string why;       // of what is not ok: one line
  };

  // What may go along with the AUTH command; nothing: the server speaks first.
  virtual std::optional<step> initial() = 0;
  // Answers a challenge (base64 removed).
  virtual step answer(std::string_view challenge) = 0;
  // The server says that we are signed in; false: it has not proved that it knows the password (SCRAM).
  virtual bool accept() = 0;
};

// Null: the mechanism cannot be had; the reason is in why.
std::unique_ptr<sasl_exchange> make_exchange(std::string_view mechanism, const credentials& who, std::string& why);

// A challenge in base64 at most this long is looked at.
inline constexpr std::size_t max_challenge_bytes = 12288;
// SCRAM's iteration count: above it a server only burns our time.
inline constexpr unsigned long max_scram_iterations = 600000;

}  // namespace tocsin::smtp
