// The rules of signing in at Gmail. Google's own pages: support.google.com/accounts/answer/185833 (app passwords),
// support.google.com/a/answer/176600 (servers, ports, relay).
#include "plugins/presets/gmail/gmail_policy.hpp"

#include <algorithm>

namespace tocsin::gmail {
namespace {

constexpr std::string_view invalid = "SETTINGS_INVALID";
constexpr std::size_t app_password_letters = 16;

char lower(char letter) { return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter; }

bool same_address(std::string_view left, std::string_view right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [](char a, char b) { return lower(a) == lower(b); });
}

void check_username(const account& what, std::vector<finding>& found) {
  if (what.username.empty()) {
    // The Workspace relay can know a machine by its address.
    if (what.host == "smtp-relay.gmail.com" && !what.password) return;
    found.push_back({true, "username", invalid,
                     "username is empty, and Gmail takes mail only after a sign-in. Set it to the account's whole "
                     "address, for example \"alerts@example.org\"."});
  } else if (!is_full_address(what.username)) {
    found.push_back({true, "username", invalid,
                     "\"" + what.username +
                         "\" is no whole address, and Gmail's user name is one. Write it with its domain, for example "
                         "\"alerts@example.org\"."});
  }
}

void check_password(const account& what, std::vector<finding>& found) {
  if (what.username.empty() || signs_in_with_token(what)) return;
  if (!what.password || what.password->empty()) {
    found.push_back({true, "password", "AUTH_APP_PASSWORD_REQUIRED",
                     "password is not set. Make an app password at https://myaccount.google.com/apppasswords and set "
                     "it as password, or set authentication = \"xoauth2\"."});
  } else if (!is_app_password(*what.password)) {
    found.push_back({true, "password", "AUTH_APP_PASSWORD_REQUIRED",
                     "password is not an app password (16 letters), and Gmail takes no ordinary one from a program. "
                     "Turn on 2-Step Verification, make an app password at https://myaccount.google.com/apppasswords "
                     "and set that; or set authentication = \"xoauth2\"."});
  }
}

void check_sender(const account& what, std::vector<finding>& found) {
  if (what.username.empty() || what.from_address.empty() || same_address(what.from_address, what.username)) return;
  found.push_back({false, "from_address", invalid,
                   "from_address \"" + what.from_address + "\" is not the user name: Gmail rewrites it to \"" +
                       what.username +
                       "\" unless it is one of the account's aliases. Set from_address to username, or add the alias "
                       "in Gmail's settings under \"Send mail as\"."});
}

void check_security(const account& what, std::vector<finding>& found) {
  const bool implicit = what.secure_connection == "implicit";
  if ((implicit && what.port == 587) || (what.secure_connection == "starttls" && what.port == 465)) {
    found.push_back({true, "secure_connection", invalid,
                     "secure_connection \"" + what.secure_connection + "\" does not go with port " +
                         std::to_string(what.port) +
                         ": Gmail speaks STARTTLS at 587 and implicit TLS at 465. Set secure_connection to \"auto\", "
                         "which takes the one that the port wants."});
  }
}

}  // namespace

std::vector<finding> check(const account& what) {
  std::vector<finding> found;
  check_security(what, found);
  if (what.authentication != "none") {
    check_username(what, found);
    check_password(what, found);
  }
  check_sender(what, found);
  return found;
}

bool signs_in_with_token(const account& what) {
  return what.authentication == "xoauth2" || what.authentication == "oauthbearer" ||
         (what.authentication == "auto" && what.has_oauth);
}

bool is_app_password(std::string_view password) {
  std::size_t letters = 0;
  for (const char at : password) {
    if (at == ' ') continue;
    if (lower(at) < 'a' || lower(at) > 'z') return false;
    ++letters;
  }
  return letters == app_password_letters;
}

bool is_full_address(std::string_view address) {
  const std::size_t at = address.rfind('@');
  if (at == std::string_view::npos || at == 0) return false;
  const std::string_view domain = address.substr(at + 1);
  const bool has_inner_dot =
      domain.size() >= 3 && domain.substr(1, domain.size() - 2).find('.') != std::string_view::npos;
  return has_inner_dot && address.find_first_of(" \t\r\n") == std::string_view::npos;
}

}  // namespace tocsin::gmail
