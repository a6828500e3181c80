// What the API knows of requests to sources, /v1/sources/NAME/...: which of a source's paths is meant, and what comes
// of it.
#pragma once

#include "core/http/api.hpp"
#include "core/model/manifest.hpp"
#include "core/plugin_host/plugin_host.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin {

// The two parts of such an address, decoded.
struct source_address {
  std::string source;
  std::string path;  // "/heartbeat"
};

// path: as sent. Nothing: no source's path can have this form.
std::optional<source_address> parse_source_address(std::string_view path);

// Those of a source's routes that are at this path, whatever their methods.
std::vector<manifest_http_route> routes_at(const std::vector<manifest_http_route>& all, std::string_view path);
// The one for this method; HEAD is GET without the body. Null: none.
const manifest_http_route* route_for(const std::vector<manifest_http_route>& at_path, std::string_view method);
// For the header Allow.
std::string methods_of(const std::vector<manifest_http_route>& at_path);

bool takes_content_type(const manifest_http_route& route, std::string_view content_type);

http_answer to_http(result<source_answer> what);

}  // namespace tocsin
