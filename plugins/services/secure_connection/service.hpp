// The service behind tocsin.stream/1: targets, loops and the streams that live on them.
#pragma once

#include "plugins/services/secure_connection/resolver.hpp"
#include "plugins/services/secure_connection/tls_settings.hpp"

#include <tocsin/abi/ext/stream.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tocsin::secure_connection {

struct service_options {
  unsigned loops = 0;  // 0: one a core, two to four
  std::chrono::milliseconds next_address_after{250};
  std::chrono::milliseconds close_limit{5000};
  resolver_factory make_resolver = system_resolvers();
  secret_reader secrets{};                                   // for tls.client_key
  std::function<void(std::string_view)> report_exception{};  // a line for the log; nothing should come here
};

// Threads as tocsin_stream says. Calls that name no live stream or target do nothing.
class service {
 public:
  explicit service(service_options options);
  ~service();  // stop()
  service(const service&) = delete;
  service& operator=(const service&) = delete;

  // [control] Throws std::system_error if a thread cannot be had; then nothing runs.
  void start();
  // [control] Every stream has its last event, every thread ends. Name look-ups that are under way are given up.
  void stop();

  result<tocsin_token> open_target(std::string_view settings);
  void close_target(tocsin_token target);
  tocsin_status connect(tocsin_token target, const tocsin_stream_handler& handler, void* context, tocsin_token* stream);
  void wake(tocsin_token stream);

  // On the stream's completion thread.
  void secure(tocsin_token stream);
  void write(tocsin_token stream, std::string_view bytes);
  void set_deadline(tocsin_token stream, std::uint64_t delay_ms);
  void close(tocsin_token stream);
  std::optional<std::string> facts(tocsin_token stream);
  std::optional<std::string> channel_binding(tocsin_token stream, std::string_view type);

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace tocsin::secure_connection
