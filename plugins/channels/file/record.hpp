// A notification as a line of JSON.
#pragma once

#include <tocsin/sdk/message.hpp>

#include <string>
#include <string_view>

namespace tocsin::file {

// What every line begins with: a torn one is known by it.
constexpr std::string_view record_start = "{\"message_id\":";

// One JSON object and a line feed, in UTF-8; docs/file-channel.md lists its members.
std::string compose_record(const sdk::message& message);

}  // namespace tocsin::file
