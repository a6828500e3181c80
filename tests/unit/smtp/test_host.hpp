// A host for the SMTP plugin's tests: takes outcomes and stages from any thread, and waits for them.
#pragma once

#include <tocsin/abi/ext/channel.h>
#include <tocsin/abi/ext/doctor.h>
#include <tocsin/abi/ext/log.h>
#include <tocsin/abi/ext/secrets.h>
#include <tocsin/abi/ext/services.h>
#include <tocsin/abi/host.h>
#include <tocsin/abi/version.h>
#include <tocsin/sdk/message.hpp>
#include <tocsin/sdk/string.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace tocsin::smtp::testing {

struct seen_outcome {
  std::uint64_t delivery = 0;
  std::uint32_t result = 0;
  std::string code;
  std::string detail;
  std::string server_reply;
  std::string transcript;
};

struct seen_stage {
  std::string name;
  bool ok = false;
  std::string code;
  std::string detail;
  std::string facts;
};

class test_host {
 public:
  test_host() {
    raw_ = tocsin_host{sizeof(tocsin_host), TOCSIN_ABI_VERSION, this,
                       sdk::to_abi("test"), sdk::to_abi("1"),   &test_host::get_extension};
  }
  test_host(const test_host&) = delete;
  test_host& operator=(const test_host&) = delete;

  const tocsin_host* raw() const { return &raw_; }

  // Before the plugin starts.
  void offer(const void* table, void* self) { service_ = {sizeof(tocsin_service), 0, table, self}; }
  void set_secret(std::uint64_t handle, std::string value) {
    const std::lock_guard lock(lock_);
    secrets_[handle] = std::move(value);
  }

  // True: there are so many outcomes. A test that waits in vain fails by it.
  bool wait_for(std::size_t count) {
    std::unique_lock lock(lock_);
    return changed_.wait_for(lock, std::chrono::seconds(30), [&] { return outcomes_.size() >= count; });
  }
  bool wait_for_diagnosis() {
    std::unique_lock lock(lock_);
    return changed_.wait_for(lock, std::chrono::seconds(30), [&] { return diagnoses_ > 0; });
  }
  std::vector<seen_outcome> take() {
    const std::lock_guard lock(lock_);
    return std::exchange(outcomes_, {});
  }
  std::vector<seen_stage> take_stages() {
    const std::lock_guard lock(lock_);
    diagnoses_ = 0;
    return std::exchange(stages_, {});
  }
  int reveals() const {
    const std::lock_guard lock(lock_);
    return reveals_;
  }
  std::vector<std::string> log() const {
    const std::lock_guard lock(lock_);
    return log_;
  }

 private:
  static test_host& self(void* context) { return *static_cast<test_host*>(context); }

  static const void* get_extension(void*, tocsin_string id) {
    static constexpr tocsin_host_complete complete_table{sizeof(tocsin_host_complete), 0, &test_host::complete};
    static constexpr tocsin_host_secrets secrets_table{sizeof(tocsin_host_secrets), 0, &test_host::reveal};
    static constexpr tocsin_host_services services_table{sizeof(tocsin_host_services), 0, &test_host::find};
    static constexpr tocsin_host_doctor doctor_table{sizeof(tocsin_host_doctor), 0, &test_host::stage,
                                                     &test_host::done};
    static constexpr tocsin_host_log log_table{sizeof(tocsin_host_log), 0, &test_host::write_log};
    const std::string_view name = sdk::view(id);
    if (name == TOCSIN_HOST_COMPLETE) return &complete_table;
    if (name == TOCSIN_HOST_SECRETS) return &secrets_table;
    if (name == TOCSIN_HOST_SERVICES) return &services_table;
    if (name == TOCSIN_HOST_DOCTOR) return &doctor_table;
    if (name == TOCSIN_HOST_LOG) return &log_table;
    return nullptr;
  }

  static void complete(void* context, const tocsin_outcome* const* outcomes, std::uint64_t count) {
    test_host& host = self(context);
    const std::lock_guard lock(host.lock_);
    for (std::uint64_t i = 0; i < count; ++i) {
      const tocsin_outcome& one = *outcomes[i];
      host.outcomes_.push_back({one.delivery.index, one.outcome_class, std::string(sdk::view(one.code)),
                                std::string(sdk::view(one.detail)), std::string(sdk::view(one.server_reply)),
                                std::string(sdk::view(one.transcript))});
    }
    host.changed_.notify_all();
  }

  static tocsin_status reveal(void* context, std::uint64_t handle, const tocsin_sink* value, const tocsin_sink* error) {
    test_host& host = self(context);
    const std::lock_guard lock(host.lock_);
    ++host.reveals_;
    const auto found = host.secrets_.find(handle);
    if (found == host.secrets_.end()) {
      sdk::write(error, "no such secret");
      return TOCSIN_FAILED;
    }
    return sdk::write(value, found->second) ? TOCSIN_OK : TOCSIN_FAILED;
  }

  static tocsin_status find(void* context, tocsin_string, tocsin_service* service) {
    if (self(context).service_.table == nullptr) return TOCSIN_UNAVAILABLE;
    service->table = self(context).service_.table;
    service->self = self(context).service_.self;
    return TOCSIN_OK;
  }

  static void stage(void* context, tocsin_token, const tocsin_stage* stage) {
    test_host& host = self(context);
    const std::lock_guard lock(host.lock_);
    host.stages_.push_back({std::string(sdk::view(stage->stage)), stage->ok == 1, std::string(sdk::view(stage->code)),
                            std::string(sdk::view(stage->detail)), std::string(sdk::view(stage->facts))});
  }

  static void done(void* context, tocsin_token) {
    test_host& host = self(context);
    const std::lock_guard lock(host.lock_);
    ++host.diagnoses_;
    host.changed_.notify_all();
  }

  static void write_log(void* context, tocsin_log_level, tocsin_string text, const tocsin_field* fields,
                        std::uint64_t count) {
    test_host& host = self(context);
    std::string line(sdk::view(text));
    for (std::uint64_t i = 0; i < count; ++i) {
      line.append(" ").append(sdk::view(fields[i].name)).append("=").append(sdk::view(fields[i].value));
    }
    const std::lock_guard lock(host.lock_);
    host.log_.push_back(std::move(line));
  }

  tocsin_host raw_{};
  tocsin_service service_{};
  mutable std::mutex lock_;
  std::condition_variable changed_;
  std::map<std::uint64_t, std::string> secrets_;
  std::vector<seen_outcome> outcomes_;
  std::vector<seen_stage> stages_;
  std::vector<std::string> log_;
  int diagnoses_ = 0;
  int reveals_ = 0;
};

// Messages with the text that they view.
class message_batch {
 public:
  void add(tocsin_token endpoint, std::uint64_t number, std::string recipient, std::string subject = "A notification") {
    texts_.push_back({std::move(recipient), std::move(subject), "The text.\n", "<p>The text.</p>\n",
                      std::to_string(number) + ".test@host.example"});
    numbers_.push_back(number);
    endpoints_.push_back(endpoint);
  }
  const std::vector<const tocsin_message*>& list() {
    messages_.clear();
    list_.clear();
    for (std::size_t i = 0; i < texts_.size(); ++i) {
      tocsin_message one{};
      one.struct_size = sizeof(one);
      one.attempt = 1;
      one.delivery = {numbers_[i], 1};
      one.endpoint = endpoints_[i];
      one.recipient = sdk::to_abi(texts_[i].recipient);
      one.language = sdk::to_abi("en");
      one.message_id = sdk::to_abi(texts_[i].id);
      one.created_ms = 1763769181000;
      one.subject = sdk::to_abi(texts_[i].subject);
      one.text = sdk::to_abi(texts_[i].text);
      one.html = sdk::to_abi(texts_[i].html);
      messages_.push_back(one);
    }
    for (const tocsin_message& one : messages_) list_.push_back(&one);
    return list_;
  }

 private:
  struct text {
    std::string recipient;
    std::string subject;
    std::string text;
    std::string html;
    std::string id;
  };
  std::vector<text> texts_;
  std::vector<std::uint64_t> numbers_;
  std::vector<tocsin_token> endpoints_;
  std::vector<tocsin_message> messages_;
  std::vector<const tocsin_message*> list_;
};

}  // namespace tocsin::smtp::testing
