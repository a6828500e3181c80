// SPDX-License-Identifier: Apache-2.0
// Calls that many cases make: on the worker, and opening whatever there is.
#include "sdk/conformance/src/bench.hpp"

#include <tocsin/abi/ext/subscriber.h>

#include <exception>
#include <future>

namespace tocsin::conformance {

void on_worker(kit_host& host, const char* call, const std::function<void()>& body) {
  std::promise<void> done;
  host.worker.post([&] {
    try {
      call_plugin(call, TOCSIN_THREAD_WORKER, body);
      done.set_value();
    } catch (...) {
      done.set_exception(std::current_exception());
    }
  });
  done.get_future().get();
}

namespace {

void open_channel(running& plugin, std::string_view settings) {
  const auto* table = plugin.table<tocsin_channel>(TOCSIN_EXT_CHANNEL);
  if (table == nullptr) return;
  tocsin_endpoint_info info{sizeof(info), 0, {0, 0}};
  {
    loan lent("channel.open");
    call_sink error(lent, "the error sink of channel.open", plugin.on.sink_limit);
    const auto* endpoint = lent.put(tocsin_endpoint{sizeof(tocsin_endpoint), 0, lent.text("kit"), lent.text(""),
                                                    lent.text(settings), lent.text(""), lent.text("pool")});
    const tocsin_status status =
        control("channel.open", [&] { return table->open(plugin.self(), endpoint, &info, error.raw()); });
    check_failure(status, error, "channel.open");
    if (status != TOCSIN_OK) return;
  }
  control("channel.close", [&] { table->close(plugin.self(), info.token); });
}

void open_source(running& plugin, std::string_view settings) {
  const auto* table = plugin.table<tocsin_source>(TOCSIN_EXT_SOURCE);
  if (table == nullptr) return;
  tocsin_token token{0, 0};
  {
    loan lent("source.open");
    call_sink error(lent, "the error sink of source.open", plugin.on.sink_limit);
    const auto* config = lent.put(tocsin_source_config{sizeof(tocsin_source_config), 0, lent.text("kit"), lent.text(""),
                                                       lent.text(settings), plugin.host.plan().credits});
    plugin.host.set_opening(true);
    const tocsin_status status =
        control("source.open", [&] { return table->open(plugin.self(), config, &token, error.raw()); });
    plugin.host.open_source(token);
    plugin.host.set_opening(false);
    check_failure(status, error, "source.open");
    if (status != TOCSIN_OK) return plugin.host.close_source(token);
  }
  control("source.close", [&] { table->close(plugin.self(), token); });
  plugin.host.close_source(token);
}

void open_subscription(running& plugin, std::string_view settings) {
  const auto* table = plugin.table<tocsin_subscriber>(TOCSIN_EXT_SUBSCRIBER);
  if (table == nullptr) return;
  tocsin_token token{0, 0};
  {
    loan lent("subscriber.open");
    call_sink error(lent, "the error sink of subscriber.open", plugin.on.sink_limit);
    const auto* subscription =
        lent.put(tocsin_subscription{sizeof(tocsin_subscription), 0, lent.text("kit"), lent.text(settings)});
    const tocsin_status status =
        control("subscriber.open", [&] { return table->open(plugin.self(), subscription, &token, error.raw()); });
    check_failure(status, error, "subscriber.open");
    if (status != TOCSIN_OK) return;
  }
  control("subscriber.close", [&] { table->close(plugin.self(), token); });
}

void open_store(running& plugin, std::string_view settings) {
  const auto* table = plugin.table<tocsin_secret_store>(TOCSIN_EXT_SECRETS);
  if (table == nullptr) return;
  tocsin_token token{0, 0};
  {
    loan lent("secrets.open");
    call_sink error(lent, "the error sink of secrets.open", plugin.on.sink_limit);
    const auto* config = lent.put(
        tocsin_secret_store_config{sizeof(tocsin_secret_store_config), 0, lent.text("kit"), lent.text(settings)});
    const tocsin_status status =
        control("secrets.open", [&] { return table->open(plugin.self(), config, &token, error.raw()); });
    check_failure(status, error, "secrets.open");
    if (status != TOCSIN_OK) return;
  }
  control("secrets.close", [&] { table->close(plugin.self(), token); });
}

}  // namespace

void open_and_close_all(running& plugin, std::string_view settings) {
  const auto offered = [&](const char* id) { return plugin.on.provides(id); };
  if (offered(TOCSIN_EXT_CHANNEL)) open_channel(plugin, settings);
  if (offered(TOCSIN_EXT_SOURCE)) open_source(plugin, settings);
  if (offered(TOCSIN_EXT_SUBSCRIBER)) open_subscription(plugin, settings);
  if (offered(TOCSIN_EXT_SECRETS)) open_store(plugin, settings);
}

}  // namespace tocsin::conformance
