// Loops, one thread each, and the tables of targets and streams.
#include "plugins/services/secure_connection/service.hpp"

#include "plugins/services/secure_connection/connection.hpp"
#include "plugins/services/secure_connection/stream_table.hpp"
#include "plugins/services/secure_connection/tls_context.hpp"

#include <openssl/crypto.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <exception>
#include <mutex>
#include <shared_mutex>
#include <thread>
#include <unordered_map>
#include <vector>

namespace tocsin::secure_connection {
namespace {

namespace asio = boost::asio;

// The lower bits of a stream's index say which loop it lives on.
constexpr unsigned loop_bits = 8;
constexpr std::uint64_t loop_mask = (1u << loop_bits) - 1;
constexpr std::size_t buffer_bytes = 64u << 10;

struct loop {
  loop(std::uint64_t index, const service_options& options)
      : number(index),
        names(options.make_resolver(io)),
        receive_buffer(buffer_bytes),
        plain_buffer(buffer_bytes),
        environment{io,
                    *names,
                    receive_buffer,
                    plain_buffer,
                    options.next_address_after,
                    options.close_limit,
                    [this](tocsin_token token) { streams.remove(name_of(token)); }} {}

  static stream_table<connection>::name name_of(tocsin_token token) {
    return {token.index >> loop_bits, token.generation};
  }

  std::uint64_t number;
  asio::io_context io{1};
  stream_table<connection> streams;
  std::unique_ptr<resolver> names;
  std::vector<std::uint8_t> receive_buffer;
  std::vector<std::uint8_t> plain_buffer;
  loop_environment environment;
  asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
  std::thread thread;
};

}  // namespace

struct service::impl {
  explicit impl(service_options how) : options(std::move(how)) {}

  service_options options;
  system_trust trust;

  std::mutex targets_mutex;
  std::unordered_map<std::uint64_t, std::shared_ptr<const target>> targets;  // by index; the generation is always 1
  std::uint64_t last_target = 0;

  // Shared by those who hand work to a loop, held alone by whoever makes or ends the loops.
  std::shared_mutex loops_mutex;
  bool accepting = false;
  std::vector<std::unique_ptr<loop>> loops;
  std::atomic<std::uint64_t> next_loop{0};

  loop* loop_of(tocsin_token stream) {
    const std::uint64_t number = stream.index & loop_mask;
    return number < loops.size() ? loops[number].get() : nullptr;
  }

  // On the completion thread: the loops outlive their own threads' calls.
  connection* find(tocsin_token stream) {
    loop* home = loop_of(stream);
    return home == nullptr ? nullptr : home->streams.find(loop::name_of(stream));
  }

  // The loop with the fewest streams; of equals, each in its turn.
  loop& choose_loop() {
    const std::uint64_t first = next_loop.fetch_add(1, std::memory_order_relaxed);
    loop* best = nullptr;
    for (std::size_t at = 0; at < loops.size(); ++at) {
      loop* candidate = loops[(first + at) % loops.size()].get();
      if (best == nullptr || candidate->streams.size() < best->streams.size()) best = candidate;
    }
    return *best;
  }

  void run(loop& which) {
    for (;;) {
      try {
        which.io.run();
        return;
      } catch (const std::exception& thrown) {
        if (options.report_exception) options.report_exception(thrown.what());
      }
    }
  }
};

service::service(service_options options) : impl_(std::make_unique<impl>(std::move(options))) {}

service::~service() { stop(); }

void service::start() {
  const unsigned wanted =
      impl_->options.loops != 0 ? impl_->options.loops : std::clamp(std::thread::hardware_concurrency(), 2u, 4u);
  const unsigned count = std::min<unsigned>(wanted, loop_mask + 1);
  try {
    const std::unique_lock lock(impl_->loops_mutex);
    for (unsigned at = 0; at < count; ++at) impl_->loops.push_back(std::make_unique<loop>(at, impl_->options));
    impl_->accepting = true;
    for (auto& each : impl_->loops) {
      each->thread = std::thread([owner = impl_.get(), home = each.get()] { owner->run(*home); });
    }
  } catch (...) {
    stop();
    throw;
  }
}

void service::stop() {
  {
    const std::unique_lock lock(impl_->loops_mutex);
    impl_->accepting = false;
  }
  // Nothing is added from here on. The last events run without the lock, so that they may call wake().
  for (auto& each : impl_->loops) {
    asio::post(each->io, [home = each.get()] {
      for (const auto& stream : home->streams.all()) stream->abandon();
      home->io.stop();
    });
  }
  for (auto& each : impl_->loops) {
    if (each->thread.joinable()) each->thread.join();
  }
  std::vector<std::unique_ptr<loop>> ended;
  {
    const std::unique_lock lock(impl_->loops_mutex);
    ended.swap(impl_->loops);
  }
  const std::lock_guard lock(impl_->targets_mutex);
  impl_->targets.clear();
}

result<tocsin_token> service::open_target(std::string_view settings) {
  auto values = read_settings(settings, impl_->options.secrets);
  if (!values) return values.error();
  auto made = std::make_shared<target>();
  made->settings = std::move(*values);
  if (made->settings.mode != security_mode::off) {
    auto tls = tls_context::make(made->settings, impl_->trust);
    if (!tls) return tls.error();
    made->tls = std::move(*tls);
  }
  // What the files held is in OpenSSL's hands now.
  std::string& key = made->settings.tls.client_key.content;
  OPENSSL_cleanse(key.data(), key.size());
  made->settings.tls = tls_settings{};
  const std::lock_guard lock(impl_->targets_mutex);
  const tocsin_token token{++impl_->last_target, 1};
  impl_->targets.emplace(token.index, std::move(made));
  return token;
}

void service::close_target(tocsin_token target) {
  const std::lock_guard lock(impl_->targets_mutex);
  if (target.generation == 1) impl_->targets.erase(target.index);
}

tocsin_status service::connect(tocsin_token target, const tocsin_stream_handler& handler, void* context,
                               tocsin_token* stream) {
  std::shared_ptr<const secure_connection::target> to;
  {
    const std::lock_guard lock(impl_->targets_mutex);
    const auto found = impl_->targets.find(target.index);
    if (found == impl_->targets.end() || target.generation != 1) return TOCSIN_INVALID;
    to = found->second;
  }
  const std::shared_lock lock(impl_->loops_mutex);
  if (!impl_->accepting) return TOCSIN_UNAVAILABLE;
  loop& home = impl_->choose_loop();
  const auto name = home.streams.reserve();
  if (!name) return TOCSIN_UNAVAILABLE;
  const tocsin_token token{name->place << loop_bits | home.number, name->generation};
  auto made = std::make_shared<connection>(home.environment, std::move(to), token, handler, context);
  home.streams.put(*name, made);
  *stream = token;
  asio::post(home.io, [made = std::move(made)] { made->start(); });
  return TOCSIN_OK;
}

void service::wake(tocsin_token stream) {
  const std::shared_lock lock(impl_->loops_mutex);
  loop* home = impl_->loop_of(stream);
  const auto name = loop::name_of(stream);
  if (home == nullptr || !home->streams.request_wake(name)) return;
  asio::post(home->io, [home, name] {
    home->streams.take_wake(name);
    if (connection* found = home->streams.find(name)) found->woken();
  });
}

void service::secure(tocsin_token stream) {
  if (connection* found = impl_->find(stream)) found->secure();
}

void service::write(tocsin_token stream, std::string_view bytes) {
  if (connection* found = impl_->find(stream)) found->write(bytes);
}

void service::set_deadline(tocsin_token stream, std::uint64_t delay_ms) {
  // A year serves as for ever, and cannot overflow.
  constexpr std::uint64_t longest_ms = 365ull * 86'400'000;
  const auto delay = std::chrono::milliseconds(static_cast<std::int64_t>(std::min(delay_ms, longest_ms)));
  if (connection* found = impl_->find(stream)) found->set_deadline(delay);
}

void service::close(tocsin_token stream) {
  if (connection* found = impl_->find(stream)) found->close();
}

std::optional<std::string> service::facts(tocsin_token stream) {
  connection* found = impl_->find(stream);
  if (found == nullptr) return std::nullopt;
  return found->facts();
}

std::optional<std::string> service::channel_binding(tocsin_token stream, std::string_view type) {
  connection* found = impl_->find(stream);
  return found == nullptr ? std::nullopt : found->channel_binding(type);
}

}  // namespace tocsin::secure_connection
