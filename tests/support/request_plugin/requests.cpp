// A test source that takes requests: POST /heartbeat publishes, GET /heartbeat shows what came, and the body of
// POST /do/it says how it answers.
#include <tocsin/sdk/http_route.hpp>
#include <tocsin/sdk/json.hpp>
#include <tocsin/sdk/source.hpp>

#include <unistd.h>

#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

namespace sdk = tocsin::sdk;

class requests : public sdk::plugin, public sdk::source, public sdk::http_route {
 public:
  using plugin::plugin;

  void stop() override {
    for (std::thread& one : threads_) one.join();
    threads_.clear();
  }

  sdk::token open(const sdk::source_config&) override { return {++sources_, 1}; }
  void close(sdk::token) override {}

  void published(sdk::token, std::uint64_t ticket, const sdk::publish_result& result) override {
    sdk::token call{};
    {
      const std::lock_guard lock(mutex_);
      call = std::exchange(waiting_[ticket], {});
    }
    const std::string body = sdk::json_writer().integer("accepted", static_cast<std::int64_t>(result.accepted())).str();
    host().answer(call, result.ok() ? 202 : 503, body);
  }

  void call(const sdk::http_call& request) override {
    if (request.path() == "/do/it") return do_it(request);
    if (request.path() == "/everything") return host().answer(request.id(), 204);
    if (request.path() == "/open") return host().answer(request.id(), 200, R"({"open":true})");
    if (request.method() == "GET") return show(request);
    publish(request);
  }

 private:
  void publish(const sdk::http_call& request) {
    std::uint64_t ticket = 0;
    {
      const std::lock_guard lock(mutex_);
      ticket = ++tickets_;
      waiting_[ticket] = request.id();
    }
    sdk::event event;
    const std::string id(request.header("x-id").value_or("1"));
    event.id = id;
    event.source = "/requests";
    event.type = "test.heartbeat";
    event.time_ms = host().now_ms();
    event.data = request.body();
    host().publish(request.source(), ticket, event);
  }

  void show(const sdk::http_call& request) {
    sdk::json_writer shown;
    shown.text("method", request.method()).text("path", request.path()).text("query", request.query());
    shown.text("organization", request.organization());
    std::string names;
    for (std::uint64_t index = 0; index < request.raw().header_count; ++index) {
      names += std::string(sdk::view(request.raw().headers[index].name)) + "=" +
               std::string(sdk::view(request.raw().headers[index].value)) + ";";
    }
    shown.text("headers", names);
    host().answer(request.id(), 200, shown.str());
  }

  void answer_with_header(sdk::token call, std::string_view name, std::string_view value) {
    const tocsin_field header = sdk::field(name, value);
    sdk::http_answer answer;
    answer.body = "{}";
    answer.headers = &header;
    answer.header_count = 1;
    host().answer(call, answer);
  }

  void do_it(const sdk::http_call& request) {
    const std::string_view how = request.body();
    const sdk::token call = request.id();
    if (how == "throw") throw std::runtime_error("thrown within the plugin");
    if (how == "never") return;
    if (how == "hang")
      while (true) ::pause();
    if (how == "status") return host().answer(call, 99);
    if (how == "twice") {
      host().answer(call, 200);
      return host().answer(call, 201);
    }
    if (how == "stranger") {
      host().answer({call.index + 1000, 1}, 200);
      return host().answer(call, 200);
    }
    if (how == "split") return answer_with_header(call, "x-note", "a\r\nset-cookie: stolen=1\r\n\r\n<html>");
    if (how == "split name") return answer_with_header(call, "x-note: a\r\nx-other", "b");
    if (how == "length") return answer_with_header(call, "Content-Length", "5");
    if (how == "hop") return answer_with_header(call, "transfer-encoding", "chunked");
    if (how == "zero") return answer_with_header(call, "x-note", std::string_view("a\0b", 3));
    if (how == "header") return answer_with_header(call, "Retry-After", "7");
    if (how == "type") {
      sdk::http_answer answer;
      answer.content_type = "text/plain\r\nx-other: 1";
      return host().answer(call, answer);
    }
    if (how == "text") {
      sdk::http_answer answer;
      answer.content_type = "text/plain; charset=utf-8";
      answer.body = "plain";
      return host().answer(call, answer);
    }
    if (how == "thread") {
      const std::lock_guard lock(mutex_);
      threads_.emplace_back([this, call] { host().answer(call, 200, R"({"from":"a thread"})"); });
      return;
    }
    host().answer(call, 200, "{}");
  }

  std::mutex mutex_;
  std::uint64_t sources_ = 0;
  std::uint64_t tickets_ = 0;
  std::map<std::uint64_t, sdk::token> waiting_;
  std::vector<std::thread> threads_;
};

}  // namespace

TOCSIN_PLUGIN(requests);
