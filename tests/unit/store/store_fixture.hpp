// A store in a folder of its own, with calls that wait for their answer.
#pragma once

#include "core/store/sqlite_store.hpp"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <stdlib.h>

#include <filesystem>
#include <future>
#include <string>
#include <utility>
#include <vector>

namespace tocsin::test {

inline constexpr time_ms now = 1'767'600'000'000;
inline constexpr time_ms day = 86'400'000;

class temporary_folder {
 public:
  temporary_folder() {
    std::string name = (std::filesystem::temp_directory_path() / "tocsin-store-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~temporary_folder() { std::filesystem::remove_all(path_); }
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// Makes the call that start() makes with a callback, and waits for its answer.
template <class T, class Start>
result<T> answer_of(Start start) {
  std::promise<result<T>> promise;
  auto answer = promise.get_future();
  start([&promise](result<T> value) { promise.set_value(std::move(value)); });
  return answer.get();
}

// The store as a test speaks to it: each call waits.
class waiting_store {
 public:
  explicit waiting_store(store& inner) : inner_(inner) {}

  auto recover(time_ms at = now) {
    return answer_of<recovery>([&](auto done) { inner_.recover({at, false, {}}, done); });
  }
  auto accept(accept_batch batch) {
    return answer_of<std::vector<accept_answer>>([&](auto done) { inner_.accept(std::move(batch), done); });
  }
  auto lease(lease_request request) {
    return answer_of<std::vector<leased_delivery>>([&](auto done) { inner_.lease(std::move(request), done); });
  }
  auto settle(std::vector<settlement> values) {
    return answer_of<void>([&](auto done) { inner_.settle(std::move(values), done); });
  }
  auto backlog() {
    return answer_of<std::vector<endpoint_backlog>>([&](auto done) { inner_.backlog(done); });
  }
  auto next_due(endpoint_key key) {
    return answer_of<std::optional<time_ms>>([&](auto done) { inner_.next_due(std::move(key), done); });
  }
  auto save_pause(endpoint_pause pause) {
    return answer_of<void>([&](auto done) { inner_.save_pause(std::move(pause), done); });
  }
  auto clear_pause(endpoint_key key) {
    return answer_of<void>([&](auto done) { inner_.clear_pause(std::move(key), done); });
  }
  auto recall(std::string source, std::string name) {
    return answer_of<std::string>([&](auto done) { inner_.recall(std::move(source), std::move(name), done); });
  }
  auto list(delivery_filter filter) {
    return answer_of<std::vector<delivery_record>>([&](auto done) { inner_.list(std::move(filter), done); });
  }
  auto get(delivery_id id) {
    return answer_of<std::optional<delivery_record>>([&](auto done) { inner_.get(id, done); });
  }
  auto counts(std::optional<std::string> organization = {}) {
    return answer_of<state_counts>([&](auto done) { inner_.counts(std::move(organization), done); });
  }
  auto purge(time_ms at, time_ms before) {
    return answer_of<purge_step>([&](auto done) { inner_.purge(at, before, done); });
  }

 private:
  store& inner_;
};

inline event make_event(std::string id, std::string organization = "acme", std::string source = "/license") {
  event out;
  out.id = std::move(id);
  out.source = std::move(source);
  out.type = "tocsin.license.expiring";
  out.organization = std::move(organization);
  out.data = R"({"product":"Robots"})";
  return out;
}

inline new_delivery make_delivery(std::int64_t id, endpoint_key endpoint = {"email", ""},
                                  std::string recipient = "ops@example.org") {
  new_delivery out;
  out.id = delivery_id{id};
  out.endpoint = std::move(endpoint);
  out.recipient = std::move(recipient);
  out.route = "operators";
  out.template_name = "default";
  out.language = "en";
  out.message_id = std::to_string(id) + "@mail.example.org";
  return out;
}

inline accept_item make_item(std::int64_t id, event payload, std::vector<new_delivery> deliveries = {}) {
  accept_item out;
  out.id = event_id{id};
  out.payload = std::move(payload);
  out.accepted = now;
  out.deliveries = std::move(deliveries);
  return out;
}

inline accept_batch make_batch(std::vector<accept_item> items) {
  accept_batch out;
  out.items = std::move(items);
  out.now = now;
  out.lease_until = now + 3'600'000;
  out.remember_until = now + 7 * day;
  return out;
}

// An event with one delivery, whose id is ten times the event's.
inline accept_batch one_of(std::int64_t id, severity how = severity::info, endpoint_key endpoint = {"email", ""}) {
  auto payload = make_event("e" + std::to_string(id));
  payload.severity = how;
  return make_batch({make_item(id, std::move(payload), {make_delivery(id * 10, std::move(endpoint))})});
}

inline settlement settled(std::int64_t id, delivery_state state, std::string code, std::uint32_t attempts = 1) {
  settlement out;
  out.id = delivery_id{id};
  out.state = state;
  out.at = now + 1'000;
  out.attempts = attempts;
  out.code = std::move(code);
  return out;
}

inline std::uint64_t count_of(const state_counts& counts, delivery_state state) {
  return counts[static_cast<std::size_t>(state)];
}

class Store : public ::testing::Test {
 protected:
  void SetUp() override { open(); }
  void open() {
    auto opened = open_sqlite_store(folder_.path() / "state", "mail.example.org");
    ASSERT_TRUE(opened) << opened.error().to_string();
    store_ = std::move(*opened);
    ASSERT_TRUE(calls().recover());
  }
  void reopen() {
    store_.reset();
    open();
  }
  waiting_store calls() { return waiting_store(*store_); }
  std::filesystem::path file() const { return folder_.path() / "state" / "tocsin.db"; }
  std::vector<leased_delivery> lease(std::uint32_t limit = 100, time_ms at = now, endpoint_key key = {"email", ""}) {
    auto leased = calls().lease({std::move(key), limit, at, at + 3'600'000});
    EXPECT_TRUE(leased);
    return leased ? *leased : std::vector<leased_delivery>();
  }
  delivery_record record(std::int64_t id) {
    auto found = calls().get(delivery_id{id});
    EXPECT_TRUE(found && *found) << "no delivery " << id;
    return found && *found ? **found : delivery_record();
  }

  temporary_folder folder_;
  std::unique_ptr<store> store_;
};

// What a statement says about a store that is closed.
inline std::vector<std::vector<std::int64_t>> look(const std::filesystem::path& file, const char* sql) {
  std::vector<std::vector<std::int64_t>> out;
  sqlite3* database = nullptr;
  EXPECT_EQ(SQLITE_OK, sqlite3_open_v2(file.c_str(), &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, "unix"));
  const auto row = [](void* to, int columns, char** values, char**) {
    auto& line = static_cast<std::vector<std::vector<std::int64_t>>*>(to)->emplace_back();
    for (int at = 0; at < columns; ++at) line.push_back(values[at] == nullptr ? 0 : std::stoll(values[at]));
    return 0;
  };
  EXPECT_EQ(SQLITE_OK, sqlite3_exec(database, sql, row, &out, nullptr)) << sqlite3_errmsg(database);
  sqlite3_close(database);
  return out;
}

}  // namespace tocsin::test
