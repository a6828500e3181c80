// Headers that two readers could take in two ways are refused, in pure code and over real sockets.
#include "core/http/request_head.hpp"
#include "tests/unit/http/host_fixture.hpp"

namespace tocsin::test {
namespace {

using RequestHead = Listening;

constexpr const char* one_event = R"({"specversion":"1.0","id":"42","source":"/license","type":"tocsin.test"})";

std::string head(const std::string& fields, const std::string& line = "POST /v1/events HTTP/1.1") {
  return line + "\r\n" + fields + "\r\n";
}

TEST(RequestHeadRules, TakesWhatIsSound) {
  for (const auto& sound :
       {head("Host: a\r\n"), head("Host:a\r\nX-Tab: a\tb\r\nX-Raw: caf\xe9\r\nX-Empty:\r\n"),
        head("", "GET /v1/queue HTTP/1.0"), head("Host: a\r\n", "GET http://a.example/v1/queue?x=1 HTTP/1.1"),
        head("Host: a\r\nContent-Length: 0\r\nExpect: 100-Continue\r\n"),
        head("Host: a\r\nTransfer-Encoding: Chunked\r\n")}) {
    EXPECT_FALSE(check_head(sound)) << sound;
  }
}

TEST(RequestHeadRules, RefusesWhatCanBeReadInTwoWays) {
  struct expectation {
    int status;
    std::string sent;
  };
  const std::string host = "Host: a\r\n";
  for (const auto& [status, sent] : std::vector<expectation>{
           {400, head(host + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n")},
           {400, head(host + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n")},
           {400, head(host + "Content-Length: 4\r\nContent-Length: 5\r\n")},
           {400, head(host + "Content-Length: 4\r\nContent-Length: 4\r\n")},
           {400, head(host + "Content-Length: 4, 4\r\n")},
           {400, head(host + "Content-Length: +4\r\n")},
           {400, head(host + "Content-Length: 0x4\r\n")},
           {400, head(host + "Content-Length: -1\r\n")},
           {400, head(host + "Content-Length:\r\n")},
           {400, head(host + "Content-Length: 99999999999999999999\r\n")},
           {400, head(host + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")},
           {400, head(host + "Transfer-Encoding: gzip\r\n")},
           {400, head(host + "Transfer-Encoding: gzip, chunked\r\n")},
           {400, head(host + "Transfer-Encoding: xchunked\r\n")},
           {400, head("Transfer-Encoding: chunked\r\n", "POST /v1/events HTTP/1.0")},
           {400, head(host + "X-Folded: a\r\n b\r\n")},
           {400, head(host + "X-Folded: a\r\n\tb\r\n")},
           {400, head(" Host: a\r\n")},
           {400, head(host + "X-Space : a\r\n")},
           {400, head(host + ": a\r\n")},
           {400, head(host + "nothing\r\n")},
           {400, head(host + std::string("X-Nul: a\0b\r\n", 12))},
           {400, head(host + "X-Return: a\rb\r\n")},
           {400, head(host + "X-Bare: a\nX-Next: b\r\n")},
           {400, head(host + "Host: b\r\n")},
           {400, head("X-None: a\r\n")},
           {400, head(host + "Authorization: Bearer a\r\nAuthorization: Bearer b\r\n")},
           {417, head(host + "Expect: a-miracle\r\n")},
           {400, head(host, "GET  /v1/queue HTTP/1.1")},
           {400, head(host, "GET /v1/queue x HTTP/1.1")},
           {400, head(host, "GET /v1/caf\xe9 HTTP/1.1")},
           {400, head(host, "GET /v1/queue")},
           {400, head(host, "OPTIONS * HTTP/1.1")},
           {400, head(host, "CONNECT a.example:443 HTTP/1.1")},
           {400, head(host, "G@T / HTTP/1.1")},
           {400, head(host, "GET / HTTP/2.0")},
           {431, head(host +
                      [] {
                        std::string many;
                        for (int at = 0; at < 101; ++at) many += "X-Many: a\r\n";
                        return many;
                      }())},
       }) {
    const auto answer = check_head(sent);
    ASSERT_TRUE(answer) << sent;
    EXPECT_EQ(status, answer->status) << sent << answer->body;
  }
}

TEST(RequestHeadRules, ReducesAnAbsoluteTargetToItsPath) {
  EXPECT_EQ("/v1/queue?x=1", origin_form("http://a.example:8480/v1/queue?x=1"));
  EXPECT_EQ("/", origin_form("HTTP://a.example"));
  EXPECT_EQ("/?x", origin_form("https://a.example?x"));
  EXPECT_EQ("/v1/http://x", origin_form("/v1/http://x"));
  EXPECT_EQ("*", origin_form("*"));
}

TEST_F(RequestHead, AnswersAndClosesWhereARequestWasSmuggledIntoAnother) {
  listen();
  for (const std::string fields :
       {"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "Content-Length: 4\r\nContent-Length: 44\r\n",
        "Transfer-Encoding: gzip\r\n", "Transfer-Encoding : chunked\r\n", "X: a\r\n Transfer-Encoding: chunked\r\n"}) {
    raw_client client(listener_->address());
    client.send(post_head(fields) + "0\r\n\r\n" + get("/v1/queue"));
    const auto answers = client.read_to_end();
    EXPECT_TRUE(answers.starts_with("HTTP/1.1 400 ")) << fields << answers;
    EXPECT_EQ(std::string::npos, answers.find("HTTP/1.1 200")) << "what follows is no request: " << answers;
    EXPECT_NE(std::string::npos, answers.find("Connection: close\r\n"));
  }
  EXPECT_TRUE(published_.empty());
}

TEST_F(RequestHead, RefusesALineFeedAloneBeforeTheHeaderEnds) {
  listen({.header_time = std::chrono::minutes{10}});
  raw_client client(listener_->address());
  client.send("GET /healthz HTTP/1.1\nHost: a\n\n");
  EXPECT_TRUE(client.read_to_end().starts_with("HTTP/1.1 400 "));
}

TEST_F(RequestHead, TakesAHeaderThatComesByteByByteAndEmptyLinesBeforeIt) {
  listen();
  raw_client client(listener_->address());
  for (const char c : "\r\n\r\n" + get("/v1/queue")) ASSERT_TRUE(client.send(std::string(1, c)));
  EXPECT_TRUE(client.read_answer().starts_with("HTTP/1.1 200 "));
}

TEST_F(RequestHead, AnswersRequestsThatWereSentAtOnceInTheirOrder) {
  listen();
  raw_client client(listener_->address());
  client.send(get("/healthz") + post(one_event) + get("/v1/nothing") + get("/readyz"));
  for (const auto* status : {" 200 ", " 202 ", " 404 ", " 200 "}) {
    const auto answer = client.read_answer();
    EXPECT_NE(std::string::npos, answer.substr(0, 20).find(status)) << answer;
  }
}

TEST_F(RequestHead, SpeaksHttp10AndAbsoluteForms) {
  listen();
  raw_client old(listener_->address());
  old.send("GET /healthz HTTP/1.0\r\n\r\n");
  const auto answer = old.read_to_end();
  EXPECT_TRUE(answer.starts_with("HTTP/1.0 200 ")) << answer;
  raw_client kept(listener_->address());
  kept.send("GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_NE(std::string::npos, kept.read_answer().find("Connection: keep-alive"));
  kept.send("GET http://a.example/healthz HTTP/1.1\r\nHost: a.example\r\n\r\n");
  EXPECT_TRUE(kept.read_answer().starts_with("HTTP/1.1 200 "));
  kept.send("OPTIONS * HTTP/1.1\r\nHost: a.example\r\n\r\n");
  EXPECT_TRUE(kept.read_to_end().starts_with("HTTP/1.1 400 "));
}

TEST_F(RequestHead, RefusesChunksThatAreNone) {
  listen();
  for (const std::string body : {"zz\r\n", "-1\r\n{}\r\n", "5\r\nabc\r\n0\r\n\r\n", "ffffffffffffffffff\r\n",
                                 "2 x\r\n{}\r\n0\r\n\r\n", "\r\n{}\r\n0\r\n\r\n", "2\n{}\n0\n\n"}) {
    raw_client client(listener_->address());
    client.send(post_head("Transfer-Encoding: chunked\r\n") + body + get("/v1/queue"));
    const auto answer = client.read_to_end();
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 400 ") || answer.empty()) << body << answer;
    EXPECT_EQ(std::string::npos, answer.find("HTTP/1.1 200")) << answer;
  }
  EXPECT_TRUE(published_.empty());
}

TEST_F(RequestHead, KeepsTheExtensionsOfAChunkWithinBounds) {
  listen();
  raw_client client(listener_->address());
  client.send(post_head("Transfer-Encoding: chunked\r\n") + "2;");
  for (int piece = 0; piece < 2'000 && client.send(std::string(1'000, 'x')); ++piece) {
  }
  EXPECT_FALSE(client.read_to_end().starts_with("HTTP/1.1 2"));
  EXPECT_TRUE(published_.empty());
}

TEST_F(RequestHead, RefusesJsonThatIsTooDeepDoubledOrNoUtf8WithItsPlace) {
  listen();
  raw_client client(listener_->address());
  const std::string deep = R"({"specversion":"1.0","id":"1","source":"/a","type":"t","data":)" + std::string(40, '[') +
                           std::string(40, ']') + "}";
  for (const std::string& body :
       {deep, std::string(R"({"specversion":"1.0","id":"1","id":"2","source":"/a","type":"t"})"),
        std::string("{\"specversion\":\"1.0\",\"id\":\"\xff\",\"source\":\"/a\",\"type\":\"t\"}"), std::string("{"),
        std::string()}) {
    client.send(post(body));
    const auto answer = client.read_answer();
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 400 ")) << body << answer;
    EXPECT_NE(std::string::npos, answer.find("EVENT_INVALID")) << answer;
  }
  EXPECT_TRUE(published_.empty());
}

}  // namespace
}  // namespace tocsin::test
