// Signing in: which mechanism, and its dialogue.
#include "plugins/channels/smtp/protocol/sign_in.hpp"

#include "plugins/channels/smtp/mime/encode.hpp"

#include <gsasl.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace tocsin::smtp {
namespace {

struct mechanism_facts {
  std::string_view name;
  bool reusable;  // what goes over the wire can be used again by who overhears it
};

// In the order of "auto".
constexpr std::array<mechanism_facts, 8> mechanisms_known = {{
    {"SCRAM-SHA-256-PLUS", false},
    {"SCRAM-SHA-256", false},
    {"SCRAM-SHA-1", false},
    {"PLAIN", true},
    {"LOGIN", true},
    {"CRAM-MD5", false},
    {"XOAUTH2", true},
    {"OAUTHBEARER", true},
}};

bool is_oauth(std::string_view mechanism) { return mechanism == "XOAUTH2" || mechanism == "OAUTHBEARER"; }

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    if (!text.empty()) text += ", ";
    text += word;
  }
  return text.empty() ? "none" : text;
}

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return out;
}

// Shared by all sign-ins and never changed after it was made; lives as long as the library, on purpose.
Gsasl* library() {
  static Gsasl* const made = [] {
    Gsasl* context = nullptr;
    return gsasl_init(&context) == GSASL_OK ? context : nullptr;
  }();
  return made;
}

// The iteration count of a SCRAM server's first message, "r=...,s=...,i=4096"; 0: there is none to be read.
unsigned long scram_iterations(std::string_view message) {
  const std::size_t at = message.find(",i=");
  if (at == std::string_view::npos) return 0;
  unsigned long count = 0;
  const char* begin = message.data() + at + 3;
  const auto [end, error] = std::from_chars(begin, message.data() + message.size(), count);
  if (error == std::errc::result_out_of_range) return max_scram_iterations + 1;
  return end == begin ? 0 : count;
}

class gsasl_exchange final : public sasl_exchange {
 public:
  gsasl_exchange(std::string_view mechanism, const credentials& who)
      : scram_(mechanism.starts_with("SCRAM-")), client_first_(scram_ || mechanism == "PLAIN") {
    const std::string name(mechanism);
    if (library() == nullptr || gsasl_client_start(library(), name.c_str(), &session_) != GSASL_OK) {
      session_ = nullptr;
      return;
    }
    gsasl_property_set_raw(session_, GSASL_AUTHID, who.username.data(), who.username.size());
    gsasl_property_set_raw(session_, GSASL_PASSWORD, who.password.data(), who.password.size());
    if (mechanism.ends_with("-PLUS")) {
      const std::string binding = to_base64(who.channel_binding);
      gsasl_property_set(session_, GSASL_CB_TLS_EXPORTER, binding.c_str());
    }
  }
  ~gsasl_exchange() override {
    if (session_ != nullptr) gsasl_finish(session_);
  }
  gsasl_exchange(const gsasl_exchange&) = delete;
  gsasl_exchange& operator=(const gsasl_exchange&) = delete;

  bool usable() const { return session_ != nullptr; }

  std::optional<step> initial() override {
    if (!client_first_) return std::nullopt;
    return run({});
  }

  step answer(std::string_view challenge) override {
    if (scram_) {
      if (scram_iterations(challenge) > max_scram_iterations) {
        return {false, {}, "the server asks for more than 600,000 iterations of its hash"};
      }
    }
    return run(challenge);
  }

  bool accept() override {
    // SCRAM is over only when the server's signature was right; the others have nothing to prove.
    return !scram_ || finished_;
  }

 private:
  step run(std::string_view input) {
    char* output = nullptr;
    std::size_t size = 0;
    const int status = gsasl_step(session_, input.data(), input.size(), &output, &size);
    step made;
    if (status == GSASL_OK || status == GSASL_NEEDS_MORE) {
      made.ok = true;
      if (output != nullptr) made.response.assign(output, size);
      finished_ = status == GSASL_OK;
    } else {
      made.why = gsasl_strerror(status);
    }
    gsasl_free(output);
    return made;
  }

  Gsasl_session* session_ = nullptr;
  bool scram_;
  bool client_first_;
  bool finished_ = false;
};

// XOAUTH2 (Google's and Microsoft's) and OAUTHBEARER (RFC 7628): a token, and nothing to compute. On an error the
// server sends a challenge that tells it; a set answer makes it end the exchange.
class oauth_exchange final : public sasl_exchange {
 public:
  oauth_exchange(std::string first, std::string give_up) : first_(std::move(first)), give_up_(std::move(give_up)) {}

  std::optional<step> initial() override { return step{true, first_, {}}; }
  step answer(std::string_view) override {
    if (answered_) return {false, {}, "the server goes on asking after its error message"};
    answered_ = true;
    return {true, give_up_, {}};
  }
  bool accept() override { return !answered_; }

 private:
  std::string first_;
  std::string give_up_;
  bool answered_ = false;
};

// RFC 5801: ',' and '=' of an authorization identity are escaped.
std::string escape_gs2(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == ',') {
      out += "=2C";
    } else if (c == '=') {
      out += "=3D";
    } else {
      out += c;
    }
  }
  return out;
}

bool contains_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; });
}

std::unique_ptr<sasl_exchange> make_oauth(std::string_view mechanism, const credentials& who) {
  if (mechanism == "XOAUTH2") {
    return std::make_unique<oauth_exchange>("user=" + who.username +
                                                "\x01"
                                                "auth=Bearer " +
                                                who.password + "\x01\x01",
                                            "");
  }
  return std::make_unique<oauth_exchange>("n,a=" + escape_gs2(who.username) + ",\x01host=" + who.host +
                                              "\x01port=" + std::to_string(who.port) +
                                              "\x01"
                                              "auth=Bearer " +
                                              who.password + "\x01\x01",
                                          "\x01");
}

mechanism_choice refuse(std::string_view code, std::string why) { return {{}, std::string(code), std::move(why)}; }

mechanism_choice choose_named(const sign_in_policy& policy, const capabilities& offered, bool encrypted) {
  const std::string wanted = upper(policy.authentication);
  const auto* known = std::find_if(mechanisms_known.begin(), mechanisms_known.end(),
                                   [&](const mechanism_facts& one) { return one.name == wanted; });
  if (known == mechanisms_known.end()) {
    return refuse("AUTH_MECHANISM_UNSUPPORTED", "this plugin does not know the mechanism " + wanted);
  }
  if (known->reusable && !encrypted && !policy.allow_plaintext) {
    return refuse("AUTH_NEEDS_ENCRYPTION",
                  wanted +
                      " would send the password in clear; encrypt the connection (secure_connection), or set "
                      "allow_plaintext_credentials = true");
  }
  if (!offered.offers(wanted)) {
    return refuse("AUTH_MECHANISM_UNSUPPORTED",
                  "the server does not offer " + wanted + "; it offers " + joined(offered.mechanisms));
  }
  return {{wanted}, {}, {}};
}

}  // namespace

mechanism_choice choose_mechanisms(const sign_in_policy& policy, const capabilities& offered, bool encrypted,
                                   bool can_bind) {
  if (!offered.auth && offered.mechanisms.empty()) {
    return refuse("AUTH_NOT_OFFERED",
                  encrypted
                      ? "the server offers no sign-in (no AUTH in its reply to EHLO)"
                      : "the server offers no sign-in on an unencrypted connection (no AUTH in its reply to EHLO)");
  }
  if (policy.authentication != "auto") return choose_named(policy, offered, encrypted);

  mechanism_choice choice;
  bool withheld = false;
  for (const bool reusable_too : {false, true}) {
    for (const mechanism_facts& one : mechanisms_known) {
      if (is_oauth(one.name) || !offered.offers(one.name)) continue;  // a password is no token
      if (one.name.ends_with("-PLUS") && !can_bind) continue;
      if (one.reusable && !encrypted && !policy.allow_plaintext) {
        withheld = true;
        continue;
      }
      // Over TLS the table's order holds; without it, what cannot be overheard goes first.
      if (encrypted ? reusable_too : one.reusable != reusable_too) continue;
      choice.mechanisms.emplace_back(one.name);
    }
  }
  if (!choice.mechanisms.empty()) return choice;
  if (withheld) {
    return refuse("AUTH_NEEDS_ENCRYPTION",
                  "the server offers only mechanisms that send the password in clear (" + joined(offered.mechanisms) +
                      "); encrypt the connection (secure_connection), or set allow_plaintext_credentials = true");
  }
  return refuse("AUTH_MECHANISM_UNSUPPORTED",
                "none of the mechanisms that the server offers can be used: " + joined(offered.mechanisms));
}

std::unique_ptr<sasl_exchange> make_exchange(std::string_view mechanism, const credentials& who, std::string& why) {
  if (who.username.find('\0') != std::string::npos || who.password.find('\0') != std::string::npos) {
    why = "the user name or the password contains a NUL byte";
    return nullptr;
  }
  if (is_oauth(mechanism)) {
    if (contains_control(who.username) || contains_control(who.password)) {
      why = "the user name or the access token contains a control character";
      return nullptr;
    }
    return make_oauth(mechanism, who);
  }
  auto exchange = std::make_unique<gsasl_exchange>(mechanism, who);
  if (!exchange->usable()) {
    why = "libgsasl does not provide " + std::string(mechanism);
    return nullptr;
  }
  return exchange;
}

}  // namespace tocsin::smtp
