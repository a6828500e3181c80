// What the plugin host's tests share: the test plugins' files, captured log lines, a plugin made inside the test.
#pragma once

#include "core/plugin_host/plugin_host.hpp"
#include "core/plugin_host/plugin_instance.hpp"
#include "support/manual_clock.hpp"

#include <condition_variable>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::test {

// The file of a test plugin: "good" -> .../plugins/good/good.so; its id where that is another.
std::filesystem::path plugin_path(const std::string& name, const std::string& id = {});
std::vector<std::byte> read_bytes(const std::filesystem::path& file);

// A folder of this test's own, gone at its end. Nobody else may write it.
class temporary_folder {
 public:
  temporary_folder();
  ~temporary_folder();
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  const std::filesystem::path& path() const { return path_; }
  // Copies a test plugin into it, under `as` or its own name.
  std::filesystem::path add(const std::filesystem::path& plugin, const std::string& as = {}) const;

 private:
  std::filesystem::path path_;
};

// Every line that is logged while it lives.
class captured_log {
 public:
  captured_log();
  ~captured_log();
  captured_log(const captured_log&) = delete;
  captured_log& operator=(const captured_log&) = delete;
  // How many lines hold the text.
  std::size_t count(std::string_view text) const;
  std::vector<std::string> lines(std::string_view text) const;
  // Waits until a line holds the text; false after 20 s.
  bool wait(std::string_view text);

 private:
  mutable std::mutex mutex_;
  std::condition_variable logged_;
  std::vector<std::string> lines_;
};

// Values that other threads hand in, and a test waits for.
template <class T>
class gathered {
 public:
  void add(T value) {
    const std::lock_guard lock(mutex_);
    values_.push_back(std::move(value));
    changed_.notify_all();
  }
  // Waits until there are `count`; an empty answer after 20 s, so that a broken test ends.
  std::vector<T> wait(std::size_t count) {
    std::unique_lock lock(mutex_);
    const bool all = changed_.wait_for(lock, std::chrono::seconds(20), [&] { return values_.size() >= count; });
    return all ? values_ : std::vector<T>{};
  }
  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return values_.size();
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<T> values_;
};

// Runs tasks that were posted before it was called, on a queue.
void drain(serial_queue& queue);

// A host's parts that a plugin needs, and what came out of it.
struct fake_house {
  executor pool{2};
  manual_clock clock;
  gathered<outcome> outcomes;
  gathered<source_publication> publications;
  // What publish() answers; null: the test answers by `answers`.
  std::function<result<publication_result>(const source_publication&)> answer;
  std::vector<std::function<void(result<publication_result>)>> answers;
  std::map<std::string, std::string> memory;
  std::map<std::uint64_t, std::string> secrets;

  plugin_host_services services();
};

// A plugin whose functions are the test's. One at a time in a process, since its tables are plain C.
struct fake_plugin {
  fake_plugin();
  ~fake_plugin();

  std::function<tocsin_status(const tocsin_sink*)> start = [](const tocsin_sink*) { return TOCSIN_OK; };
  std::function<void()> stop = [] {};
  std::function<tocsin_status(const tocsin_endpoint&, tocsin_endpoint_info&, const tocsin_sink*)> open;
  std::function<void(tocsin_token)> close = [](tocsin_token) {};
  std::function<void(std::span<const tocsin_message* const>)> deliver = [](std::span<const tocsin_message* const>) {};
  std::function<void(std::span<const tocsin_token>)> cancel = [](std::span<const tocsin_token>) {};
  std::function<void(tocsin_token, std::uint64_t, const tocsin_publish_result&)> published =
      [](tocsin_token, std::uint64_t, const tocsin_publish_result&) {};
  std::function<void(std::uint64_t)> fired = [](std::uint64_t) {};
  std::function<void(const tocsin_http_call&)> call = [](const tocsin_http_call&) {};

  const tocsin_host* host = nullptr;  // as given to create()
  std::vector<code_entry> codes;      // of its manifest
  std::vector<std::string> provides{TOCSIN_EXT_CHANNEL, TOCSIN_EXT_SOURCE, TOCSIN_EXT_TIMER};

  tocsin::manifest manifest() const;
  const tocsin_entry* entry();
  // The host's table of an extension.
  template <class Table>
  const Table& of_host(std::string_view id) const {
    return *static_cast<const Table*>(host->get_extension(host->context, {id.data(), id.size()}));
  }
  void complete(std::vector<tocsin_outcome> outcomes) const;
};

// An instance of the fake plugin, created and started; stopped at the end unless it was before.
class running_plugin {
 public:
  running_plugin(fake_house& house, fake_plugin& plugin);
  ~running_plugin();
  plugin_instance& operator*() { return instance_; }
  plugin_instance* operator->() { return &instance_; }
  result<void> stop();

 private:
  code_table codes_;
  plugin_instance& instance_;
  bool stopped_ = false;
};

inline tocsin_string text(std::string_view words) { return {words.data(), words.size()}; }
tocsin_outcome outcome_for(tocsin_token delivery, std::uint32_t outcome_class, std::string_view code);
outgoing_message message_to(std::string recipient, std::int64_t delivery = 1, std::uint32_t attempt = 1);

}  // namespace tocsin::test
