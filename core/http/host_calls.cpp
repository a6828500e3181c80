// Calls of the API that tell of the host itself, and those that a source's plugin answers.
#include "core/http/api_exchange.hpp"
#include "core/http/delivery_json.hpp"
#include "core/http/openapi.hpp"
#include "core/http/plugin_json.hpp"
#include "core/http/source_route.hpp"
#include "core/model/json.hpp"
#include "core/model/utf8.hpp"

#include <boost/json/array.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tocsin {
namespace {

namespace json = boost::json;

http_answer metrics_answer(std::string text) {
  http_answer answer;
  answer.content_type = "text/plain; version=0.0.4; charset=utf-8";
  answer.body = std::move(text);
  return answer;
}

http_answer readiness(const faults& found) {
  if (found.empty()) return ok({{"status", "ready"}});
  json::array list;
  for (const auto& each : found) {
    list.push_back(json::object{{"code", each.code}, {"detail", each.what}, {"remedy", each.remedy}});
  }
  json::object body{{"type", "about:blank"}, {"title", "Service Unavailable"}, {"status", 503}};
  body["detail"] = found.front().what;
  body["code"] = "NOT_READY";
  body["faults"] = std::move(list);
  auto answer = ok(std::move(body));
  answer.status = 503;
  answer.content_type = "application/problem+json";
  return answer;
}

}  // namespace

void api_exchange::plugins() {
  answer_with([plugins = parts.plugins, bound = by->is_bound()] {
    json::array list;
    for (const plugin_info& plugin : plugins ? plugins() : std::vector<plugin_info>()) {
      auto shown = to_json_object(plugin);
      // Paths of the host, and words that may be about somebody else's settings.
      if (bound) {
        for (const auto* name : {"file", "reason", "health", "signed_with"}) shown.erase(name);
      }
      list.push_back(std::move(shown));
    }
    return ok({{"plugins", std::move(list)}});
  });
}

// Asks the store for something small: one that failed says so.
void api_exchange::ready() {
  auto self = std::make_shared<api_exchange>(std::move(*this));
  self->parts.store->counts({}, [self](result<state_counts> counts) {
    self->answer_with([&parts = self->parts, counts = std::move(counts)] {
      faults found = parts.not_ready ? parts.not_ready() : faults();
      if (!counts) found.push_back(counts.error());
      return readiness(found);
    });
  });
}

void api_exchange::openapi() {
  http_answer answer;
  answer.body = openapi_document();
  done(std::move(answer));
}

void api_exchange::metrics() {
  auto self = std::make_shared<api_exchange>(std::move(*this));
  self->parts.store->counts({}, [self](result<state_counts> counts) {
    self->answer_with([&parts = self->parts, counts = std::move(counts)] {
      return metrics_answer(parts.metrics ? parts.metrics(counts ? &*counts : nullptr) : std::string());
    });
  });
}

// It was admitted. That what calls itself JSON is JSON no plugin has to check.
void api_exchange::source(std::string_view path, std::string_view query) {
  const bool has_body = request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
  if (has_body && request.content_type == "application/json") {
    if (const auto read = parse_json(request.body); !read) return done(bad_request(read.error()));
  }
  auto address = parse_source_address(path);
  source_request asked;
  asked.source = std::move(address->source);
  asked.path = std::move(address->path);
  asked.method = request.method == "HEAD" ? "GET" : std::move(request.method);
  asked.query = make_utf8(query);
  if (by != nullptr) asked.organization = by->organization.value_or("");
  asked.body = std::move(request.body);
  asked.headers.reserve(request.headers.size());
  for (auto& [name, value] : request.headers) {
    if (name == "authorization" || name == "proxy-authorization" || name == "cookie") continue;
    asked.headers.emplace_back(std::move(name), make_utf8(value));
  }
  parts.ask_source(std::move(asked),
                   [done = std::move(done)](result<source_answer> answer) { done(to_http(std::move(answer))); });
}

}  // namespace tocsin
