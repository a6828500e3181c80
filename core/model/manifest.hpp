// A plugin's manifest: what it is, offers and needs, as read without running it. docs/formats/manifest.md
#pragma once

#include "core/model/code.hpp"
#include "core/model/fault.hpp"

#include <boost/json/object.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin {

struct manifest_requirement {
  std::string service;       // an extension id
  bool same_process = true;  // "locality": "same_process" or "any"
};

// What one path of a source takes: METHOD /v1/sources/NAME/PATH.
struct manifest_http_route {
  std::string method;             // GET, POST, PUT, PATCH or DELETE
  std::string path;               // "/heartbeat"
  std::string scope = "publish";  // what the caller's token must allow: publish or read; open: no token is asked for
  std::vector<std::string> content_types{"application/json"};  // of a body; "*/*": any, or none
  std::string summary;

  bool takes_body() const { return method == "POST" || method == "PUT" || method == "PATCH"; }
};

// What a preset's manifest says of the channel that it fills in.
struct preset_data {
  std::string channel_plugin;    // "for": the plugin id
  boost::json::object defaults;  // settings
  boost::json::object json;      // the whole object: replies, quotas, constraints
};

struct manifest {
  std::string id;       // [a-z][a-z0-9]*(-[a-z0-9]+)*, at most 64
  std::string version;  // MAJOR.MINOR.PATCH
  std::uint32_t abi_major = 0;
  std::uint32_t abi_minor = 0;
  std::string title;
  std::string description;
  std::vector<std::string> provides;  // extension ids
  std::vector<manifest_requirement> requirements;
  std::vector<std::string> parts;   // of a channel: subject, text, html
  std::vector<std::string> stages;  // of a doctor, in order
  std::vector<code_entry> codes;
  std::vector<std::string> capabilities;                   // asked for: "connect: setting:host,port"
  boost::json::object settings;                            // its schema; empty: it has none
  std::map<std::string, std::vector<std::string>> groups;  // group -> dotted keys that only make sense together
  std::optional<preset_data> preset;
  std::vector<manifest_http_route> http_routes;

  bool provides_extension(std::string_view extension_id) const;
};

// Strict: an unknown member is a fault, so that a typing error is found by its author. Code MANIFEST_INVALID, place.key
// the member.
result<manifest> parse_manifest(std::string_view json);

}  // namespace tocsin
