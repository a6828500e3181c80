// A stream service without a network: one thread, and a scripted SMTP server behind each connection.
#pragma once

#include <tocsin/abi/ext/stream.h>
#include <tocsin/sdk/host.hpp>
#include <tocsin/sdk/string.hpp>

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace tocsin::smtp::testing {

// How the server behaves; the same for every connection unless a hook says otherwise.
struct server_script {
  std::string ehlo = "250-mx.example.org\r\n250-PIPELINING\r\n250 SIZE 1000000\r\n";
  std::string greeting = "220 mx.example.org\r\n";
  // Called with the connection's number (from 1) and each command line, or "." for the end of the data. What it returns
  // is sent; nothing: the usual answer; "DROP": the connection ends; "STALL": no answer to this and all that follows.
  std::function<std::string(int connection, const std::string& line)> hook;
  int refuse_connections_from = 0;  // 0: never; else the n-th connection and all after it fail as TCP_REFUSED
};

class fake_stream {
 public:
  explicit fake_stream(server_script script) : script_(std::move(script)), thread_([this] { run(); }) {}
  ~fake_stream() {
    {
      const std::lock_guard lock(lock_);
      stopping_ = true;
      changed_.notify_all();
    }
    thread_.join();
  }
  fake_stream(const fake_stream&) = delete;
  fake_stream& operator=(const fake_stream&) = delete;

  sdk::service<tocsin_stream> service() {
    static constexpr tocsin_stream table{
        sizeof(tocsin_stream), 0,      &open_target, &close_target, &connect, &secure, &write,
        &set_deadline,         &close, &wake,        &facts,        nullptr};
    return {&table, this};
  }

  int connections() const {
    const std::lock_guard lock(lock_);
    return static_cast<int>(streams_.size());
  }
  int live() const {
    const std::lock_guard lock(lock_);
    return live_;
  }
  int targets() const {
    const std::lock_guard lock(lock_);
    return targets_;
  }
  bool wait_until_none_lives() {
    std::unique_lock lock(lock_);
    return changed_.wait_for(lock, std::chrono::seconds(30), [&] { return live_ == 0; });
  }
  // All that the connections took as mails, over all of them.
  std::vector<std::string> mails() const {
    const std::lock_guard lock(lock_);
    return mails_;
  }
  // Ends every connection, as a server does that restarts.
  void drop_all() {
    const std::lock_guard lock(lock_);
    for (auto& [number, one] : streams_) {
      if (!one.over) post(number, [this, number = number] { end(number, TOCSIN_STREAM_ENDED, ""); });
    }
  }
  // The deadline of every connection has passed.
  void pass_deadlines() {
    const std::lock_guard lock(lock_);
    for (auto& [number, one] : streams_) {
      if (!one.over && one.deadline > 0) {
        post(number, [this, number = number] { emit(number, TOCSIN_STREAM_DEADLINE); });
      }
    }
  }

 private:
  struct stream {
    const tocsin_stream_handler* handler = nullptr;
    void* context = nullptr;
    std::string received;
    std::string data;
    bool in_data = false;
    bool stalled = false;
    bool over = false;
    bool closing = false;
    std::uint64_t deadline = 0;
  };

  static fake_stream& of(void* self) { return *static_cast<fake_stream*>(self); }

  static tocsin_status open_target(void* self, tocsin_string, tocsin_token* target, const tocsin_sink*) {
    const std::lock_guard lock(of(self).lock_);
    *target = {static_cast<std::uint64_t>(++of(self).targets_), 1};
    return TOCSIN_OK;
  }
  static void close_target(void* self, tocsin_token) {
    const std::lock_guard lock(of(self).lock_);
    --of(self).targets_;
  }
  static tocsin_status connect(void* self, tocsin_token, const tocsin_stream_handler* handler, void* context,
                               tocsin_token* name) {
    fake_stream& service = of(self);
    const std::lock_guard lock(service.lock_);
    const int number = static_cast<int>(service.streams_.size()) + 1;
    stream fresh;
    fresh.handler = handler;
    fresh.context = context;
    service.streams_.emplace(number, std::move(fresh));
    ++service.live_;
    *name = {static_cast<std::uint64_t>(number), 1};
    service.post(number, [&service, number] { service.begin(number); });
    return TOCSIN_OK;
  }
  static void secure(void* self, tocsin_token name) {
    of(self).post_locked(name, [](fake_stream& service, int number) { service.emit(number, TOCSIN_STREAM_SECURED); });
  }
  static void write(void* self, tocsin_token name, tocsin_bytes data) {
    of(self).post_locked(
        name, [text = std::string(sdk::view(data))](fake_stream& service, int number) { service.take(number, text); });
  }
  static void set_deadline(void* self, tocsin_token name, std::uint64_t delay_ms) {
    const std::lock_guard lock(of(self).lock_);
    of(self).streams_.at(static_cast<int>(name.index)).deadline = delay_ms;
  }
  static void close(void* self, tocsin_token name) {
    {
      const std::lock_guard lock(of(self).lock_);
      of(self).streams_.at(static_cast<int>(name.index)).closing = true;
    }
    of(self).post_locked(name, [](fake_stream& service, int number) { service.end(number, TOCSIN_STREAM_ENDED, ""); });
  }
  static void wake(void* self, tocsin_token name) {
    of(self).post_locked(name, [](fake_stream& service, int number) { service.emit(number, TOCSIN_STREAM_WOKEN); });
  }
  static tocsin_status facts(void*, tocsin_token, const tocsin_sink* json) {
    sdk::write(json, R"({"address":"192.0.2.1","port":25,"local_address":"192.0.2.2","tls":null})");
    return TOCSIN_OK;
  }

  void post_locked(tocsin_token name, std::function<void(fake_stream&, int)> task) {
    const std::lock_guard lock(lock_);
    const int number = static_cast<int>(name.index);
    post(number, [this, number, task = std::move(task)] { task(*this, number); });
  }
  // Under the lock.
  void post(int, std::function<void()> task) {
    tasks_.push_back(std::move(task));
    changed_.notify_all();
  }

  void run() {
    std::unique_lock lock(lock_);
    while (true) {
      changed_.wait(lock, [&] { return stopping_ || !tasks_.empty(); });
      if (tasks_.empty()) return;
      std::function<void()> task = std::move(tasks_.front());
      tasks_.pop_front();
      lock.unlock();
      task();
      lock.lock();
    }
  }

  // On the thread from here on.
  void emit(int number, tocsin_stream_event_kind kind, std::string_view data = {}, std::string_view code = {}) {
    const tocsin_stream_handler* handler = nullptr;
    void* context = nullptr;
    {
      const std::lock_guard lock(lock_);
      stream& one = streams_.at(number);
      if (one.over || (one.closing && kind == TOCSIN_STREAM_DATA)) return;
      handler = one.handler;
      context = one.context;
    }
    tocsin_stream_event event{};
    event.struct_size = sizeof(event);
    event.kind = kind;
    event.stream = {static_cast<std::uint64_t>(number), 1};
    event.code = sdk::to_abi(code);
    event.stage = sdk::to_abi(kind == TOCSIN_STREAM_FAILED || kind == TOCSIN_STREAM_STAGE ? "tcp" : "");
    event.data = sdk::to_bytes(data);
    handler->event(context, &event);
  }
  void end(int number, tocsin_stream_event_kind kind, std::string_view code) {
    {
      const std::lock_guard lock(lock_);
      if (streams_.at(number).over) return;
    }
    emit(number, kind, {}, code);
    const std::lock_guard lock(lock_);
    streams_.at(number).over = true;
    --live_;
    changed_.notify_all();
  }
  void begin(int number) {
    if (script_.refuse_connections_from > 0 && number >= script_.refuse_connections_from) {
      end(number, TOCSIN_STREAM_FAILED, "TCP_REFUSED");
      return;
    }
    emit(number, TOCSIN_STREAM_STAGE, {}, "OK");
    emit(number, TOCSIN_STREAM_CONNECTED);
    emit(number, TOCSIN_STREAM_DATA, script_.greeting);
  }
  void take(int number, const std::string& text) {
    streams_.at(number).received += text;
    std::string answers;
    bool drop = false;
    while (!drop) {
      std::string line;
      {
        stream& one = streams_.at(number);
        const std::size_t end_of_line = one.received.find("\r\n");
        if (end_of_line == std::string::npos) break;
        line = one.received.substr(0, end_of_line);
        one.received.erase(0, end_of_line + 2);
        if (one.in_data && line != ".") {
          one.data += line + "\n";
          continue;
        }
      }
      drop = answer(number, line, answers);
    }
    if (!answers.empty()) emit(number, TOCSIN_STREAM_DATA, answers);
    emit(number, TOCSIN_STREAM_WRITTEN);
    if (drop) end(number, TOCSIN_STREAM_ENDED, "");
  }
  // True: the connection ends.
  bool answer(int number, const std::string& line, std::string& answers) {
    stream& one = streams_.at(number);
    const bool was_data = std::exchange(one.in_data, false);
    std::string said = script_.hook ? script_.hook(number, line) : std::string{};
    if (said == "DROP") return true;
    if (said == "STALL") one.stalled = true;
    if (one.stalled) return false;
    if (said.empty()) said = usual(line, was_data);
    if (was_data && said.starts_with("250")) {
      const std::lock_guard lock(lock_);
      mails_.push_back(one.data);
    }
    if (was_data) one.data.clear();
    one.in_data = said.starts_with("354");
    answers += said;
    return false;
  }
  std::string usual(const std::string& line, bool was_data) const {
    if (was_data) return "250 2.0.0 queued\r\n";
    if (line.starts_with("EHLO")) return script_.ehlo;
    if (line.starts_with("AUTH")) return "235 ok\r\n";
    if (line == "DATA") return "354 go\r\n";
    if (line == "QUIT") return "221 bye\r\n";
    return "250 ok\r\n";
  }

  server_script script_;
  mutable std::mutex lock_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;
  std::map<int, stream> streams_;
  std::vector<std::string> mails_;
  int live_ = 0;
  int targets_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace tocsin::smtp::testing
