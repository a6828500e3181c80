// The API over a store that says what the test wants.
#pragma once

#include "core/http/api.hpp"
#include "tests/support/manual_clock.hpp"

#include "tests/support/fake_settings.hpp"

#include <gtest/gtest.h>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tocsin::test {

// Answers the reads of the API with its members, at once.
class scripted_store : public store {
 public:
  std::optional<fault> failure;
  std::vector<delivery_record> records;
  state_counts all_counts{};
  delivery_filter last_filter;
  std::optional<std::string> counted;  // of whom
  std::vector<token_record> kept;

  void recover(recover_request, callback<recovery> done) override { done(recovery()); }
  void accept(accept_batch, callback<std::vector<accept_answer>> done) override { done({}); }
  void lease(lease_request, callback<std::vector<leased_delivery>> done) override { done({}); }
  void settle(std::vector<settlement>, callback<void> done) override { done({}); }
  std::vector<endpoint_backlog> waiting;
  void backlog(callback<std::vector<endpoint_backlog>> done) override { done(waiting); }
  void save_pause(endpoint_pause, callback<void> done) override { done({}); }
  void clear_pause(endpoint_key, callback<void> done) override { done({}); }
  void recall(std::string, std::string, callback<std::string> done) override { done(std::string()); }
  void list(delivery_filter filter, callback<std::vector<delivery_record>> done) override {
    last_filter = filter;
    if (failure) return done(*failure);
    auto found = records;
    found.resize(std::min<std::size_t>(found.size(), filter.limit));
    done(std::move(found));
  }
  void get(delivery_id id, callback<std::optional<delivery_record>> done) override {
    if (failure) return done(*failure);
    for (const auto& record : records) {
      if (record.id == id) return done(std::optional(record));
    }
    done(std::optional<delivery_record>());
  }
  void counts(std::optional<std::string> of, callback<state_counts> done) override {
    counted = std::move(of);
    if (failure) return done(*failure);
    done(all_counts);
  }
  void find_events(event_query which, callback<std::vector<event_record>> done) override {
    last_event_query = std::move(which);
    if (failure) return done(*failure);
    done(events);
  }
  void add_token(token_record token, callback<bool> done) override {
    if (failure) return done(*failure);
    const bool is_new = find(token.name) == nullptr;
    if (is_new) kept.push_back(std::move(token));
    done(is_new);
  }
  void revoke_token(std::string name, time_ms at, callback<bool> done) override {
    if (failure) return done(*failure);
    auto* const known = find(name);
    if (known != nullptr) known->revoked = at;
    done(known != nullptr);
  }
  void tokens(callback<std::vector<token_record>> done) override { done(kept); }
  void close() override {}

  std::vector<event_record> events;
  event_query last_event_query;

 private:
  token_record* find(const std::string& name) {
    for (auto& one : kept) {
      if (one.name == name && !one.revoked) return &one;
    }
    return nullptr;
  }
};

// A request as a connection makes it: admitted, then handled.
inline void ask(api& of, http_request request, std::function<void(http_answer)> done) {
  auto admitted = of.admit(request);
  if (admitted.refusal) return done(std::move(*admitted.refusal));
  of.handle(std::move(request), admitted, std::move(done));
}

inline constexpr const char* token = "c2VjcmV0LXRva2Vu";

class Api : public ::testing::Test {
 protected:
  http_answer call(std::string method, std::string target, std::string body = {},
                   std::string content_type = "application/cloudevents+json",
                   std::string authorization = std::string("Bearer ") + token) {
    std::optional<http_answer> answer;
    tocsin::test::ask(
        api_,
        {std::move(method), std::move(target), std::move(content_type), std::move(authorization), std::move(body)},
        [&answer](http_answer value) {
          EXPECT_FALSE(answer) << "answered twice";
          answer = std::move(value);
        });
    EXPECT_TRUE(answer) << "not answered";
    return answer.value_or(http_answer());
  }
  static boost::json::object json(const http_answer& answer) {
    const auto value = boost::json::parse(answer.body);
    return value.as_object();
  }
  static std::string code(const http_answer& answer) {
    EXPECT_EQ("application/problem+json", answer.content_type);
    return std::string(json(answer).at("code").as_string());
  }
  api_parts parts() {
    api_parts out;
    out.publish = [this](publication what, bus::callback done) {
      published_ = std::move(what.events);
      if (publish_failure_) return done(*publish_failure_);
      if (!publish_answers_.empty()) return done(publish_answers_);
      std::vector<accept_answer> answers;
      for (std::size_t at = 1; at <= published_.size(); ++at) {
        answers.push_back({event_id{static_cast<std::int64_t>(at)}, false});
      }
      done(std::move(answers));
    };
    out.store = &store_;
    out.codes = &codes_;
    out.admin_token = token;
    out.clock = &clock_;
    out.not_ready = [this] { return not_ready_; };
    out.alter = [this](alteration what, store::callback<alteration_result> done) {
      altered_.push_back(std::move(what));
      done(alteration_answer_);
    };
    out.settings = [this] { return settings_; };
    out.pause_of = [this](const endpoint_key& key) -> std::optional<endpoint_pause> {
      if (pause_ && pause_->endpoint == key) return pause_;
      return std::nullopt;
    };
    out.source_routes = [this](const std::string& source) -> result<std::vector<manifest_http_route>> {
      if (source == "down") return fault{"SOURCE_DOWN", "It is not installed.", {}, {}};
      if (source != "robots") return fault{"NOT_FOUND", "There is none.", {}, {}};
      return routes_;
    };
    out.source_organization = [this](const std::string&) { return source_organization_; };
    out.channels = [this](const std::optional<std::string>& organization) {
      channels_of_ = organization;
      return channels_;
    };
    out.test_channel = [this](channel_check what, std::function<void(result<outcome>)> done) {
      check_ = std::move(what);
      done(sent_);
    };
    out.diagnose_channel = [this](channel_check what, std::function<void(result<std::vector<diagnosis_stage>>)> done) {
      check_ = std::move(what);
      done(stages_);
    };
    out.reload = [this](const std::function<void(const reload_report&)>& done) { done(reloaded_); };
    out.ask_source = [this](source_request asked, source_answer_handler done) {
      asked_.push_back(std::move(asked));
      if (source_answer_) return done(*source_answer_);
      waiting_.push_back(std::move(done));
    };
    return out;
  }

  manual_clock clock_;
  scripted_store store_;
  code_table codes_;
  faults not_ready_;
  std::vector<event> published_;
  std::vector<accept_answer> publish_answers_;
  std::optional<fault> publish_failure_;
  std::shared_ptr<fake_settings> settings_ = std::make_shared<fake_settings>();
  std::vector<alteration> altered_;
  result<alteration_result> alteration_answer_ = alteration_result();
  std::optional<endpoint_pause> pause_;
  std::vector<manifest_http_route> routes_;
  std::vector<channel_status> channels_;
  std::optional<std::string> channels_of_;
  channel_check check_;  // the last that was asked for
  result<outcome> sent_ = outcome();
  result<std::vector<diagnosis_stage>> stages_ = std::vector<diagnosis_stage>();
  reload_report reloaded_;
  std::string source_organization_;
  std::vector<source_request> asked_;
  std::optional<result<source_answer>> source_answer_ = source_answer{};
  std::vector<source_answer_handler> waiting_;
  api api_{parts()};
};

}  // namespace tocsin::test
