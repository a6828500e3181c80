// The listener over real sockets: limits, keep-alive, and its end.
#include "core/http/connection.hpp"
#include "core/observe/log.hpp"
#include "tests/unit/http/host_fixture.hpp"

#include <sys/stat.h>
#include <boost/asio/io_context.hpp>

#include <atomic>
#include <future>
#include <new>
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
    client.send(post_head("Transfer-Encoding: chunked\r\n"));
    client.send("30d40\r\n" + large + "\r\n0\r\n\r\n");
    EXPECT_TRUE(has(client.read_to_end(), "HTTP/1.1 413 "));
  }
  raw_client client(listener_->address());
  client.send(post(one_event));
  EXPECT_TRUE(has(client.read_answer(), "202 Accepted")) << "others are served on";
}

TEST_F(Listener, AnswersBeforeTheBodyWhereTheHeaderIsEnough) {
  listen();
  struct refused {
    std::string head;
    const char* status;
  };
  const std::string length = "Content-Length: 1000000\r\n", host = "Host: x\r\n",
                    token_line = "Authorization: Bearer " + std::string(token) + "\r\n",
                    type = "Content-Type: application/cloudevents+json\r\n";
  for (const auto& one :
       {refused{"POST /v1/events HTTP/1.1\r\n" + host + type + length, " 401 "},
        refused{"POST /v1/events HTTP/1.1\r\n" + host + type + "Expect: 100-continue\r\n" + length, " 401 "},
        refused{"POST /v1/nothing HTTP/1.1\r\n" + host + token_line + length, " 404 "},
        refused{"PUT /v1/events HTTP/1.1\r\n" + host + token_line + type + length, " 405 "},
        refused{"POST /v1/events HTTP/1.1\r\n" + host + token_line + length, " 415 "},
        refused{"GET /healthz HTTP/1.1\r\n" + host + length, " 413 "},
        refused{"GET /v1/queue HTTP/1.1\r\n" + host + token_line + "Transfer-Encoding: chunked\r\n", " 413 "}}) {
    raw_client client(listener_->address());
    client.send(one.head + "\r\n");
    const auto answer = client.read_to_end();
    EXPECT_TRUE(answer.starts_with("HTTP/1.1" + std::string(one.status))) << one.head << answer;
    EXPECT_TRUE(has(answer, "Connection: close")) << answer;
  }
}

TEST_F(Listener, KeepsTheConnectionWhereARefusedBodyIsAlreadyThere) {
  listen();
  raw_client client(listener_->address());
  const std::string event = one_event;
  client.send("POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(event.size()) + "\r\n\r\n" +
              event + post(event));
  EXPECT_TRUE(has(client.read_answer(), " 401 "));
  EXPECT_TRUE(has(client.read_answer(), " 202 "));
}

TEST_F(Listener, CutsOffAPeerWhoseBodyComesTooSlowly) {
  listen({.body_time = std::chrono::milliseconds{50}, .body_rate = 1u << 30});
  raw_client client(listener_->address());
  client.send(post_head("Content-Length: 8000000\r\n"));
  while (client.send(" ")) {
  }
  EXPECT_TRUE(client.ended());
  EXPECT_TRUE(published_.empty());
}

// Bytes are charged a moment after they were sent. head: announces 600,000 and waits to be told to send them.
bool becomes_full(const std::string& address, const std::string& head) {
  for (int at = 0; at < 1'000; ++at) {
    raw_client client(address);
    client.send(head);
    if (has(client.read_until("\r\n\r\n"), " 503 ")) return true;
  }
  return false;
}

TEST_F(Listener, TakesNoMoreBodiesThanItHasMemoryFor) {
  listen({.max_body = 1'000'000, .all_bodies = 1'000'000});
  const std::string body = std::string(600'000 - std::strlen(one_event), ' ') + one_event;
  raw_client first(listener_->address());
  first.send(post_head("Content-Length: 600000\r\n") + body.substr(0, 599'999));
  ASSERT_TRUE(becomes_full(listener_->address(), post_head("Expect: 100-continue\r\nContent-Length: 600000\r\n")));
  const auto chunked = post_head("Transfer-Encoding: chunked\r\n") + "927c0\r\n" + body + "\r\n0\r\n\r\n";
  for (const auto& request : {post(body), chunked}) {
    raw_client second(listener_->address());
    second.send(request);
    const auto answer = second.read_to_end();
    EXPECT_TRUE(has(answer, " 503 ")) << answer;
    EXPECT_TRUE(has(answer, "Retry-After: 1\r\n"));
  }
  first.send(body.substr(599'999));
  EXPECT_TRUE(has(first.read_answer(), " 202 "));
  first.send(post(body));
  EXPECT_TRUE(has(first.read_answer(), " 202 ")) << "what the first one had was given back";
}

TEST_F(Listener, ChargesABodyOnlyAsItComes) {
  listen({.max_body = 1'000'000, .all_bodies = 1'000'000, .source_bodies = 1'000'000});
  std::vector<std::unique_ptr<raw_client>> silent;
  for (int at = 0; at < 8; ++at) {
    silent.push_back(std::make_unique<raw_client>(listener_->address()));
    silent.back()->send(post_head("Expect: 100-continue\r\nContent-Length: 1000000\r\n"));
    ASSERT_TRUE(has(silent.back()->read_until("\r\n\r\n"), "100 Continue"));
  }
  raw_client client(listener_->address());
  client.send(post(one_event));
  EXPECT_TRUE(has(client.read_answer(), " 202 ")) << "8 MB were announced, and nothing came";
}

TEST_F(Listener, LeavesPublishersTheirMemoryWhateverRequestsToSourcesHave) {
  routes_ = {{"POST", "/heartbeat", "publish", {"application/cloudevents+json"}, ""}};
  listen({.max_body = 1'000'000, .all_bodies = 1'000'000, .source_bodies = 1'000'000});
  const auto to_source = [](std::string head) {
    return head.replace(head.find("/v1/events"), 10, "/v1/sources/robots/heartbeat");
  };
  const std::string body(600'000, ' ');
  raw_client first(listener_->address());
  first.send(to_source(post_head("Content-Length: 600000\r\n")) + body.substr(0, 599'999));
  ASSERT_TRUE(
      becomes_full(listener_->address(), to_source(post_head("Expect: 100-continue\r\nContent-Length: 600000\r\n"))));
  const auto chunked = post_head("Transfer-Encoding: chunked\r\n") + "927c0\r\n" + body + "\r\n0\r\n\r\n";
  for (const auto& request : {post(body), chunked}) {
    raw_client second(listener_->address());
    second.send(to_source(request));
    const auto answer = second.read_to_end();
    EXPECT_TRUE(has(answer, " 503 ")) << answer;
    EXPECT_TRUE(has(answer, "Retry-After: 1\r\n"));
    EXPECT_TRUE(has(answer, "requests to sources"));
  }
  raw_client publisher(listener_->address());
  publisher.send(post(std::string(900'000 - std::strlen(one_event), ' ') + one_event));
  EXPECT_TRUE(has(publisher.read_answer(), " 202 "));
  first.send(" ");
  EXPECT_TRUE(has(first.read_answer(), " 200 "));
}

TEST_F(Listener, LeavesPublishersConnectionsHoweverManyRequestsToSourcesWait) {
  routes_ = {{"POST", "/heartbeat", "publish", {"application/cloudevents+json"}, ""}};
  listen({.connections = 2, .source_requests = 1});
  const auto to_source = [](std::string head) {
    return head.replace(head.find("/v1/events"), 10, "/v1/sources/robots/heartbeat");
  };
  raw_client first(listener_->address());
  first.send(to_source(post_head("Expect: 100-continue\r\nContent-Length: 2\r\n")));
  ASSERT_TRUE(has(first.read_until("\r\n\r\n"), "100 Continue"));
  raw_client second(listener_->address());
  second.send(to_source(post("{}")));
  const auto answer = second.read_answer();
  EXPECT_TRUE(has(answer, " 503 ")) << answer;
  EXPECT_TRUE(has(answer, "Retry-After: 1\r\n"));
  EXPECT_TRUE(has(answer, "1 requests to sources"));
  second.send(post(one_event));
  EXPECT_TRUE(has(second.read_answer(), " 202 "));
  first.send("{}");
  EXPECT_TRUE(has(first.read_answer(), " 200 "));
  second.send(to_source(post("{}")));
  EXPECT_TRUE(has(second.read_answer(), " 200 ")) << "the first one's place was given back";
}

TEST_F(Listener, AnswersWhereARequestCannotBeWorkedOnAndGoesOn) {
  auto failing = parts();
  failing.publish = [](publication, bus::callback) { throw std::bad_alloc(); };
  api other(std::move(failing));
  auto opened = http_listener::open(pool_, other, "127.0.0.1:0", {.connections = 1});
  ASSERT_TRUE(opened);
  for (int at = 0; at < 3; ++at) {
    raw_client client((*opened)->address());
    client.send(post(one_event, "Connection: close\r\n"));
    const auto answer = client.read_to_end();
    EXPECT_TRUE(has(answer, " 500 ")) << answer;
    EXPECT_TRUE(has(answer, "REQUEST_FAILED"));
  }
  (*opened)->stop(std::chrono::seconds{20});
}

TEST_F(Api, TellsTheListenerOfAConnectionThatIsCutShort) {
  int pair[2];
  ASSERT_EQ(0, ::socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  int ended = 0;
  {
    boost::asio::io_context short_lived;
    http_connection::socket peer(short_lived);
    peer.assign(boost::asio::generic::stream_protocol(AF_UNIX, 0), pair[0]);
    http_connection::start(std::move(peer), api_, {}, request_budgets(listener_limits{}),
                           [&ended](http_connection*) { ++ended; });
    short_lived.poll();
    EXPECT_EQ(0, ended);
  }
  EXPECT_EQ(1, ended);
  ::close(pair[1]);
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

TEST_F(Listener, LeavesASocketFileToABusyProgramThatAnswersNobody) {
  const auto path = socket_path();
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  std::strncpy(to.sun_path, path.c_str(), sizeof to.sun_path - 1);
  const int busy = ::socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(0, ::bind(busy, reinterpret_cast<const sockaddr*>(&to), sizeof to));
  ASSERT_EQ(0, ::listen(busy, 0));
  std::vector<int> waiting;
  int error = 0;
  while (error == 0) {
    waiting.push_back(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
    error = ::connect(waiting.back(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0 ? 0 : errno;
  }
  ASSERT_EQ(EAGAIN, error);
  const auto opened = http_listener::open(pool_, api_, "unix:" + path, {});
  ASSERT_FALSE(opened);
  EXPECT_TRUE(has(opened.error().what, "another program listens there")) << opened.error().what;
  EXPECT_TRUE(std::filesystem::exists(path));
  for (const int one : waiting) ::close(one);
  ::close(busy);
}

TEST_F(Listener, LeavesASocketFileOfAnotherKindWhereItIs) {
  const auto path = socket_path();
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  std::strncpy(to.sun_path, path.c_str(), sizeof to.sun_path - 1);
  const int datagrams = ::socket(AF_UNIX, SOCK_DGRAM, 0);
  ASSERT_EQ(0, ::bind(datagrams, reinterpret_cast<const sockaddr*>(&to), sizeof to));
  EXPECT_EQ("LISTEN_FAILED", http_listener::open(pool_, api_, "unix:" + path, {}).error().code);
  EXPECT_TRUE(std::filesystem::exists(path));
  ::close(datagrams);
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
