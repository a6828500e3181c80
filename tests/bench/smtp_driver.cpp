// SPDX-License-Identifier: Apache-2.0
// Sends mails through the built smtp and secure-connection plugins as a host does, by their ABI, and says how fast: the
// channel alone, composing included, without a store. Usage: smtp_driver --help
#include <dlfcn.h>
#include <sys/resource.h>
#include <tocsin/abi/entry.h>
#include <tocsin/abi/ext/channel.h>
#include <tocsin/abi/ext/clock.h>
#include <tocsin/abi/ext/log.h>
#include <tocsin/abi/ext/secrets.h>
#include <tocsin/abi/ext/services.h>
#include <tocsin/abi/ext/stream.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <iostream>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tocsin/sdk/host.hpp>
#include <tocsin/sdk/string.hpp>
#include <utility>
#include <vector>

namespace {

using tocsin::sdk::string_sink;
using tocsin::sdk::to_abi;
using tocsin::sdk::view;

struct arguments {
  std::string plugins;
  std::uint16_t port = 0;
  std::uint64_t mails = 10'000;
  unsigned connections = 8;
  std::string ca_file;
  std::string username;
  std::string password;
};

// What the plugins have of a host: outcomes, services, clock, log, one secret.
class bench_host {
 public:
  explicit bench_host(std::string password) : password_(std::move(password)) {
    host_.struct_size = sizeof host_;
    host_.abi_version = TOCSIN_ABI_VERSION;
    host_.context = this;
    host_.name = to_abi("tocsin-bench");
    host_.version = to_abi("0");
    host_.get_extension = [](void*, tocsin_string id) { return extension(view(id)); };
  }

  const tocsin_host* get() const { return &host_; }
  void offer_stream(const tocsin_plugin& provider) {
    stream_self_ = provider.self;
    stream_table_ = provider.get_extension(provider.self, to_abi(TOCSIN_EXT_STREAM));
    if (stream_table_ == nullptr) throw std::runtime_error("secure-connection offers no tocsin.stream/1");
  }

  // Blocks until something was completed since the last call, and returns how much.
  std::uint64_t take_completed() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return completed_ > 0; });
    if (!failure_.empty()) throw std::runtime_error(failure_);
    return std::exchange(completed_, 0);
  }

 private:
  static bench_host& self(void* context) { return *static_cast<bench_host*>(context); }

  void complete(const tocsin_outcome* const* outcomes, std::uint64_t count) {
    bool first = false;
    {
      const std::lock_guard lock(mutex_);
      for (std::uint64_t i = 0; i < count && failure_.empty(); ++i) {
        if (outcomes[i]->outcome_class == TOCSIN_CLASS_DELIVERED) continue;
        failure_ = std::string(view(outcomes[i]->code)) + ": " + std::string(view(outcomes[i]->detail)) + " " +
                   std::string(view(outcomes[i]->server_reply));
      }
      first = completed_ == 0;
      completed_ += count;
    }
    if (first) changed_.notify_one();
  }

  static const void* extension(std::string_view id) {
    static constexpr tocsin_host_complete complete_table{
        sizeof(tocsin_host_complete), 0, [](void* context, const tocsin_outcome* const* outcomes, std::uint64_t count) {
          self(context).complete(outcomes, count);
        }};
    static constexpr tocsin_host_services services_table{
        sizeof(tocsin_host_services), 0, [](void* context, tocsin_string wanted, tocsin_service* found) {
          if (view(wanted) != TOCSIN_EXT_STREAM || self(context).stream_table_ == nullptr) return TOCSIN_UNSUPPORTED;
          found->table = self(context).stream_table_;
          found->self = self(context).stream_self_;
          return TOCSIN_OK;
        }};
    static constexpr tocsin_host_clock clock_table{
        sizeof(tocsin_host_clock), 0,
        [](void*) -> std::int64_t {
          return std::chrono::duration_cast<std::chrono::milliseconds>(
                     std::chrono::system_clock::now().time_since_epoch())
              .count();
        },
        [](void*) -> std::uint64_t {
          return static_cast<std::uint64_t>(
              std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
                  .count());
        }};
    static constexpr tocsin_host_log log_table{
        sizeof(tocsin_host_log), 0,
        [](void*, tocsin_log_level level, tocsin_string text, const tocsin_field*, uint64_t) {
          if (level >= TOCSIN_LOG_WARN) std::cerr << view(text) << "\n";
        }};
    static constexpr tocsin_host_secrets secrets_table{
        sizeof(tocsin_host_secrets), 0, [](void* context, std::uint64_t, const tocsin_sink* value, const tocsin_sink*) {
          const auto& text = self(context).password_;
          return value->write(value->context, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
        }};
    if (id == TOCSIN_HOST_COMPLETE) return &complete_table;
    if (id == TOCSIN_HOST_SERVICES) return &services_table;
    if (id == TOCSIN_HOST_CLOCK) return &clock_table;
    if (id == TOCSIN_HOST_LOG) return &log_table;
    if (id == TOCSIN_HOST_SECRETS) return &secrets_table;
    return nullptr;
  }

  tocsin_host host_{};
  std::string password_;
  const void* stream_table_ = nullptr;
  void* stream_self_ = nullptr;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t completed_ = 0;
  std::string failure_;
};

// A plugin from its file to its end. The library stays loaded: the process is about to end anyway.
class loaded_plugin {
 public:
  loaded_plugin(const std::string& file, const tocsin_host* host) {
    void* library = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) throw std::runtime_error(::dlerror());
    const auto entry = reinterpret_cast<decltype(&tocsin_plugin_entry_v1)>(::dlsym(library, TOCSIN_ENTRY_SYMBOL));
    if (entry == nullptr) throw std::runtime_error(::dlerror());
    string_sink error;
    if (entry()->create(host, &plugin_, error.get()) != TOCSIN_OK) throw std::runtime_error(file + ": " + error.text());
  }
  ~loaded_plugin() {
    if (started_) plugin_->stop(plugin_->self);
    plugin_->destroy(plugin_->self);
  }
  loaded_plugin(const loaded_plugin&) = delete;
  loaded_plugin& operator=(const loaded_plugin&) = delete;

  void start() {
    string_sink error;
    if (plugin_->start(plugin_->self, error.get()) != TOCSIN_OK) throw std::runtime_error(error.text());
    started_ = true;
  }
  const tocsin_plugin& get() const { return *plugin_; }

 private:
  const tocsin_plugin* plugin_ = nullptr;
  bool started_ = false;
};

std::string settings_json(const arguments& what) {
  const std::string tls = what.ca_file.empty() ? "" : "\"ca_file\":\"" + what.ca_file + "\",";
  return "{\"host\":\"127.0.0.1\",\"port\":" + std::to_string(what.port) + ",\"secure_connection\":\"" +
         (what.ca_file.empty() ? "off" : "starttls") + "\",\"username\":\"" + what.username +
         "\",\"password\":" + (what.username.empty() ? "null" : "{\"secret\":1}") +
         ",\"authentication\":\"auto\",\"allow_plaintext_credentials\":true,\"from_address\":\"tocsin@example.org\"," +
         "\"from_name\":\"Tocsin\",\"tls\":{" + tls +
         "\"server_name\":\"\",\"minimum_version\":\"1.2\",\"revocation\":\"off\",\"revocation_timeout\":2000,"
         "\"crl_files\":[],\"pin_sha256\":[],\"pin_only\":false,\"client_certificate\":\"\",\"client_key\":\"\"},"
         "\"limits\":{\"connections\":" +
         std::to_string(what.connections) +
         ",\"messages_per_connection\":0},\"timeouts\":{\"connect\":30000,\"command\":30000,\"data_start\":30000,"
         "\"data_block\":30000,\"data_end\":30000,\"session\":0}}";
}

// A mail as the default template makes them; composed, it has about 2,000 bytes.
struct content {
  std::string subject = "License of robot 17 ends in 7 days";
  std::string text = lines("The license of robot 17 ends in seven days, on 1 March.", 8);
  std::string html = "<!doctype html><html><body>\n" +
                     lines("<p>The license of <b>robot 17</b> ends in seven days.</p>", 16) + "</body></html>\n";

  static std::string lines(std::string_view line, int count) {
    std::string all;
    for (int i = 0; i < count; ++i) all.append(line).append("\n");
    return all;
  }
};

class sender {
 public:
  sender(const tocsin_plugin& plugin, const arguments& what, bench_host& host)
      : plugin_(plugin),
        channel_(static_cast<const tocsin_channel*>(plugin.get_extension(plugin.self, to_abi(TOCSIN_EXT_CHANNEL)))),
        mails_(what.mails),
        host_(host) {
    const std::string settings = settings_json(what);
    tocsin_endpoint endpoint{};
    endpoint.struct_size = sizeof endpoint;
    endpoint.channel = to_abi("email");
    endpoint.settings = to_abi(settings);
    endpoint.pool = to_abi("bench");
    info_.struct_size = sizeof info_;
    string_sink error;
    if (channel_->open(plugin.self, &endpoint, &info_, error.get()) != TOCSIN_OK)
      throw std::runtime_error(error.text());
    free_ = info_.slots;
  }
  ~sender() { channel_->close(plugin_.self, info_.token); }
  sender(const sender&) = delete;
  sender& operator=(const sender&) = delete;

  void run() {
    std::uint64_t begun = 0;
    std::uint64_t completed = 0;
    while (completed < mails_) {
      const std::uint64_t count = std::min(free_, mails_ - begun);
      if (count > 0) deliver(begun, count);
      begun += count;
      free_ -= count;
      const std::uint64_t done = host_.take_completed();
      completed += done;
      free_ += done;
    }
  }

 private:
  void deliver(std::uint64_t first, std::uint64_t count) {
    messages_.assign(count, tocsin_message{});
    ids_.resize(count);
    pointers_.resize(count);
    const std::int64_t now = 1'772'000'000'000;
    for (std::uint64_t i = 0; i < count; ++i) {
      tocsin_message& one = messages_[i];
      one.struct_size = sizeof one;
      one.attempt = 1;
      one.delivery = {first + i + 1, 1};
      one.endpoint = info_.token;
      one.recipient = to_abi("ops@example.org");
      one.language = to_abi("en");
      ids_[i] = std::to_string(first + i) + ".bench@example.org";
      one.message_id = to_abi(ids_[i]);
      one.created_ms = now;
      one.subject = to_abi(content_.subject);
      one.text = to_abi(content_.text);
      one.html = to_abi(content_.html);
      pointers_[i] = &one;
    }
    channel_->deliver(plugin_.self, pointers_.data(), count);
  }

  const tocsin_plugin& plugin_;
  const tocsin_channel* channel_;
  std::uint64_t mails_;
  bench_host& host_;
  tocsin_endpoint_info info_{};
  std::uint64_t free_ = 0;
  content content_;
  std::vector<tocsin_message> messages_;
  std::vector<std::string> ids_;
  std::vector<const tocsin_message*> pointers_;
};

double cpu_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

void run(const arguments& what) {
  bench_host host(what.password);
  loaded_plugin streams(what.plugins + "/secure-connection.so", host.get());
  loaded_plugin smtp(what.plugins + "/smtp.so", host.get());
  streams.start();
  host.offer_stream(streams.get());
  smtp.start();
  const double cpu_before = cpu_seconds();
  const auto before = std::chrono::steady_clock::now();
  {
    sender mails(smtp.get(), what, host);
    mails.run();
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - before;
  const double cpu = cpu_seconds() - cpu_before;
  std::cout << "{\"mails\":" << what.mails << ",\"seconds\":" << took.count() << ",\"cpu_seconds\":" << cpu << "}\n";
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Mails through the smtp plugin's ABI as fast as they go; prints JSON: mails, seconds, cpu_seconds");
  arguments what;
  app.add_option("--plugins", what.plugins, "Folder of the plugins")->required();
  app.add_option("--port", what.port, "Of the server on 127.0.0.1")->required();
  app.add_option("--mails", what.mails, "How many")->check(CLI::PositiveNumber);
  app.add_option("--connections", what.connections, "At most so many at once")->check(CLI::Range(1, 256));
  app.add_option("--ca-file", what.ca_file, "STARTTLS, trusting this CA; none: no TLS");
  app.add_option("--username", what.username, "Sign in");
  app.add_option("--password", what.password, "Sign in");
  CLI11_PARSE(app, argc, argv);
  try {
    run(what);
  } catch (const std::exception& error) {
    std::cerr << "smtp_driver: " << error.what() << "\n";
    return 1;
  }
  return 0;
}
