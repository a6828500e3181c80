// What is wrong with a Gmail account's settings that the manifest's data cannot say. No I/O.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::gmail {

// What the checks look at. Never shown: password is in no finding's text.
struct account {
  std::string host;
  std::int64_t port = 0;
  std::string secure_connection;
  std::string authentication;
  bool has_oauth = false;  // the oauth table says where tokens come from
  std::string username;
  std::optional<std::string> password;  // nothing: not set
  std::string from_address;
};

struct finding {
  bool fatal = false;
  std::string_view key;
  std::string_view code;
  std::string text;
};

std::vector<finding> check(const account& what);

// An access token takes the password's place.
bool signs_in_with_token(const account& what);

// 16 letters; spaces between them, which Google shows for reading, do not count.
bool is_app_password(std::string_view password);

// somebody@some.domain, without any further rule: the server knows better.
bool is_full_address(std::string_view address);

}  // namespace tocsin::gmail
