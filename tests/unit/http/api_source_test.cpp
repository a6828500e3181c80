// Requests to sources: what the header alone settles, what reaches the source, and what its answers become.
#include "core/http/source_route.hpp"
#include "tests/unit/http/host_fixture.hpp"

#include <future>

namespace tocsin::test {
namespace {

const std::string bearer = std::string("Bearer ") + token;

class SourceApi : public Api {
 protected:
  SourceApi() {
    routes_ = {{"POST", "/heartbeat", "publish", {"application/json"}, ""},
               {"GET", "/heartbeat", "read", {"application/json"}, ""},
               {"DELETE", "/heartbeat", "publish", {"application/json"}, ""},
               {"PUT", "/any/thing", "publish", {"*/*"}, ""},
               {"GET", "/open", "open", {"application/json"}, ""}};
  }
  http_answer ask(const std::string& method, const std::string& target, const std::string& type = "application/json",
                  const std::string& authorization = bearer) {
    return call(method, target, "{}", type, authorization);
  }
};

TEST_F(SourceApi, HandsARequestToItsSource) {
  source_answer_ = source_answer{202, "text/plain", "thanks", {{"retry-after", "3"}}};
  const auto answer = ask("POST", "/v1/sources/robots/heartbeat?a=1&a=%zz");
  EXPECT_EQ(202, answer.status);
  EXPECT_EQ("text/plain", answer.content_type);
  EXPECT_EQ("thanks", answer.body);
  EXPECT_EQ("3", answer.headers.at("retry-after"));
  ASSERT_EQ(1u, asked_.size());
  EXPECT_EQ("robots", asked_[0].source);
  EXPECT_EQ("POST", asked_[0].method);
  EXPECT_EQ("/heartbeat", asked_[0].path);
  EXPECT_EQ("a=1&a=%zz", asked_[0].query) << "as it was sent";
  EXPECT_EQ("{}", asked_[0].body);
  EXPECT_EQ("", asked_[0].organization);
}

TEST_F(SourceApi, AsksWithGetForHead) {
  EXPECT_EQ(200, ask("HEAD", "/v1/sources/robots/heartbeat").status);
  ASSERT_EQ(1u, asked_.size());
  EXPECT_EQ("GET", asked_[0].method);
}

TEST_F(SourceApi, DecodesNameAndPathButTakesNoEncodedSlash) {
  EXPECT_EQ(200, ask("PUT", "/v1/sources/rob%6Fts/any/thin%67").status);
  ASSERT_EQ(1u, asked_.size());
  EXPECT_EQ("/any/thing", asked_[0].path);
  for (const char* target :
       {"/v1/sources/robots/any%2Fthing", "/v1/sources/robots%2Fany/thing", "/v1/sources/robots/any/thin%g7",
        "/v1/sources/robots/any/thing%00", "/v1/sources/robots/%ff"})
    EXPECT_EQ(404, ask("PUT", target).status) << target;
  EXPECT_EQ(1u, asked_.size());
}

TEST_F(SourceApi, AnswersFromTheManifestWithoutAskingTheSource) {
  for (const char* target :
       {"/v1/sources/robots", "/v1/sources/robots/", "/v1/sources//heartbeat", "/v1/sources/nobody/heartbeat",
        "/v1/sources/robots/heartbeat/", "/v1/sources/robots/heart", "/v1/sources/robots/any"})
    EXPECT_EQ("NOT_FOUND", code(ask("POST", target))) << target;
  const auto answer = ask("PATCH", "/v1/sources/robots/heartbeat");
  EXPECT_EQ(405, answer.status);
  EXPECT_EQ("POST, GET, HEAD, DELETE", answer.headers.at("Allow"));
  EXPECT_EQ(405, ask("HEAD", "/v1/sources/robots/any/thing").status);
  const auto unsupported = ask("POST", "/v1/sources/robots/heartbeat", "text/plain");
  EXPECT_EQ(415, unsupported.status);
  EXPECT_EQ("application/json", unsupported.headers.at("Accept"));
  EXPECT_EQ(200, ask("PUT", "/v1/sources/robots/any/thing", "").status);
  EXPECT_EQ(200, ask("PUT", "/v1/sources/robots/any/thing", "image/png").status);
  const auto down = ask("POST", "/v1/sources/down/heartbeat");
  EXPECT_EQ("SOURCE_DOWN", code(down));
  EXPECT_EQ(503, down.status);
  EXPECT_EQ(2u, asked_.size());
}

TEST_F(SourceApi, AsksForATokenUnlessTheManifestSaysOpen) {
  for (const char* target : {"/v1/sources/robots/heartbeat", "/v1/sources/robots/nothing",
                             "/v1/sources/nobody/heartbeat", "/v1/sources/down/heartbeat", "/v1/sources/robots/open"}) {
    const auto answer = ask("POST", target, "application/json", "");
    EXPECT_EQ(401, answer.status) << target;
    EXPECT_EQ("TOKEN_MISSING", code(answer));
    EXPECT_EQ("TOKEN_INVALID", code(ask("POST", target, "application/json", "Bearer wrong")));
  }
  EXPECT_TRUE(asked_.empty());
  EXPECT_EQ(200, ask("GET", "/v1/sources/robots/open", "", "").status);
}

TEST_F(SourceApi, SaysWhatIsWrongWithASource) {
  const auto answer_to = [this](const char* why) {
    source_answer_ = fault{why, "It is as it is.", {}, {}};
    return ask("POST", "/v1/sources/robots/heartbeat");
  };
  const auto busy = answer_to("SOURCE_BUSY");
  EXPECT_EQ(503, busy.status);
  EXPECT_EQ("SOURCE_BUSY", code(busy));
  EXPECT_EQ("1", busy.headers.at("Retry-After"));
  EXPECT_EQ("10", answer_to("SOURCE_DOWN").headers.at("Retry-After"));
  EXPECT_EQ(504, answer_to("SOURCE_TIMEOUT").status);
  EXPECT_EQ(500, answer_to("SOURCE_FAILED").status);
}

class SourceListener : public Listening {
 protected:
  SourceListener() {
    routes_ = {{"POST", "/heartbeat", "publish", {"application/json"}, ""}, {"GET", "/heartbeat", "read", {}, ""}};
  }
  static std::string beat(const std::string& headers = "") {
    return "POST /v1/sources/robots/heartbeat HTTP/1.1\r\nHost: localhost\r\nAuthorization: " + bearer +
           "\r\nContent-Type: application/json\r\n" + headers + "Content-Length: 2\r\n\r\n{}";
  }
};

TEST_F(SourceListener, HandsOnEveryHeaderButCredentials) {
  listen();
  raw_client client(listener_->address());
  client.send(
      beat("X-One: 1\r\nCOOKIE: c=secret\r\nProxy-Authorization: secret\r\nx-one: 2\r\nX-Raw: a\xff"
           "b\r\n"));
  client.read_answer();
  ASSERT_EQ(1u, asked_.size());
  std::string all;
  for (const auto& [name, value] : asked_[0].headers) all += name + "=" + value + ";";
  EXPECT_EQ(
      "host=localhost;content-type=application/json;x-one=1;x-one=2;x-raw=a\xef\xbf\xbd"
      "b;content-length=2;",
      all);
}

TEST_F(SourceListener, PassesOnWhatCallsItselfJsonOnlyIfItIs) {
  routes_ = {{"POST", "/heartbeat", "publish", {"application/json", "text/plain"}, ""}};
  for (const char* body : {"", "{", "{\"a\":1,\"a\":2}", "\"\xff\"", "{} {}"}) {
    const auto answer = call("POST", "/v1/sources/robots/heartbeat", body, "application/json");
    EXPECT_EQ(400, answer.status) << body;
    EXPECT_EQ("JSON_INVALID", code(answer)) << body;
  }
  EXPECT_TRUE(asked_.empty());
  EXPECT_EQ(200, call("POST", "/v1/sources/robots/heartbeat", "[1]", "application/json").status);
  EXPECT_EQ(200, call("POST", "/v1/sources/robots/heartbeat", "{", "text/plain").status);
}

TEST_F(SourceListener, SendsNoBodyWithStatus204) {
  listen();
  source_answer_ = source_answer{204, "text/plain", "unheard", {}};
  raw_client client(listener_->address());
  client.send(beat() + get("/healthz", "Connection: close\r\n"));
  const auto all = client.read_to_end();
  EXPECT_TRUE(all.starts_with("HTTP/1.1 204 ")) << all;
  EXPECT_EQ(std::string::npos, all.find("unheard")) << all;
  EXPECT_EQ(std::string::npos, all.substr(0, all.find("\r\n\r\n")).find("Content-")) << all;
  EXPECT_NE(std::string::npos, all.find("\"ok\"")) << all;
}

TEST_F(SourceListener, GoesOnWhenAClientHasGoneBeforeItsAnswer) {
  listen();
  source_answer_.reset();
  {
    raw_client client(listener_->address());
    client.send(beat("Expect: 100-continue\r\n"));
    client.read_until("100 Continue\r\n\r\n");  // it was admitted
  }
  raw_client other(listener_->address());
  other.send(get("/v1/sources/robots/heartbeat"));
  other.send("");
  raw_client third(listener_->address());
  third.send(get("/healthz"));
  EXPECT_TRUE(third.read_answer().starts_with("HTTP/1.1 200 "));
  listener_->stop(std::chrono::milliseconds{0});
  for (const auto& done : waiting_) done(source_answer{});  // nobody is there any more
  waiting_.clear();
  pool_.stop();
}

}  // namespace
}  // namespace tocsin::test
