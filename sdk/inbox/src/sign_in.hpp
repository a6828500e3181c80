// SPDX-License-Identifier: Apache-2.0
// The server's side of a sign-in exchange (RFC 4954): PLAIN, LOGIN, CRAM-MD5, XOAUTH2. No I/O.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace tocsin::inbox {

using account_map = std::map<std::string, std::string>;

bool is_known_mechanism(std::string_view name);

class sign_in {
 public:
  enum class verdict {
    challenge,  // send 334 and challenge(), then step() with the answer
    accepted,   // user() is signed in
    refused,    // wrong user name or password
    malformed,  // the answer is no answer of this mechanism
  };

  // nonce makes the challenge of CRAM-MD5 unique.
  sign_in(std::string mechanism, const account_map& accounts, std::string_view server_name, std::string_view nonce);

  // Starts the exchange; initial: the decoded initial response, if the client sent one.
  verdict start(const std::optional<std::string>& initial);
  // Goes on with the client's decoded answer.
  verdict step(const std::string& answer);

  const std::string& challenge() const { return challenge_; }  // not encoded
  const std::string& user() const { return user_; }
  const std::string& mechanism() const { return mechanism_; }

 private:
  verdict plain(const std::string& answer);
  verdict login(const std::string& answer);
  verdict cram_md5(const std::string& answer);
  verdict xoauth2(const std::string& answer);
  verdict ask(std::string challenge);
  bool password_is(const std::string& user, const std::string& password) const;

  std::string mechanism_;
  const account_map& accounts_;
  std::string cram_challenge_;
  std::string challenge_;
  std::string user_;
  bool named_ = false;    // LOGIN: the user name is known
  bool refused_ = false;  // XOAUTH2: the error was sent, the client's empty answer comes
};

}  // namespace tocsin::inbox
