// The listener over real sockets: limits, keep-alive, and its end.
#include "core/observe/log.hpp"
#include "tests/unit/http/host_fixture.hpp"

#include <sys/stat.h>

#include <atomic>
#include <future>
#include <thread>

namespace tocsin::test {
namespace {

using Listener = Listening;

constexpr const char* one_event =
    R"({"specversion":"1.0","id":"42","source":"/license","type":"tocsin.license.expiring"})";

bool has(const std::string& answer, const std::string& text) { return answer.find(text) != std::string::npos; }

TEST_F(Listener, SaysWhereItListens) {
  listen();
  const auto address = listener_->address();
  EXPECT_TRUE(address.starts_with("127.0.0.1:"));
  EXPECT_NE("127.0.0.1:0", address);
}

TEST_F(Listener, AnswersSeveralRequestsOnOneConnection) {
  listen();
  raw_client client(listener_->address());
  for (int at = 0; at < 3; ++at) {
    client.send(get("/v1/queue"));
    const auto answer = client.read_answer();
    EXPECT_TRUE(has(answer, "HTTP/1.1 200 OK\r\n")) << answer;
    EXPECT_TRUE(has(answer, "Content-Type: application/json\r\n"));
    EXPECT_TRUE(has(answer, "\"pending\":0"));
  }
}

TEST_F(Listener, AnswersPipelinedRequestsInTheirOrder) {
  listen();
  raw_client client(listener_->address());
  client.send(get("/healthz") + get("/v1/queue") + get("/nothing"));
  EXPECT_TRUE(has(client.read_answer(), "\"ok\""));
  EXPECT_TRUE(has(client.read_answer(), "\"pending\""));
  EXPECT_TRUE(has(client.read_answer(), "404 Not Found"));
}

TEST_F(Listener, ClosesWhereThePeerAsksForIt) {
  listen();
  raw_client client(listener_->address());
  client.send(get("/healthz", "Connection: close\r\n"));
  EXPECT_TRUE(has(client.read_to_end(), "Connection: close"));
}

TEST_F(Listener, TakesAnEventWithMediaTypeParametersAndInChunks) {
  listen();
  raw_client client(listener_->address());
  const std::string event = one_event;
  client.send("POST /v1/events HTTP/1.1\r\nHost: x\r\nauthorization: Bearer " + std::string(token) +
              "\r\ncontent-type: Application/CloudEvents+JSON ; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (const char c : event) client.send("1\r\n" + std::string(1, c) + "\r\n");
  client.send("0\r\n\r\n");
  EXPECT_TRUE(has(client.read_answer(), "202 Accepted"));
  ASSERT_EQ(1u, published_.size());
}

TEST_F(Listener, LetsAPeerGoOnThatWaitsForIt) {
  listen();
  raw_client client(listener_->address());
  const std::string event = one_event;
  client.send("POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + std::string(token) +
              "\r\nContent-Type: application/cloudevents+json\r\nExpect: 100-continue\r\nContent-Length: " +
              std::to_string(event.size()) + "\r\n\r\n");
  EXPECT_EQ("HTTP/1.1 100 Continue\r\n\r\n", client.read_until("\r\n\r\n"));
  client.send(event);
  EXPECT_TRUE(has(client.read_answer(), "202 Accepted"));
}

TEST_F(Listener, AnswersAHeadRequestWithoutABody) {
  listen();
  raw_client client(listener_->address());
  client.send("HEAD /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const auto answer = client.read_to_end();
  EXPECT_TRUE(has(answer, "200 OK"));
  EXPECT_TRUE(has(answer, "Content-Length: 15\r\n")) << answer;
  EXPECT_TRUE(answer.ends_with("\r\n\r\n"));
}

TEST_F(Listener, RefusesABodyThatIsTooLargeInEitherForm) {
  listen({.max_body = 1'000});
  const std::string large(200'000, ' ');
  {
    raw_client client(listener_->address());
    client.send(post(large));
    const auto answer = client.read_to_end();
    EXPECT_TRUE(has(answer, "HTTP/1.1 413 ")) << answer;
    EXPECT_TRUE(has(answer, "BODY_TOO_LARGE"));
    EXPECT_TRUE(has(answer, "application/problem+json"));
  }
  {
    raw_client client(listener_->address());
    client.send("POST /v1/events HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    client.send("30d40\r\n" + large + "\r\n0\r\n\r\n");
    EXPECT_TRUE(has(client.read_to_end(), "HTTP/1.1 413 "));
  }
  raw_client client(listener_->address());
  client.send(post(one_event));
  EXPECT_TRUE(has(client.read_answer(), "202 Accepted")) << "others are served on";
}

TEST_F(Listener, RefusesAHeaderThatIsTooLarge) {
  listen();
  raw_client client(listener_->address());
  client.send("GET /healthz HTTP/1.1\r\nHost: x\r\nX-Large: " + std::string(40'000, 'x') + "\r\n\r\n");
  EXPECT_TRUE(has(client.read_to_end(), "HTTP/1.1 431 "));
}

TEST_F(Listener, RefusesWhatIsNoHttp) {
  listen();
  for (const char* bad :
       {"EHLO example.org\r\n\r\n", "GET /healthz HTTP/1.1\r\nHost x\r\n\r\n", "GET /healthz HTTP/1.1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n"}) {
    raw_client client(listener_->address());
    client.send(bad);
    const auto answer = client.read_to_end();
    EXPECT_TRUE(has(answer, "HTTP/1.1 400 ")) << bad << answer;
    EXPECT_TRUE(has(answer, "REQUEST_INVALID"));
  }
}

TEST_F(Listener, CutsOffAPeerThatNeverEndsItsHeader) {
  listen({.header_time = std::chrono::milliseconds{50}});
  raw_client client(listener_->address());
  client.send("GET /healthz HTTP/1.1\r\nHost: x\r\n");
  EXPECT_TRUE(client.ended());
}

TEST_F(Listener, CutsOffAConnectionThatIsIdle) {
  listen({.idle_time = std::chrono::milliseconds{50}});
  raw_client client(listener_->address());
  client.send(get("/healthz"));
  EXPECT_TRUE(has(client.read_answer(), "200 OK"));
  EXPECT_TRUE(client.ended());
}

TEST_F(Listener, HasNoMoreConnectionsThanItMay) {
  listen({.connections = 2});
  auto first = std::make_unique<raw_client>(listener_->address());
  raw_client second(listener_->address());
  first->send(get("/healthz"));
  second.send(get("/healthz"));
  EXPECT_TRUE(has(first->read_answer(), "200 OK"));
  EXPECT_TRUE(has(second.read_answer(), "200 OK"));
  raw_client third(listener_->address());
  third.send(get("/healthz"));
  first.reset();
  EXPECT_TRUE(has(third.read_answer(), "200 OK")) << "its turn comes when another one ends";
}

TEST_F(Listener, ServesManyAtOnce) {
  listen();
  std::atomic<int> good = 0;
  std::vector<std::thread> threads;
  for (int at = 0; at < 8; ++at) {
    threads.emplace_back([&] {
      raw_client client(listener_->address());
      for (int request = 0; request < 25; ++request) {
        client.send(get("/v1/queue"));
        good += has(client.read_answer(), "200 OK") ? 1 : 0;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(200, good);
}

TEST_F(Listener, ListensAtASocketFileThatIsItsOwnersAlone) {
  const auto path = socket_path();
  listen({}, "unix:" + path);
  EXPECT_EQ("unix:" + path, listener_->address());
  struct stat status {};
  ASSERT_EQ(0, ::stat(path.c_str(), &status));
  EXPECT_EQ(0600u, status.st_mode & 07777);
  raw_client client(listener_->address());
  client.send(get("/v1/queue"));
  EXPECT_TRUE(has(client.read_answer(), "200 OK"));
  listener_->stop(std::chrono::seconds{1});
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(Listener, TakesThePlaceOfASocketFileThatWasLeftBehind) {
  const auto path = socket_path();
  {
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    std::strncpy(to.sun_path, path.c_str(), sizeof to.sun_path - 1);
    const int left = ::socket(AF_UNIX, SOCK_STREAM, 0);
    ASSERT_EQ(0, ::bind(left, reinterpret_cast<const sockaddr*>(&to), sizeof to));
    ::close(left);
  }
  listen({}, "unix:" + path);
  EXPECT_TRUE(raw_client(listener_->address()).connected());
}

TEST_F(Listener, LeavesAnAddressToTheOneThatHasIt) {
  listen();
  auto second = http_listener::open(pool_, api_, listener_->address(), {});
  ASSERT_FALSE(second);
  EXPECT_EQ("LISTEN_FAILED", second.error().code);
  EXPECT_TRUE(has(second.error().what, listener_->address()));

  const auto path = socket_path();
  auto one = http_listener::open(pool_, api_, "unix:" + path, {});
  ASSERT_TRUE(one);
  EXPECT_EQ("LISTEN_FAILED", http_listener::open(pool_, api_, "unix:" + path, {}).error().code);
  one->reset();
  std::filesystem::create_directory(path);
  EXPECT_EQ("LISTEN_FAILED", http_listener::open(pool_, api_, "unix:" + path, {}).error().code);
}

TEST_F(Listener, TakesLoopbackOnly) {
  auto opened = http_listener::open(pool_, api_, "0.0.0.0:0", {});
  ASSERT_FALSE(opened);
  EXPECT_EQ("SETTINGS_INVALID", opened.error().code);
}

TEST_F(Listener, ClosesIdleConnectionsWhenItStopsAndTakesNoMore) {
  listen();
  raw_client client(listener_->address());
  client.send(get("/healthz"));
  EXPECT_TRUE(has(client.read_answer(), "200 OK"));
  const auto address = listener_->address();
  listener_->stop(std::chrono::seconds{20});
  EXPECT_TRUE(client.ended());
  raw_client late(address);
  late.send(get("/healthz"));
  EXPECT_EQ("", late.read_to_end());
}

// An API whose publishers wait until the test lets them go.
class HeldListener : public ::testing::Test {
 protected:
  HeldListener() {
    api_parts parts;
    parts.publish = [this](publication, bus::callback done) { asked_.set_value(std::move(done)); };
    parts.store = &store_;
    parts.codes = &codes_;
    parts.admin_token = token;
    api_ = std::make_unique<api>(std::move(parts));
    listener_ = std::move(*http_listener::open(pool_, *api_, "127.0.0.1:0", {}));
  }
  static std::string publish() {
    return "POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + std::string(token) +
           "\r\nContent-Type: application/cloudevents+json\r\nContent-Length: " +
           std::to_string(std::strlen(one_event)) + "\r\n\r\n" + one_event;
  }
  scripted_store store_;
  code_table codes_;
  std::promise<bus::callback> asked_;
  std::unique_ptr<api> api_;
  executor pool_{2};
  std::unique_ptr<http_listener> listener_;
};

TEST_F(HeldListener, AnswersARequestUnderWayBeforeItStops) {
  raw_client client(listener_->address());
  client.send(publish());
  auto done = asked_.get_future().get();
  auto stopped = std::async(std::launch::async, [this] { listener_->stop(std::chrono::seconds{20}); });
  done(std::vector<accept_answer>{{event_id{1}, false}});
  const auto answer = client.read_to_end();
  EXPECT_TRUE(has(answer, "202 Accepted")) << answer;
  stopped.get();
}

TEST_F(HeldListener, StopsAfterItsLimitThoughARequestIsNeverAnswered) {
  raw_client client(listener_->address());
  client.send(publish());
  auto done = asked_.get_future().get();
  listener_->stop(std::chrono::milliseconds{1});
  EXPECT_EQ("", client.read_to_end());
  done(std::vector<accept_answer>{{event_id{1}, false}});
}

TEST_F(Listener, WritesNoTokenIntoTheLog) {
  static std::mutex mutex;
  static std::string lines;
  log::capture(
      [](void*, std::string_view line) {
        const std::lock_guard lock(mutex);
        lines += std::string(line) + "\n";
      },
      nullptr);
  log::start(log::format::text, log::level::debug);
  listen();
  {
    raw_client client(listener_->address());
    client.send(get("/v1/deliveries?source=" + std::string(token), "Connection: close\r\n"));
    client.read_to_end();
  }
  listener_->stop(std::chrono::seconds{20});
  log::flush();
  log::capture(nullptr, nullptr);
  const std::lock_guard lock(mutex);
  EXPECT_TRUE(has(lines, "path=/v1/deliveries")) << lines;
  EXPECT_FALSE(has(lines, token)) << lines;
}

}  // namespace
}  // namespace tocsin::test
