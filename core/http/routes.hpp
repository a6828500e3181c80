// What each address of the API needs; all of it is known from a request's header, before a body is read.
#pragma once

#include "core/http/principal.hpp"

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace tocsin {

enum class api_call : std::uint8_t {
  live,
  ready,
  metrics,
  publish,
  list,
  show,
  queue,
  plugins,
  list_tokens,
  create_token,
  revoke_token,
  channels,
  test_channel,
  diagnose_channel,
  reload,
  openapi,
  source,
  alter_one,
  alter_many,
  trace,
  trace_by_name,
  queue_endpoints,
  check_store,
  back_up_store
};

// Whose tokens may make a call.
enum class callers : std::uint8_t {
  all,   // also a token that is bound to an organization: the call answers with what is that organization's
  host,  // only tokens that are bound to none
};

// One call. Calls at one path have a row each where they need different scopes.
struct api_route {
  std::string_view path;  // "{}" stands for one segment, a "*" at the end for all that follows
  std::span<const std::string_view> methods;
  api_call call;
  scope needs;
  callers whose;
  std::span<const std::string_view> content_types;  // of the body; none: no body is taken
};

std::span<const api_route> all_routes();

// Those at this path (without its query), whatever their methods; none: there is nothing.
std::vector<const api_route*> routes_at(std::string_view path);
// The one of them for this method. Null: none.
const api_route* route_for(const std::vector<const api_route*>& at_path, std::string_view method);
// For the header Allow.
std::string methods_of(const std::vector<const api_route*>& at_path);

// Does path have the form of pattern?
bool matches_path(std::string_view pattern, std::string_view path);

}  // namespace tocsin
