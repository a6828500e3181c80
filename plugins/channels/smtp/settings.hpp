// The settings of an endpoint: from the host's JSON to values.
#pragma once

#include "plugins/channels/smtp/protocol/smtp_fsm.hpp"

#include <tocsin/sdk/host.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tocsin::smtp {

struct endpoint_settings {
  // What every connection of the pool goes by.
  std::shared_ptr<const fsm_settings> dialogue;
  std::optional<std::uint64_t> password;  // a secret's handle
  bool password_without_spaces = false;   // the preset's wish: spaces in it are for the eye
  std::uint32_t connections = 8;

  // What this endpoint puts into its mails.
  std::string sender_path;  // "<noreply@example.org>"
  bool sender_needs_smtputf8 = false;
  std::string from_field;  // "From: ...\r\n"
};

// settings and preset as in tocsin_endpoint (tocsin/abi/endpoint.h). Throws sdk::failure with the key, what is wrong
// with it and what to do.
endpoint_settings read_settings(std::string_view settings, std::string_view preset);

// The password as it goes to the server. Throws sdk::failure with the host's reason.
std::string reveal_password(const sdk::host_api& host, const endpoint_settings& settings);

// "90s" in milliseconds, as a preset's data writes it; nothing: it is no duration.
std::optional<std::int64_t> read_duration(std::string_view text);

}  // namespace tocsin::smtp
