// The HTTP API: requests in, answers out, without sockets. The listener drives it; tests call it.
#pragma once

#include "core/bus/bus.hpp"
#include "core/delivery/dispatcher.hpp"
#include "core/http/channels.hpp"
#include "core/http/principal.hpp"
#include "core/model/code.hpp"
#include "core/model/fault.hpp"
#include "core/model/store.hpp"
#include "core/plugin_host/plugin_host.hpp"
#include "core/runtime/clock.hpp"
#include "core/runtime/executor.hpp"
#include "core/settings/settings.hpp"
#include "core/store/upkeep.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin {

struct http_request {
  std::string method;
  std::string target;         // path and query as sent
  std::string content_type;   // without parameters, lower case
  std::string authorization;  // the header's value
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers = {};  // names in lower case; for a source
};

struct http_answer {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::map<std::string, std::string> headers;  // Retry-After, WWW-Authenticate, Allow ...
};

// What came of reading the settings again. errors: they were refused, and the old ones stay in force.
struct reload_report {
  faults errors, warnings;
};

struct api_parts {
  std::function<void(publication, bus::callback)> publish;  // as bus::publish
  tocsin::store* store = nullptr;
  const code_table* codes = nullptr;
  std::string admin_token;
  std::vector<token_record> tokens;                         // those that the store has at the start
  const tocsin::clock* clock = nullptr;                     // for what is written down with its time
  std::function<faults()> not_ready;                        // why the host is not ready; empty: it is
  std::function<std::vector<plugin_info>()> plugins;        // what is known of each plugin's file
  std::function<std::string(const state_counts*)> metrics;  // Prometheus text; null: the store does not answer
  // What a source takes. Faults: NOT_FOUND, there is no such source; SOURCE_DOWN, its plugin is not there.
  std::function<result<std::vector<manifest_http_route>>(const std::string& source)> source_routes;
  // The organization that such a source is for; empty: all. Null: each is for all.
  std::function<std::string(const std::string& source)> source_organization;
  std::function<void(source_request, source_answer_handler)> ask_source;  // as plugin_host::request
  // The endpoints of the host and of every organization; or those that this organization uses.
  std::function<std::vector<channel_status>(const std::optional<std::string>& organization)> channels;
  // Faults: CHANNEL_UNKNOWN; CHECKS_BUSY and HOST_STOPPING, try again later.
  std::function<void(channel_check, std::function<void(result<outcome>)>)> test_channel;
  std::function<void(channel_check, std::function<void(result<std::vector<diagnosis_stage>>)>)> diagnose_channel;
  std::function<void(std::function<void(const reload_report&)>)> reload;
  // What an operator does, now (`now` is filled in); endpoints on which something is due by it know that when it
  // answers.
  std::function<void(alteration, store::callback<alteration_result>)> alter;
  // Why nothing is sent over an endpoint, if it is paused; null: nothing is known of endpoints.
  std::function<std::optional<endpoint_pause>(const endpoint_key&)> pause_of;
  std::function<std::vector<dispatcher::endpoint_status>()> endpoints;  // those that are in use; null: none
  std::function<void(store::callback<store_check>)> check_store;
  std::function<void(std::string file, store::callback<store_backup>)> back_up_store;
  std::function<settings_ptr()> settings;  // what is in force; null: a trace names no routes
  // A request was answered; route: as routes.hpp has it, or "none". Null: nobody counts. [any thread]
  std::function<void(std::string_view route, int status)> answered;
  executor* pool = nullptr;  // where answers are put into words; null: on the thread that has them
};

struct api_route;
class token_registry;

// What the header alone settles.
struct admission {
  std::optional<http_answer> refusal;  // nothing: the request may be made
  const api_route* route = nullptr;    // for handle(); null: it is refused
  principal_ptr by;                    // for handle(); null: no token was asked for
  bool takes_body = false;
  bool to_source = false;  // its plugin answers, and gets the headers
};

// Takes a token only in `Authorization: Bearer`.
class api {
 public:
  explicit api(api_parts parts);
  ~api();
  // Address, token, method and content type, before the body is read; it is not looked at. [any thread]
  admission admit(const http_request& head) const;
  // Of a request that was admitted. Answers once, on any thread, possibly before this returns. [any thread]
  void handle(http_request request, const admission& admitted, std::function<void(http_answer)> done);

 private:
  std::optional<http_answer> check_token(std::string_view authorization, admission& made) const;
  void admit_to_source(const http_request& head, std::string_view path, admission& made) const;
  void admit_to_host(const http_request& head, const std::vector<const api_route*>& at_path, admission& made) const;

  api_parts parts_;
  std::unique_ptr<token_registry> tokens_;
};

// RFC 9457 application/problem+json with our code.
http_answer problem(int status, std::string_view code, std::string_view title, std::string_view detail);
http_answer problem(int status, const fault& why, std::string_view title);

}  // namespace tocsin
