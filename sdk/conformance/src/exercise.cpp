// SPDX-License-Identifier: Apache-2.0
// Calls that many cases make: on the worker, and opening whatever there is.
#include "sdk/conformance/src/channel_bench.hpp"
#include "sdk/conformance/src/openable.hpp"

#include <exception>
#include <future>

namespace tocsin::conformance {
namespace {

template <class Table>
const Table* whole_table(running& plugin, const char* id) {
  const auto* table = plugin.table<Table>(id);
  if (table == nullptr) throw skip_case{"the plugin has no table for " + std::string(id)};
  return table;
}

template <class Open>
tocsin_token must(running& plugin, Open&& open) {
  tocsin_token token{0, 0};
  std::string why;
  if (!open(plugin, plugin.on.settings, token, why))
    throw skip_case{"it refuses the kit's settings (" + shown(why) + "); give it others with --settings"};
  return token;
}

// Everything that opens does so alike; `call` gets the loan, the token's place and the error sink.
template <class Call>
bool open_with(running& plugin, const char* name, tocsin_token& token, std::string& why, Call&& call) {
  loan lent(name);
  call_sink error(lent, "the error sink of " + std::string(name), plugin.on.sink_limit);
  auto* place = lent.put(tocsin_token{0, 0});
  const tocsin_status status = call(lent, place, error.raw());
  check_failure(status, error, name);
  why = error.text();
  token = *place;
  return status == TOCSIN_OK;
}

}  // namespace

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

bool open_source(running& plugin, std::string_view settings, tocsin_token& token, std::string& why) {
  const auto* table = whole_table<tocsin_source>(plugin, TOCSIN_EXT_SOURCE);
  plugin.host.set_opening(true);
  const bool good = open_with(plugin, "source.open", token, why, [&](loan& lent, tocsin_token* place, auto* error) {
    const auto* config = lent.put(tocsin_source_config{sizeof(tocsin_source_config), 0, lent.text("kit"), lent.text(""),
                                                       lent.text(settings), plugin.host.plan().credits});
    return control("source.open", [&] { return table->open(plugin.self(), config, place, error); });
  });
  if (good) plugin.host.open_source(token);
  plugin.host.set_opening(false);
  return good;
}

tocsin_token must_open_source(running& plugin) { return must(plugin, open_source); }

void close_source(running& plugin, tocsin_token token) {
  const auto* table = whole_table<tocsin_source>(plugin, TOCSIN_EXT_SOURCE);
  control("source.close", [&] { table->close(plugin.self(), token); });
  plugin.host.close_source(token);
}

bool open_subscription(running& plugin, std::string_view settings, tocsin_token& token, std::string& why) {
  const auto* table = whole_table<tocsin_subscriber>(plugin, TOCSIN_EXT_SUBSCRIBER);
  return open_with(plugin, "subscriber.open", token, why, [&](loan& lent, tocsin_token* place, auto* error) {
    const auto* config =
        lent.put(tocsin_subscription{sizeof(tocsin_subscription), 0, lent.text("kit"), lent.text(settings)});
    return control("subscriber.open", [&] { return table->open(plugin.self(), config, place, error); });
  });
}

tocsin_token must_open_subscription(running& plugin) { return must(plugin, open_subscription); }

void close_subscription(running& plugin, tocsin_token token) {
  const auto* table = whole_table<tocsin_subscriber>(plugin, TOCSIN_EXT_SUBSCRIBER);
  control("subscriber.close", [&] { table->close(plugin.self(), token); });
}

bool open_store(running& plugin, std::string_view settings, tocsin_token& token, std::string& why) {
  const auto* table = whole_table<tocsin_secret_store>(plugin, TOCSIN_EXT_SECRETS);
  return open_with(plugin, "secrets.open", token, why, [&](loan& lent, tocsin_token* place, auto* error) {
    const auto* config = lent.put(
        tocsin_secret_store_config{sizeof(tocsin_secret_store_config), 0, lent.text("kit"), lent.text(settings)});
    return control("secrets.open", [&] { return table->open(plugin.self(), config, place, error); });
  });
}

tocsin_token must_open_store(running& plugin) { return must(plugin, open_store); }

void close_store(running& plugin, tocsin_token token) {
  const auto* table = whole_table<tocsin_secret_store>(plugin, TOCSIN_EXT_SECRETS);
  control("secrets.close", [&] { table->close(plugin.self(), token); });
}

void open_and_close_all(running& plugin, std::string_view settings) {
  const auto offered = [&](const char* id) { return plugin.on.provides(id) && plugin.extension(id) != nullptr; };
  tocsin_token token{0, 0};
  std::string why;
  if (offered(TOCSIN_EXT_CHANNEL)) {
    channel_bench channel(plugin);
    open_endpoint endpoint;
    if (channel.open(settings, endpoint, why)) channel.close(endpoint);
  }
  if (offered(TOCSIN_EXT_SOURCE) && open_source(plugin, settings, token, why)) close_source(plugin, token);
  if (offered(TOCSIN_EXT_SUBSCRIBER) && open_subscription(plugin, settings, token, why))
    close_subscription(plugin, token);
  if (offered(TOCSIN_EXT_SECRETS) && open_store(plugin, settings, token, why)) close_store(plugin, token);
}

}  // namespace tocsin::conformance
