// Writes log lines, and knows the secrets that none of them may show.
#include "core/observe/log.hpp"

#include <spdlog/async.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/model/timestamp.hpp"
#include "core/observe/secret_matcher.hpp"
#include "core/runtime/per_thread.hpp"

namespace tocsin::log {
namespace {

constexpr std::array<std::string_view, 4> level_names{"debug", "info", "warn", "error"};
// Lines; a full queue makes writers wait, so that no line is lost. Each takes 400 bytes from the start on.
constexpr std::size_t queue_size = 2 * 1024;

struct secret_list {
  std::mutex mutex;
  std::unordered_map<std::string, bool> values;  // added since forget_unused_secrets(), or before only
  std::shared_ptr<const secret_matcher> matcher = std::make_shared<const secret_matcher>();
  std::atomic<std::uint64_t> version{1};  // of the matcher
};

// Never destroyed: a thread may log while the process ends.
secret_list& secrets() {
  static auto* list = new secret_list;
  return *list;
}

struct seen_matcher {
  std::uint64_t version = 0;
  std::shared_ptr<const secret_matcher> matcher;
};

// The present matcher. Each thread keeps the one that it saw last, so that no lock is taken while nothing changes.
const secret_matcher& present_matcher() {
  static auto* const of_thread = new per_thread<seen_matcher>;
  auto& seen = of_thread->get();
  auto& list = secrets();
  if (list.version.load(std::memory_order_acquire) != seen.version) {
    const std::lock_guard lock(list.mutex);
    seen.version = list.version.load(std::memory_order_relaxed);
    seen.matcher = list.matcher;
  }
  return *seen.matcher;
}

void replace_matcher(secret_list& list, secret_matcher matcher) {
  list.matcher = std::make_shared<const secret_matcher>(std::move(matcher));
  list.version.fetch_add(1, std::memory_order_release);
}

struct output {
  std::mutex mutex;
  std::shared_ptr<spdlog::async_logger> logger;
  std::shared_ptr<spdlog::details::thread_pool> pool;
  format how = format::text;
  std::atomic<level> lowest{level::warn};
  void (*capture)(void*, std::string_view) = nullptr;
  void* capture_context = nullptr;
};

output& out() {
  static auto* it = new output;
  return *it;
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  std::uint32_t group = 0;
  int bits = 0;
  for (const char c : bytes) {
    group = group << 8 | static_cast<unsigned char>(c);
    bits += 8;
    while (bits >= 6) {
      bits -= 6;
      text += alphabet[group >> bits & 63];
    }
  }
  // The last, partial character depends on what follows; without it the text matches within a longer one, too.
  return text;
}

void append_json_string(std::string& line, std::string_view text) {
  line += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      line += '\\';
      line += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      constexpr std::string_view digits = "0123456789abcdef";
      line += "\\u00";
      line += digits[static_cast<unsigned char>(c) >> 4];
      line += digits[c & 15];
    } else {
      line += c;
    }
  }
  line += '"';
}

// Bare where it is one word, else quoted, so that a line can be split again and cannot be forged by a line break.
void append_value(std::string& line, std::string_view text) {
  bool bare = !text.empty();
  for (const char c : text)
    if (static_cast<unsigned char>(c) <= 0x20 || c == '"' || c == '\\' || c == '=') bare = false;
  if (bare)
    line += text;
  else
    append_json_string(line, text);
}

std::string text_line(level at, std::string_view text, std::span<const field> fields, std::string_view time) {
  std::string line(time);
  line += ' ';
  line += level_names[static_cast<std::size_t>(at)];
  line += ' ';
  line += text;
  for (const auto& [name, value] : fields) {
    line += ' ';
    line += name;
    line += '=';
    append_value(line, redact(value));
  }
  return line;
}

std::string json_line(level at, std::string_view text, std::span<const field> fields, std::string_view time) {
  std::string line = "{\"time\":";
  append_json_string(line, time);
  line += ",\"level\":";
  append_json_string(line, level_names[static_cast<std::size_t>(at)]);
  line += ",\"message\":";
  append_json_string(line, text);
  for (const auto& [name, value] : fields) {
    line += ',';
    append_json_string(line, name);
    line += ':';
    append_json_string(line, redact(value));
  }
  line += '}';
  return line;
}

std::string now_text() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return to_rfc3339(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

}  // namespace

void start(format how, level lowest) {
  auto& to = out();
  const std::lock_guard lock(to.mutex);
  to.how = how;
  to.lowest = lowest;
  if (!to.pool) to.pool = std::make_shared<spdlog::details::thread_pool>(queue_size, 1);
  to.logger = std::make_shared<spdlog::async_logger>("tocsin", std::make_shared<spdlog::sinks::stderr_sink_mt>(),
                                                     to.pool, spdlog::async_overflow_policy::block);
  to.logger->set_pattern("%v");
  to.logger->set_level(spdlog::level::trace);
}

void flush() {
  auto& to = out();
  const std::lock_guard lock(to.mutex);
  // The pool's destructor writes out what waits and joins its thread, which uses the logger until then; a later line
  // goes out directly.
  to.pool.reset();
  to.logger.reset();
}

void write(level at, std::string_view text, std::initializer_list<field> fields) {
  write(at, text, std::span<const field>(fields.begin(), fields.size()));
}

void write(level at, std::string_view text, std::span<const field> fields) {
  auto& to = out();
  if (at < to.lowest.load(std::memory_order_relaxed)) return;
  const std::string time = now_text();
  const std::string line =
      to.how == format::json ? json_line(at, text, fields, time) : text_line(at, text, fields, time);
  std::shared_ptr<spdlog::async_logger> logger;
  {
    const std::lock_guard lock(to.mutex);
    if (to.capture != nullptr) {
      to.capture(to.capture_context, line);
      return;
    }
    logger = to.logger;
  }
  if (logger)
    logger->log(spdlog::level::info, line);
  else
    std::fprintf(stderr, "%s\n", line.c_str());
}

void add_secret(std::string_view value) {
  if (value.size() < secret_matcher::shortest) return;
  auto& list = secrets();
  const std::lock_guard lock(list.mutex);
  const auto [entry, fresh] = list.values.try_emplace(std::string(value), true);
  entry->second = true;
  if (fresh) replace_matcher(list, list.matcher->with({entry->first, base64(value)}));
}

void forget_unused_secrets() {
  auto& list = secrets();
  const std::lock_guard lock(list.mutex);
  const auto forgotten = std::erase_if(list.values, [](const auto& entry) { return !entry.second; });
  std::vector<std::string> left;
  for (auto& [value, used] : list.values) {
    used = false;
    left.push_back(value);
    left.push_back(base64(value));
  }
  if (forgotten > 0) replace_matcher(list, secret_matcher(std::move(left)));
}

std::string redact(std::string_view text) { return present_matcher().redact(text); }

void capture(void (*sink)(void* context, std::string_view line), void* context) {
  auto& to = out();
  const std::lock_guard lock(to.mutex);
  to.capture = sink;
  to.capture_context = context;
  if (sink != nullptr) to.lowest = level::debug;
}

}  // namespace tocsin::log
