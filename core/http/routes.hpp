// What each address of the API needs; all of it is known from a request's header, before a body is read.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace tocsin {

enum class api_call : std::uint8_t { live, ready, metrics, publish, list, show, queue, plugins, source };

// What a token must allow; open: no token is asked for. The admin token allows everything.
enum class scope : std::uint8_t { open, publish, read };

struct api_route {
  std::string_view path;  // "{}" stands for one segment, a "*" at the end for all that follows
  api_call call;
  scope needs;
  std::span<const std::string_view> methods;
  std::span<const std::string_view> content_types;  // of the body; none: no body is taken
};

// Null: there is nothing at this path (without its query).
const api_route* find_route(std::string_view path);

// Does path have the form of pattern?
bool matches_path(std::string_view pattern, std::string_view path);

}  // namespace tocsin
