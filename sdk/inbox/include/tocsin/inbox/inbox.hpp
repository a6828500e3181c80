// SPDX-License-Identifier: Apache-2.0
// The inbox: a scriptable SMTP server on loopback that keeps what it gets. The demo's mailbox, the tests' server, a
// plugin author's tool. STARTTLS and implicit TLS with a certificate authority of its own, sign-in, and faults on
// command.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tocsin::inbox {

// Certificate authority for tests: makes a key and a self-signed CA certificate (EC P-256), and issues from it. Throws
// std::runtime_error with OpenSSL's words.
class certificate_authority {
 public:
  explicit certificate_authority(const std::string& common_name = "Tocsin inbox CA");
  ~certificate_authority();
  certificate_authority(certificate_authority&&) noexcept;

  struct request {
    std::vector<std::string> dns_names = {"localhost"};
    std::vector<std::string> ip_addresses = {"127.0.0.1"};
    std::string common_name = "localhost";
    std::chrono::seconds valid_from{-3600};  // relative to now
    std::chrono::seconds valid_until{30 * 86400};
    bool self_signed = false;
    std::string extended_key_usage = "serverAuth";
  };
  struct issued {
    std::string certificate_pem;
    std::string key_pem;
  };
  issued issue(const request& what) const;
  std::string certificate_pem() const;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

enum class security { none, starttls, implicit };

// What the server does at a step of the dialogue instead of what it should.
struct fault {
  // The step: connect, greeting, ehlo, starttls, handshake, auth, mail, rcpt, data, body (the answer to the final dot),
  // quit.
  std::string at;
  // reply:TEXT (answer this instead; "\r\n" between lines) | drop (close) | reset (RST) | stall (say nothing more) |
  // garbage (bytes that are no SMTP) | split (a byte at a time) | inject:TEXT (append TEXT to the good answer, in one
  // write).
  std::string action;
  // A reply decides how the server goes on: 421 closes, a body that was not answered with 2xx is not kept; a body whose
  // answer was dropped, stalled or garbled is.
  std::uint32_t times = 0;  // how often; 0: always
};

struct options {
  security mode = security::starttls;
  std::string greeting_name = "inbox.localhost";
  std::uint16_t port = 0;                                    // 0: the system chooses
  std::map<std::string, std::string> accounts = {};          // user name -> password; empty: no sign-in is asked
  std::vector<std::string> mechanisms = {"PLAIN", "LOGIN"};  // also CRAM-MD5, XOAUTH2
  bool auth_required = false;                                // MAIL before AUTH gets 530
  bool auth_only_under_tls = true;
  bool pipelining = true;
  bool chunking = false;
  bool smtputf8 = true;
  std::uint64_t size_limit = 32u << 20;
  std::string certificate_pem = {};  // empty: one for localhost and 127.0.0.1 is issued by the server's own CA
  std::string key_pem = {};
  std::string minimum_tls = "1.2";  // also 1.3
  std::string maximum_tls = "1.3";  // also 1.0 .. 1.2
  std::vector<fault> faults = {};
  std::filesystem::path keep_in = {};  // also write each message there as NNNN.eml; empty: memory only
  bool keep_mails = true;              // false: mails() stays empty, mail_count() counts (for a long run)
  bool record_dialogue = true;         // false: dialogue() stays empty
};

struct mail {
  std::string envelope_from;
  std::vector<std::string> recipients;
  std::string data;         // as received, CRLF, dots unstuffed
  std::string tls_version;  // "TLSv1.3"; empty: in clear
  std::string tls_cipher;
  std::string signed_in_as;  // empty: nobody
  std::string mechanism;
  std::string client_name;       // of EHLO
  std::uint64_t connection = 0;  // which connection brought it, counted from 1
  // The first header of that name, unfolded and with RFC 2047 words decoded; empty: none.
  std::string header(const std::string& name) const;
  // The decoded text/plain part in UTF-8, its lines ended by "\n".
  std::string text() const;
  std::string html() const;
};

// All functions may be called from any thread.
class server {
 public:
  // Listens on 127.0.0.1 at once. Throws std::system_error; std::invalid_argument for a fault, mechanism or TLS version
  // that there is not; std::runtime_error for a certificate or key that OpenSSL does not take.
  explicit server(options how = {});
  ~server();  // stop()

  std::uint16_t port() const;
  // What signs its certificate; give it to clients as ca_file. Empty if options brought a certificate.
  std::string ca_pem() const;

  std::vector<mail> mails() const;
  std::size_t mail_count() const;
  // Blocks until count mails in all have arrived (true) or the time is over (false).
  bool wait_for(std::size_t count, std::chrono::milliseconds limit) const;
  // Called for each mail, from the connection's thread, once the mail is kept and before it is answered. It must
  // neither throw nor call stop().
  void on_mail(std::function<void(const mail&)> handler);

  void set_faults(std::vector<fault> faults);
  void set_accounts(std::map<std::string, std::string> accounts);
  std::uint64_t connections() const;  // ever made
  // Every line of the client's that was read, with what it was sent in: "C: EHLO x", "S: 250 ok"; sign-in data
  // included, of a message only its size. The last 100,000 lines.
  std::vector<std::string> dialogue() const;
  void stop();

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace tocsin::inbox
