// The secure-connection plugin: the table of tocsin.stream/1 in front of the service.
#include "plugins/services/secure_connection/service.hpp"

#include <tocsin/abi/ext/stream.h>
#include <tocsin/sdk/plugin.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tocsin::secure_connection {
namespace {

class secure_connection_plugin : public sdk::plugin {
 public:
  explicit secure_connection_plugin(const sdk::host_api& host) : sdk::plugin(host), streams_(options_for(host)) {}

  void start() override { streams_.start(); }
  void stop() override { streams_.stop(); }
  const void* extension(std::string_view id) override;

  service& streams() { return streams_; }

 private:
  static service_options options_for(const sdk::host_api& host) {
    service_options options;
    options.secrets = [host](std::uint64_t handle) -> result<std::string> {
      try {
        return host.reveal(handle);
      } catch (const std::exception& thrown) {
        return failure{"settings", "SETTINGS_INVALID", thrown.what()};
      }
    };
    options.report_exception = [host](std::string_view what) {
      host.log(sdk::log_level::error, "a stream's work ended with an exception", {sdk::field("exception", what)});
    };
    return options;
  }

  service streams_;
};

secure_connection_plugin& plugin_of(void* self) { return *static_cast<secure_connection_plugin*>(self); }

// A call that answers nothing: an exception becomes a line in the log.
template <class Body>
void guarded(void* self, const char* call, Body&& body) noexcept {
  secure_connection_plugin& plugin = plugin_of(self);
  sdk::with_barrier(plugin.host(), call, [&] { body(plugin.streams()); });
}

tocsin_status write_if(const std::optional<std::string>& value, tocsin_status otherwise, const tocsin_sink* sink) {
  if (!value) return otherwise;
  return sdk::write(sink, *value) ? TOCSIN_OK : TOCSIN_FAILED;
}

tocsin_status open_target(void* self, tocsin_string settings, tocsin_token* target, const tocsin_sink* error) noexcept {
  if (target == nullptr) return TOCSIN_INVALID;
  return sdk::with_barrier(error, [&] {
    const auto opened = plugin_of(self).streams().open_target(sdk::view(settings));
    if (!opened) throw sdk::failure(TOCSIN_INVALID, opened.error().detail);
    *target = *opened;
  });
}

void close_target(void* self, tocsin_token target) noexcept {
  guarded(self, "close_target", [&](service& streams) { streams.close_target(target); });
}

tocsin_status connect(void* self, tocsin_token target, const tocsin_stream_handler* handler, void* context,
                      tocsin_token* stream) noexcept {
  if (handler == nullptr || stream == nullptr || !TOCSIN_HAS_FIELD(tocsin_stream_handler, handler, event) ||
      handler->event == nullptr) {
    return TOCSIN_INVALID;
  }
  tocsin_status status = TOCSIN_FAILED;
  const tocsin_status barrier = sdk::with_barrier(
      nullptr, [&] { status = plugin_of(self).streams().connect(target, *handler, context, stream); });
  return barrier == TOCSIN_OK ? status : barrier;
}

void secure(void* self, tocsin_token stream) noexcept {
  guarded(self, "secure", [&](service& streams) { streams.secure(stream); });
}

void write(void* self, tocsin_token stream, tocsin_bytes data) noexcept {
  guarded(self, "write", [&](service& streams) { streams.write(stream, sdk::view(data)); });
}

void set_deadline(void* self, tocsin_token stream, std::uint64_t delay_ms) noexcept {
  guarded(self, "set_deadline", [&](service& streams) { streams.set_deadline(stream, delay_ms); });
}

void close(void* self, tocsin_token stream) noexcept {
  guarded(self, "close", [&](service& streams) { streams.close(stream); });
}

void wake(void* self, tocsin_token stream) noexcept {
  guarded(self, "wake", [&](service& streams) { streams.wake(stream); });
}

tocsin_status facts(void* self, tocsin_token stream, const tocsin_sink* json) noexcept {
  tocsin_status status = TOCSIN_FAILED;
  guarded(self, "facts", [&](service& streams) { status = write_if(streams.facts(stream), TOCSIN_INVALID, json); });
  return status;
}

tocsin_status channel_binding(void* self, tocsin_token stream, tocsin_string type, const tocsin_sink* value) noexcept {
  tocsin_status status = TOCSIN_FAILED;
  guarded(self, "channel_binding", [&](service& streams) {
    status = write_if(streams.channel_binding(stream, sdk::view(type)), TOCSIN_UNSUPPORTED, value);
  });
  return status;
}

constexpr tocsin_stream stream_table_v1{
    sizeof(tocsin_stream), 0,     open_target, close_target, connect,        secure, write,
    set_deadline,          close, wake,        facts,        channel_binding};

const void* secure_connection_plugin::extension(std::string_view id) {
  return id == TOCSIN_EXT_STREAM ? &stream_table_v1 : nullptr;
}

}  // namespace
}  // namespace tocsin::secure_connection

TOCSIN_PLUGIN(tocsin::secure_connection::secure_connection_plugin);
