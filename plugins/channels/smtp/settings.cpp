// The settings of an endpoint: from the host's JSON to values.
#include "plugins/channels/smtp/settings.hpp"

#include "plugins/channels/smtp/mime/composer.hpp"
#include "plugins/channels/smtp/protocol/address.hpp"

#include <tocsin/sdk/json.hpp>

#include <algorithm>
#include <charconv>
#include <utility>

namespace tocsin::smtp {
namespace {

[[noreturn]] void refuse(const std::string& why) { throw sdk::failure(TOCSIN_INVALID, why); }

outcome_class read_class(std::string_view name, std::string_view code) {
  static constexpr std::pair<std::string_view, outcome_class> names[] = {
      {"delivered", outcome_class::delivered}, {"permanent", outcome_class::permanent},
      {"transient", outcome_class::transient}, {"throttled", outcome_class::throttled},
      {"config", outcome_class::config},       {"auth", outcome_class::auth},
      {"uncertain", outcome_class::uncertain}};
  for (const auto& [known, value] : names) {
    if (known == name) return value;
  }
  return class_of(code);
}

preset_reply read_reply(const sdk::json_reader& entry) {
  preset_reply made;
  made.code = static_cast<int>(entry.integer("code").value_or(0));
  made.enhanced = entry.text("enhanced").value_or("");
  if (const auto at = entry.text("stage")) made.at = stage_of(*at);
  made.contains = entry.text("contains").value_or("");
  made.outcome = entry.text("outcome").value_or("");
  made.result = read_class(entry.text("class").value_or(""), made.outcome);
  made.retry_after_ms = read_duration(entry.text("retry_after").value_or("")).value_or(-1);
  made.remedy = entry.text("remedy").value_or("");
  return made;
}

// A refusal that a preset calls "delivered" would lose mail; such an entry, or one without an outcome, counts for
// nothing.
std::vector<preset_reply> read_preset(std::string_view preset) {
  std::vector<preset_reply> replies;
  sdk::json_reader(preset).for_each("replies", [&](std::string_view json) {
    preset_reply entry = read_reply(sdk::json_reader(json));
    if (!entry.outcome.empty() && entry.result != outcome_class::delivered) replies.push_back(std::move(entry));
  });
  return replies;
}

// Providers show an application password in groups of letters; the spaces between them are no part of it.
bool strips_spaces(std::string_view preset, std::string_view key) {
  bool named = false;
  sdk::json_reader(preset).for_each("strip_spaces",
                                    [&](std::string_view json) { named = named || json == sdk::json_text(key); });
  return named;
}

security read_security(const std::string& name, unsigned port) {
  if (name == "auto") return port == 465 ? security::implicit : security::starttls;
  if (name == "starttls") return security::starttls;
  if (name == "implicit") return security::implicit;
  if (name == "off") return security::off;
  refuse("secure_connection is \"" + name + "\"; it takes auto, starttls, implicit or off");
}

// Only a session's may be 0: a wait for the server without an end would hold its mails for ever.
milliseconds read_timeout(const sdk::json_reader& settings, std::string_view key, milliseconds otherwise) {
  const milliseconds read{settings.integer(key).value_or(otherwise.count())};
  if (read.count() <= 0) {
    refuse(std::string(key) + " is 0, but there must be a limit; set a time such as \"" +
           std::to_string(otherwise.count() / 1000) + "s\", or leave it out for that");
  }
  return read;
}

fsm_settings read_dialogue(const sdk::json_reader& settings, std::string_view preset) {
  fsm_settings made;
  made.host = settings.text("host").value_or("");
  if (made.host.empty()) refuse("host is empty; give the mail server's name or address");
  made.port = static_cast<unsigned>(settings.integer("port").value_or(587));
  made.security = read_security(settings.text("secure_connection").value_or("auto"), made.port);
  made.username = settings.text("username").value_or("");
  made.sign_in.authentication = settings.text("authentication").value_or("auto");
  made.sign_in.has_username = !made.username.empty();
  made.sign_in.allow_plaintext = settings.flag("allow_plaintext_credentials").value_or(false);
  made.command_timeout = read_timeout(settings, "timeouts.command", made.command_timeout);
  made.data_start_timeout = read_timeout(settings, "timeouts.data_start", made.data_start_timeout);
  made.data_block_timeout = read_timeout(settings, "timeouts.data_block", made.data_block_timeout);
  made.data_end_timeout = read_timeout(settings, "timeouts.data_end", made.data_end_timeout);
  made.session_timeout = milliseconds{settings.integer("timeouts.session").value_or(0)};
  static_cast<void>(read_timeout(settings, "timeouts.connect", milliseconds{30000}));  // the stream service's
  made.messages_per_connection =
      static_cast<std::uint64_t>(settings.integer("limits.messages_per_connection").value_or(0));
  made.preset = read_preset(preset);
  return made;
}

}  // namespace

std::optional<std::int64_t> read_duration(std::string_view text) {
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc{} || count < 0) return std::nullopt;
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  static constexpr std::pair<std::string_view, std::int64_t> units[] = {
      {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
  for (const auto& [name, factor] : units) {
    if (name == unit && count <= INT64_MAX / factor) return count * factor;
  }
  return std::nullopt;
}

std::string reveal_password(const sdk::host_api& host, const endpoint_settings& settings) {
  std::string password = host.reveal(*settings.password);
  if (!settings.password_without_spaces) return password;
  const auto end = std::remove(password.begin(), password.end(), ' ');
  std::fill(end, password.end(), '\0');  // what is behind the new end is no longer wiped by who gets it
  password.erase(end, password.end());
  return password;
}

endpoint_settings read_settings(std::string_view json, std::string_view preset) {
  const sdk::json_reader settings(json);
  endpoint_settings made;
  fsm_settings dialogue = read_dialogue(settings, preset);
  made.password = settings.secret("password");
  if (dialogue.sign_in.needed() && !made.password) {
    refuse("username is \"" + dialogue.username +
           "\", but password is not set; set it, or leave username blank to send "
           "without signing in");
  }
  // An access token is no password that somebody copied from a page.
  const std::string& how = dialogue.sign_in.authentication;
  made.password_without_spaces = how != "xoauth2" && how != "oauthbearer" && strips_spaces(preset, "password");
  made.dialogue = std::make_shared<const fsm_settings>(std::move(dialogue));
  const std::int64_t connections = settings.integer("limits.connections").value_or(8);
  made.connections = connections < 1 ? 1 : static_cast<std::uint32_t>(connections);

  const std::string from = settings.text("from_address").value_or("");
  const address_result sender = parse_address(from);
  if (!sender) refuse("from_address \"" + from + "\" is no mail address: " + sender.why);
  made.sender_path = sender.value.path();
  made.sender_needs_smtputf8 = sender.value.needs_smtputf8;
  made.from_field = compose_from(settings.text("from_name").value_or(""), sender.value.mailbox);
  return made;
}

}  // namespace tocsin::smtp
