// One call of the API under way, and what the calls are. Its files: *_calls.cpp.
#pragma once

#include "core/http/answers.hpp"
#include "core/http/api.hpp"

#include <functional>
#include <string_view>
#include <utility>

namespace tocsin {

class token_registry;

// Lives in the callbacks that it waits for; each call answers once.
struct api_exchange {
  const api_parts& parts;
  http_request request;
  token_registry& tokens;
  principal_ptr by;  // whose request it is; null: the call asks for no token
  std::function<void(http_answer)> done;

  // make() gives the answer, on the pool where there is one: the thread that has the facts is the store's, and has
  // better things to do.
  template <class Make>
  void answer_with(Make make) {
    if (parts.pool == nullptr) return done(make());
    parts.pool->post([done = std::move(done), make = std::move(make)]() mutable { done(make()); });
  }

  void publish();

  void list(std::string_view query);
  void show(std::string_view id);
  void queue();
  void queue_endpoints();
  void alter_one(std::string_view path);
  void alter_many(std::string_view path, std::string_view query);

  void check_store();
  void back_up_store(std::string_view query);
  void trace(std::string_view path);
  void trace_by_name(std::string_view query);
  void trace_event(event_query which, http_answer unknown);

  void plugins();
  void ready();
  void openapi();
  void metrics();
  void list_tokens();
  void create_token();
  void revoke_token(std::string_view name);

  // path: /v1/channels/NAME/...
  void channels();
  void test_channel(std::string_view path);
  void diagnose_channel(std::string_view path);
  void reload();

  void source(std::string_view path, std::string_view query);
  bool read_channel_check(std::string_view path, channel_check& check);  // false: refused, and answered
};

}  // namespace tocsin
