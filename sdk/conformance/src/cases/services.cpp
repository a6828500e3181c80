// SPDX-License-Identifier: Apache-2.0
// Subscribers, secret stores and routes: what the host hands them, and what it gets back.
#include "sdk/conformance/src/at_once.hpp"
#include "sdk/conformance/src/case.hpp"
#include "sdk/conformance/src/openable.hpp"

#include <tocsin/sdk/string.hpp>

namespace tocsin::conformance {
namespace {

const std::vector<std::string>& hostile_texts() {
  static const std::vector<std::string> all{"",
                                            std::string("a\0b", 3),
                                            "line\r\nInjected: yes\r\n\r\n",
                                            "../../../etc/passwd",
                                            "%s%n{{}}$(x)`y`#?&=",
                                            std::string(100'000, 'x')};
  return all;
}

template <class Open>
void open_close_several(const law& about, Open&& open, const std::function<void(tocsin_token)>& close) {
  const tocsin_token first = open();
  const tocsin_token second = open();
  if (!sdk::valid(first)) blackbox::breach(about, "open() answered TOCSIN_OK with the token {0, 0}");
  if (sdk::same(first, second)) blackbox::breach(about, "two that are open at once have the token " + to_text(first));
  close(first);
  close(second);
}

void subscriber_open_close(bench& on, const law& about) {
  on.need(TOCSIN_EXT_SUBSCRIBER);
  const auto plugin = start_plugin(on);
  open_close_several(
      about, [&] { return must_open_subscription(*plugin); },
      [&](tocsin_token token) { close_subscription(*plugin, token); });
}

void hand_events(running& plugin, tocsin_token subscription, std::size_t count, std::string_view text,
                 std::uint64_t lost) {
  const auto* table = plugin.need_table<tocsin_subscriber>(TOCSIN_EXT_SUBSCRIBER);
  loan lent("subscriber.events");
  std::vector<const tocsin_event*> events;
  for (std::size_t index = 0; index < count; ++index) {
    tocsin_event event{};
    event.struct_size = sizeof(event);
    event.id = lent.text("event-" + std::to_string(index));
    event.source = lent.text("/conformance");
    event.type = lent.text("org.example.conformance");
    event.subject = lent.text(text);
    event.time_ms = TOCSIN_NO_TIME;
    event.data = lent.bytes(index % 2 == 0 ? "{\"answer\":42}" : "");
    event.expires_ms = TOCSIN_NO_TIME;
    events.push_back(lent.put(event));
  }
  const tocsin_event* const* list = lent.array(events);
  on_worker(plugin.host, "subscriber.events", [&] { table->events(plugin.self(), subscription, list, count, lost); });
}

void subscriber_takes_events(bench& on, const law&) {
  on.need(TOCSIN_EXT_SUBSCRIBER);
  const auto plugin = start_plugin(on);
  const tocsin_token subscription = must_open_subscription(*plugin);
  for (const std::string& text : hostile_texts()) hand_events(*plugin, subscription, 1 + on.pick(10), text, on.pick(3));
  hand_events(*plugin, subscription, 0, "", 12);
  hand_events(*plugin, {on.random(), on.random()}, 1, "for nobody", 0);
  close_subscription(*plugin, subscription);
}

void secrets_open_close(bench& on, const law& about) {
  on.need(TOCSIN_EXT_SECRETS);
  const auto plugin = start_plugin(on);
  open_close_several(
      about, [&] { return must_open_store(*plugin); }, [&](tocsin_token token) { close_store(*plugin, token); });
}

void fetch(running& plugin, tocsin_token store, std::string_view reference) {
  const auto* table = plugin.need_table<tocsin_secret_store>(TOCSIN_EXT_SECRETS);
  const tocsin_token request = plugin.host.secret_requests.issue();
  loan lent("secrets.fetch");
  const tocsin_string text = lent.text(reference);
  on_worker(plugin.host, "secrets.fetch", [&] { table->fetch(plugin.self(), store, request, text); });
}

void expect_answers(running& plugin, const tickets& of, const char* what, const char* call, const law& about) {
  const std::string why = plugin.wait([&] { return of.outstanding() == 0; });
  if (why.empty()) return;
  blackbox::breach(about,
                   "answer() was never called for " + std::to_string(of.outstanding()) + " of the " + what +
                       " that came in " + call + " (" + why + ")",
                   call);
  throw end_case{};
}

void secrets_answer(bench& on, const law& about) {
  on.need(TOCSIN_EXT_SECRETS);
  const auto plugin = start_plugin(on);
  const tocsin_token store = must_open_store(*plugin);
  for (const std::string& text : hostile_texts()) fetch(*plugin, store, text);
  fetch(*plugin, store, "conformance#password");
  fetch(*plugin, {on.random(), on.random()}, "of no store");
  expect_answers(*plugin, plugin->host.secret_requests, "requests", "secrets.fetch", about);
  close_store(*plugin, store);
}

void secrets_close(bench& on, const law& about) {
  on.need(TOCSIN_EXT_SECRETS);
  const auto plugin = start_plugin(on);
  const tocsin_token store = must_open_store(*plugin);
  for (int index = 0; index < 4; ++index) fetch(*plugin, store, "conformance#" + std::to_string(index));
  close_store(*plugin, store);
  if (const std::size_t left = plugin->host.secret_requests.outstanding(); left != 0)
    blackbox::breach(about, "close() returned with " + std::to_string(left) + " requests not answered");
}

void secrets_at_once(bench& on, const law& about) {
  on.need(TOCSIN_EXT_SECRETS);
  const auto plugin = start_plugin(on);
  const tocsin_token store = must_open_store(*plugin);
  const auto* table = plugin->need_table<tocsin_secret_store>(TOCSIN_EXT_SECRETS);
  at_once([&] {
    const tocsin_token request = plugin->host.secret_requests.issue();
    loan lent("secrets.fetch");
    const tocsin_string text = lent.text("conformance#password");
    call_plugin("secrets.fetch", TOCSIN_THREAD_WORKER, [&] { table->fetch(plugin->self(), store, request, text); });
  });
  expect_answers(*plugin, plugin->host.secret_requests, "requests, of which several came at once,", "secrets.fetch",
                 about);
  close_store(*plugin, store);
}

const tocsin_http_call* lend_call(running& plugin, loan& lent, tocsin_token source, const char* method,
                                  std::string_view path, std::string_view body) {
  tocsin_http_call call{};
  call.struct_size = sizeof(call);
  call.call = plugin.host.http_calls.issue();
  call.source = source;
  call.method = lent.text(method);
  call.path = lent.text(path);
  call.query = lent.text("a=1&b=%ff");
  call.headers = lent.array(std::vector<tocsin_field>{{lent.text("content-type"), lent.text("application/json")}});
  call.header_count = 1;
  call.body = lent.bytes(body);
  return lent.put(call);
}

void ask_route(running& plugin, tocsin_token source, const char* method, std::string_view path, std::string_view body) {
  const auto* table = plugin.need_table<tocsin_http_route>(TOCSIN_EXT_HTTP_ROUTE);
  loan lent("http_route.call");
  const tocsin_http_call* call = lend_call(plugin, lent, source, method, path, body);
  on_worker(plugin.host, "http_route.call", [&] { table->call(plugin.self(), call); });
}

void routes_at_once(bench& on, const law& about) {
  on.need(TOCSIN_EXT_HTTP_ROUTE);
  const auto plugin = start_plugin(on);
  const tocsin_token source = must_open_source(*plugin);
  const auto* table = plugin->need_table<tocsin_http_route>(TOCSIN_EXT_HTTP_ROUTE);
  at_once([&] {
    loan lent("http_route.call");
    const tocsin_http_call* call = lend_call(*plugin, lent, source, "POST", "/conformance", "{}");
    call_plugin("http_route.call", TOCSIN_THREAD_WORKER, [&] { table->call(plugin->self(), call); });
  });
  expect_answers(*plugin, plugin->host.http_calls, "calls, of which several came at once,", "http_route.call", about);
  close_source(*plugin, source);
}

void route_answers(bench& on, const law& about) {
  on.need(TOCSIN_EXT_HTTP_ROUTE);
  const auto plugin = start_plugin(on);
  const tocsin_token source = must_open_source(*plugin);
  for (const char* method : {"GET", "POST", "BREW", ""}) {
    for (const std::string& text : hostile_texts()) {
      ask_route(*plugin, source, method, "/conformance", text);
      ask_route(*plugin, source, method, text, "{}");
    }
  }
  ask_route(*plugin, {on.random(), on.random()}, "POST", "/of-no-source", "{}");
  expect_answers(*plugin, plugin->host.http_calls, "calls", "http_route.call", about);
  close_source(*plugin, source);
}

}  // namespace

case_table service_cases() {
  return {
      {"subscriber.open-close",
       {"open() answers TOCSIN_OK with a token of the subscription's own, or writes the reason to error",
        "tocsin/abi/ext/subscriber.h", "open [control] active"},
       subscriber_open_close},
      {"subscriber.takes-events",
       {"events are borrowed for the call, whatever their text; none, and lost ones, are told in the same way",
        "tocsin/abi/ext/subscriber.h", "events [worker] active"},
       subscriber_takes_events},
      {"secrets.open-close",
       {"open() answers TOCSIN_OK with a token of the store's own, or writes the reason to error",
        "tocsin/abi/ext/secret_store.h", "open [control] active"},
       secrets_open_close},
      {"secrets.answers-each-once", laws::secret_answer, secrets_answer},
      {"secrets.close-answers-what-is-open",
       {"requests that are under way are answered before close() returns", "tocsin/abi/ext/secret_store.h",
        "close [control] active, draining"},
       secrets_close},
      {"secrets.several-at-once",
       {"secrets are asked for several at once, of one store too, and each is answered once",
        "tocsin/abi/ext/secret_store.h", "fetch [any] active"},
       secrets_at_once},
      {"http_route.answers-each-once", laws::http_answer, route_answers},
      {"http_route.several-at-once",
       {"requests come several at once, for one source too, and each is answered once", "tocsin/abi/ext/http_route.h",
        "call [any] active"},
       routes_at_once},
  };
}

}  // namespace tocsin::conformance
