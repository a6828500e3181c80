// What all connections to one target share: trust, keys, limits and the sessions that may be resumed.
#pragma once

#include "plugins/services/secure_connection/certificate.hpp"
#include "plugins/services/secure_connection/failure.hpp"
#include "plugins/services/secure_connection/revocation.hpp"
#include "plugins/services/secure_connection/tls_settings.hpp"

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace tocsin::secure_connection {

// A session of an earlier connection, with what was found out when its certificate was last checked in full.
struct known_session {
  session_ptr session;
  std::int64_t verified_at = 0;   // Unix time in seconds
  std::string revocation_detail;  // judge_revocation()'s
};

// The system's CA certificates, read once and shared. Copies refer to the same store; any thread.
class system_trust {
 public:
  system_trust() = default;
  // Null if OpenSSL could not make one.
  X509_STORE* get();

 private:
  std::mutex mutex_;
  store_ptr store_;
};

// Immutable but for its sessions; any thread.
class tls_context {
 public:
  // The failure's code is SETTINGS_INVALID: a file that holds no certificate, a key that fits none.
  static result<std::shared_ptr<tls_context>> make(const stream_settings& settings, system_trust& system);

  SSL_CTX* get() const { return context_.get(); }
  const certificate_policy& policy() const { return policy_; }
  revocation_policy revocation() const { return settings_.revocation; }
  std::span<const crl_ptr> crls() const { return crls_; }
  const std::string& expected_name() const { return policy_.expected_name; }
  const std::string& trust_name() const { return policy_.trust; }
  int minimum_version() const { return settings_.minimum_version; }

  // The newest session that is good to resume at `now`, taken out: a ticket is used once (RFC 8446 C.4). Nobody gets
  // one an hour after its certificate was checked in full.
  std::optional<known_session> take_session(std::int64_t now);
  void keep_session(known_session session);

 private:
  tls_context() = default;
  std::optional<failure> load_trust(system_trust& system);
  std::optional<failure> load_client_certificate();
  std::optional<failure> load_crls();

  tls_settings settings_;
  certificate_policy policy_;
  ssl_context_ptr context_;
  std::vector<crl_ptr> crls_;
  std::mutex mutex_;  // of sessions_
  std::vector<known_session> sessions_;
};

}  // namespace tocsin::secure_connection
