// SPDX-License-Identifier: Apache-2.0
// The four mechanisms, a function each.
#include "sign_in.hpp"

#include <array>
#include <utility>

#include "encoding.hpp"

namespace tocsin::inbox {

bool is_known_mechanism(std::string_view name) {
  return name == "PLAIN" || name == "LOGIN" || name == "CRAM-MD5" || name == "XOAUTH2";
}

sign_in::sign_in(std::string mechanism, const account_map& accounts, std::string_view server_name,
                 std::string_view nonce)
    : mechanism_(std::move(mechanism)),
      accounts_(accounts),
      cram_challenge_(std::string("<").append(nonce).append("@").append(server_name).append(">")) {}

sign_in::verdict sign_in::start(const std::optional<std::string>& initial) {
  if (mechanism_ == "CRAM-MD5") {  // the server speaks first
    return initial ? verdict::malformed : ask(cram_challenge_);
  }
  if (initial) return step(*initial);
  return ask(mechanism_ == "LOGIN" ? "Username:" : "");
}

sign_in::verdict sign_in::step(const std::string& answer) {
  if (mechanism_ == "PLAIN") return plain(answer);
  if (mechanism_ == "LOGIN") return login(answer);
  if (mechanism_ == "CRAM-MD5") return cram_md5(answer);
  return xoauth2(answer);
}

// [authorization identity] NUL user NUL password (RFC 4616)
sign_in::verdict sign_in::plain(const std::string& answer) {
  const auto first = answer.find('\0');
  const auto second = first == std::string::npos ? first : answer.find('\0', first + 1);
  if (second == std::string::npos || answer.find('\0', second + 1) != std::string::npos) return verdict::malformed;
  const std::string user = answer.substr(first + 1, second - first - 1);
  const std::string acting_as = answer.substr(0, first);
  if (!acting_as.empty() && acting_as != user) return verdict::refused;
  if (!password_is(user, answer.substr(second + 1))) return verdict::refused;
  user_ = user;
  return verdict::accepted;
}

sign_in::verdict sign_in::login(const std::string& answer) {
  if (!named_) {
    user_ = answer;
    named_ = true;
    return ask("Password:");
  }
  return password_is(user_, answer) ? verdict::accepted : verdict::refused;
}

// user SP hex(HMAC-MD5(password, challenge)) (RFC 2195)
sign_in::verdict sign_in::cram_md5(const std::string& answer) {
  const auto space = answer.rfind(' ');
  if (space == std::string::npos) return verdict::malformed;
  user_ = answer.substr(0, space);
  const auto account = accounts_.find(user_);
  if (account == accounts_.end()) return verdict::refused;
  const bool right = answer.substr(space + 1) == hmac_md5_hex(account->second, cram_challenge_);
  return right ? verdict::accepted : verdict::refused;
}

// "user=" user ^A "auth=Bearer " token ^A ^A; a refusal is a challenge with JSON first, which the client answers empty.
sign_in::verdict sign_in::xoauth2(const std::string& answer) {
  if (refused_) return answer.empty() ? verdict::refused : verdict::malformed;
  constexpr std::string_view user_field = "user=";
  constexpr std::string_view token_field = "\001auth=Bearer ";
  const auto token = answer.find(token_field);
  if (!answer.starts_with(user_field) || token == std::string::npos || !answer.ends_with("\001\001")) {
    return verdict::malformed;
  }
  user_ = answer.substr(user_field.size(), token - user_field.size());
  const auto start = token + token_field.size();
  if (password_is(user_, answer.substr(start, answer.size() - 2 - start))) return verdict::accepted;
  refused_ = true;
  return ask(R"({"status":"400","schemes":"bearer","scope":"https://mail.google.com/"})");
}

sign_in::verdict sign_in::ask(std::string challenge) {
  challenge_ = std::move(challenge);
  return verdict::challenge;
}

bool sign_in::password_is(const std::string& user, const std::string& password) const {
  const auto account = accounts_.find(user);
  return account != accounts_.end() && account->second == password;
}

}  // namespace tocsin::inbox
