// The command line's client against the listener.
#include "core/http/client.hpp"
#include "tests/unit/http/host_fixture.hpp"

namespace tocsin::test {
namespace {

using Client = Listening;

TEST_F(Client, CallsAHostOverTcpAndOverASocketFile) {
  for (const std::string& address : {std::string("127.0.0.1:0"), "unix:" + socket_path()}) {
    listen({}, address);
    const auto answer = call_host(listener_->address(), token, "GET", "/v1/queue", "", "");
    ASSERT_TRUE(answer) << answer.error().to_string();
    EXPECT_EQ(200, answer->status);
    EXPECT_EQ("application/json", answer->content_type);
    EXPECT_NE(std::string::npos, answer->body.find("\"pending\":0"));
  }
}

TEST_F(Client, SendsABody) {
  listen();
  const auto answer =
      call_host(listener_->address(), token, "POST", "/v1/events", "application/cloudevents+json",
                R"({"specversion":"1.0","id":"42","source":"/license","type":"tocsin.license.expiring"})");
  ASSERT_TRUE(answer);
  EXPECT_EQ(202, answer->status);
  ASSERT_EQ(1u, published_.size());
}

TEST_F(Client, HandsARefusalOn) {
  listen({.max_body = 10});
  auto answer = call_host(listener_->address(), "wrong", "GET", "/v1/queue", "", "");
  ASSERT_TRUE(answer);
  EXPECT_EQ(401, answer->status);
  EXPECT_EQ("application/problem+json", answer->content_type);
  answer = call_host(listener_->address(), token, "POST", "/v1/events", "application/cloudevents+json",
                     std::string(1'000'000, ' '));
  ASSERT_TRUE(answer) << answer.error().to_string();
  EXPECT_EQ(413, answer->status);
}

TEST_F(Client, SaysThatNobodyIsThereAndWhatToDo) {
  listen();
  const auto address = listener_->address();
  listener_.reset();
  for (const std::string& nobody : {address, "unix:" + socket_path()}) {
    const auto answer = call_host(nobody, token, "GET", "/v1/queue", "", "");
    ASSERT_FALSE(answer);
    EXPECT_EQ("HOST_UNREACHABLE", answer.error().code);
    EXPECT_NE(std::string::npos, answer.error().what.find(nobody));
    EXPECT_NE(std::string::npos, answer.error().remedy.find("tocsin serve"));
    EXPECT_EQ(std::string::npos, answer.error().to_string().find(token));
  }
}

}  // namespace
}  // namespace tocsin::test
