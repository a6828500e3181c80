// Requests to a source: one answer each, from the plugin or in its place.
#include "core/plugin_host/calls/source_requests.hpp"
#include "core/plugin_host/plugin_lifetime.hpp"
#include "support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <stdexcept>

namespace tocsin {
namespace {

using test::fake_house;
using test::fake_plugin;
using test::running_plugin;
using test::text;
using testing::HasSubstr;

struct asking {
  asking() {
    plugin.provides = {TOCSIN_EXT_SOURCE, TOCSIN_EXT_HTTP_ROUTE};
    running.emplace(house, plugin);
    requests.add("robots", **running, {9, 1});
  }
  ~asking() {
    requests.remove("robots");
    static_cast<void>(running->stop());
    house.pool.stop();
  }
  void ask(const std::string& path = "/heartbeat", std::string source = "robots") {
    source_request request;
    request.source = std::move(source);
    request.method = "POST";
    request.path = path;
    request.query = "a=1";
    request.headers = {{"x-one", "1"}, {"x-two", ""}};
    request.body = "{}";
    requests.pass(std::move(request), [this](result<source_answer> answer) { answers.add(std::move(answer)); });
  }
  // The only answer so far: its status, or the fault's code.
  std::string answered() {
    const auto all = answers.wait(1);
    if (all.size() != 1) return std::to_string(all.size()) + " answers";
    return all[0] ? std::to_string(all[0]->status) : all[0].error().code;
  }
  void answer(tocsin_token call, std::uint32_t status, std::vector<tocsin_field> headers = {},
              std::string_view content_type = {}) const {
    tocsin_http_answer given{};
    given.struct_size = sizeof(given);
    given.status = status;
    given.content_type = text(content_type);
    given.body = {reinterpret_cast<const std::uint8_t*>("{}"), 2};
    given.headers = headers.data();
    given.header_count = headers.size();
    plugin.of_host<tocsin_host_http_answer>(TOCSIN_HOST_HTTP_ANSWER).answer(plugin.host->context, call, &given);
  }

  test::captured_log log;
  fake_house house;
  fake_plugin plugin;
  std::optional<running_plugin> running;
  source_requests requests;
  test::gathered<result<source_answer>> answers;
  test::gathered<tocsin_token> calls;  // for a plugin that keeps them
};

TEST(HttpRoute, LendsTheWholeRequestAndTakesTheAnswer) {
  asking source;
  std::string seen;
  source.plugin.call = [&](const tocsin_http_call& call) {
    const auto view = [](tocsin_string words) { return std::string(words.data, words.size); };
    seen = view(call.method) + " " + view(call.path) + "?" + view(call.query) + " [" + view(call.organization) + "] " +
           std::string(reinterpret_cast<const char*>(call.body.data), call.body.size) + " " +
           std::to_string(call.source.index);
    for (std::uint64_t index = 0; index < call.header_count; ++index)
      seen += " " + view(call.headers[index].name) + ":" + view(call.headers[index].value);
    source.answer(call.call, 202,
                  {{text("Retry-After"), text("3")}, {text("x-a"), text("1")}, {text("X-A"), text("2")}});
  };
  source.ask();
  EXPECT_EQ("202", source.answered());
  const auto all = source.answers.wait(1);
  EXPECT_EQ("application/json", all.at(0)->content_type);
  EXPECT_EQ("{}", all.at(0)->body);
  EXPECT_EQ("3", all.at(0)->headers.at("retry-after"));
  EXPECT_EQ("1, 2", all.at(0)->headers.at("x-a"));
  EXPECT_EQ("POST /heartbeat?a=1 [] {} 9 x-one:1 x-two:", seen);
  EXPECT_EQ(0u, source.house.clock.timers()) << "its alarm is gone";
}

TEST(HttpRoute, TakesAnAnswerFromAnyThreadAfterTheCall) {
  asking source;
  source.plugin.call = [&](const tocsin_http_call& call) { source.calls.add(call.call); };
  source.ask();
  const auto call = source.calls.wait(1).at(0);
  EXPECT_EQ(0u, source.answers.size());
  std::async(std::launch::async, [&] { source.answer(call, 200); }).wait();
  EXPECT_EQ("200", source.answered());
}

TEST(HttpRoute, AnswersForAPluginThatDoesNotAndSaysSoOnceWhenItComesLate) {
  asking source;
  source.plugin.call = [&](const tocsin_http_call& call) { source.calls.add(call.call); };
  source.ask();
  const auto call = source.calls.wait(1).at(0);
  source.house.clock.advance(std::chrono::milliseconds(29'999));
  EXPECT_EQ(0u, source.answers.size());
  source.house.clock.advance(std::chrono::milliseconds(1));
  EXPECT_EQ("SOURCE_TIMEOUT", source.answered());
  source.answer(call, 200);
  EXPECT_EQ(1u, source.log.count("a source answered too late"));
  EXPECT_EQ(0u, source.log.count("misbehaving"));
  source.answer(call, 200);
  EXPECT_EQ(1u, source.log.count("a source answered too late"));
  EXPECT_EQ(1u, source.log.count("is not, or no longer, its own"));
  EXPECT_EQ(1u, source.answers.size());
}

TEST(HttpRoute, PassesOverSecondAnswersAndThoseToNobody) {
  asking source;
  source.plugin.call = [&](const tocsin_http_call& call) {
    source.answer({call.call.index, 7}, 200);
    source.answer({call.call.index + 1, 1}, 200);
    source.answer(call.call, 200);
    source.answer(call.call, 201);
  };
  source.ask();
  EXPECT_EQ("200", source.answered());
  EXPECT_TRUE(source.log.wait("count=3"));
  EXPECT_EQ(3u, source.log.count("is not, or no longer, its own"));
}

TEST(HttpRoute, RefusesAnswersThatCannotBeSent) {
  struct wrong {
    std::uint32_t status;
    tocsin_field header;
    std::string_view content_type;
    const char* says;
  };
  const tocsin_field none{text("x-good"), text("good \xc3\xa4\t")};
  for (const auto& one : {
           wrong{0, none, "", "status is 0"},
           wrong{199, none, "", "status is 199"},
           wrong{600, none, "", "status is 600"},
           wrong{200, none, "text/plain\r\nx: y", "content type"},
           wrong{200, {text("x-a"), text("b\r\nset-cookie: c")}, "", "header x-a has a value"},
           wrong{200, {text("x-a"), text("b\nc")}, "", "header x-a has a value"},
           wrong{200, {text("x-a"), text(std::string_view("b\0c", 3))}, "", "header x-a has a value"},
           wrong{200, {text("x-a\r\nb"), text("c")}, "", "is no name of a header"},
           wrong{200, {text("x a"), text("c")}, "", "is no name of a header"},
           wrong{200, {text(""), text("c")}, "", "is no name of a header"},
           wrong{200, {text("Content-Length"), text("5")}, "", "Content-Length is the host's"},
           wrong{200, {text("TRANSFER-ENCODING"), text("chunked")}, "", "is the host's"},
           wrong{200, {text("connection"), text("close")}, "", "is the host's"},
           wrong{200, {text("set-cookie"), text("a=b")}, "", "is the host's"},
       }) {
    asking source;
    source.plugin.call = [&](const tocsin_http_call& call) {
      source.answer(call.call, one.status, {one.header}, one.content_type);
    };
    source.ask();
    EXPECT_EQ("SOURCE_FAILED", source.answered()) << one.says;
    EXPECT_THAT(source.answers.wait(1).at(0).error().what, HasSubstr(one.says));
    EXPECT_TRUE(source.log.wait("it answered a request with what is no answer")) << one.says;
  }
  asking source;
  source.plugin.call = [&](const tocsin_http_call& call) { source.answer(call.call, 599, {none}); };
  source.ask();
  EXPECT_EQ("599", source.answered());
}

TEST(HttpRoute, CountsACallThatThrowsAsFailed) {
  asking source;
  source.plugin.call = [](const tocsin_http_call&) { throw std::runtime_error("out of paper"); };
  source.ask();
  EXPECT_EQ("SOURCE_FAILED", source.answered());
  const auto reports = source.log.lines("it threw an exception across the binary interface");
  ASSERT_EQ(1u, reports.size());
  EXPECT_THAT(reports[0], HasSubstr("call=http_route.call "));
  EXPECT_THAT(reports[0], HasSubstr("out of paper"));
}

TEST(HttpRoute, SendsAwayWhatIsMoreThanASourceMayHave) {
  asking source;
  source.requests.add("others", **source.running, {10, 1});
  source.plugin.call = [&](const tocsin_http_call& call) { source.calls.add(call.call); };
  for (std::size_t count = 0; count < http_call_table::most_of_a_source; ++count) source.ask();
  ASSERT_EQ(http_call_table::most_of_a_source, source.calls.wait(http_call_table::most_of_a_source).size());
  EXPECT_EQ(0u, source.answers.size());
  source.ask();
  EXPECT_EQ("SOURCE_BUSY", source.answered());
  source.ask("/heartbeat", "others");
  EXPECT_EQ(http_call_table::most_of_a_source + 1, source.calls.wait(http_call_table::most_of_a_source + 1).size());
  source.requests.end(std::chrono::milliseconds(0));
  const auto all = source.answers.wait(http_call_table::most_of_a_source + 2);
  ASSERT_EQ(http_call_table::most_of_a_source + 2, all.size());
  EXPECT_EQ("SOURCE_DOWN", all.back().error().code);
  source.requests.remove("others");
}

TEST(HttpRoute, AnswersWhatIsOpenWhenTheSourceIsClosed) {
  asking source;
  source.plugin.call = [&](const tocsin_http_call& call) { source.calls.add(call.call); };
  source.ask();
  ASSERT_EQ(1u, source.calls.wait(1).size());
  source.requests.remove("robots");
  EXPECT_EQ("SOURCE_DOWN", source.answered());
  source.ask();
  const auto all = source.answers.wait(2);
  ASSERT_EQ(2u, all.size());
  EXPECT_THAT(all[1].error().what, HasSubstr("does not run"));
  EXPECT_EQ(1u, source.calls.size());
}

TEST(HttpRoute, WaitsForACallBeforeTheSourceIsClosed) {
  std::promise<void> go_on;  // outlives the call that waits for it
  const auto waits = go_on.get_future().share();
  asking source;
  std::atomic<bool> over{false};
  source.plugin.call = [&](const tocsin_http_call& call) {
    source.calls.add(call.call);
    waits.wait();
    over = true;
  };
  source.ask();
  ASSERT_EQ(1u, source.calls.wait(1).size());
  auto removed = std::async(std::launch::async, [&] {
    source.requests.remove("robots");
    return over.load();
  });
  // One that does not wait is over soon, and has answered the request meanwhile.
  EXPECT_EQ(std::future_status::timeout, removed.wait_for(std::chrono::milliseconds(100)));
  EXPECT_EQ(0u, source.answers.size());
  go_on.set_value();
  EXPECT_TRUE(removed.get());
  EXPECT_EQ("SOURCE_DOWN", source.answered());
}

TEST(HttpRoute, GivesWhatAStopFindsOpenItsTime) {
  asking source;
  source.plugin.call = [&](const tocsin_http_call& call) { source.calls.add(call.call); };
  source.ask();
  const auto call = source.calls.wait(1).at(0);
  auto ended = std::async(std::launch::async, [&] { source.requests.end(std::chrono::seconds(20)); });
  // One that gives no time is over soon, and has answered the request meanwhile.
  EXPECT_EQ(std::future_status::timeout, ended.wait_for(std::chrono::milliseconds(100)));
  EXPECT_EQ(0u, source.answers.size());
  source.answer(call, 200);
  ended.wait();
  EXPECT_EQ("200", source.answered());
}

TEST(HttpRoute, AnswersWhatAStopFindsOpenWhenItsTimeIsUp) {
  asking source;
  source.plugin.call = [&](const tocsin_http_call& call) { source.calls.add(call.call); };
  source.ask();
  const auto call = source.calls.wait(1).at(0);
  source.requests.end(std::chrono::milliseconds(0));
  EXPECT_EQ("SOURCE_DOWN", source.answered());
  source.answer(call, 200);
  EXPECT_EQ(1u, source.log.count("a source answered too late"));
  source.ask();
  const auto all = source.answers.wait(2);
  ASSERT_EQ(2u, all.size());
  EXPECT_EQ("SOURCE_DOWN", all[1].error().code);
  EXPECT_EQ(1u, source.calls.size()) << "nothing is handed in any more";
}

TEST(HttpRoute, AnswersForAPluginThatHangsAlsoWhatWaitsForIt) {
  std::promise<void> go_on;  // outlives the call that waits for it
  const auto waits = go_on.get_future().share();
  asking source;
  (**source.running).on_hung = [&] { answer_in_its_place(**source.running); };
  source.plugin.call = [&](const tocsin_http_call& call) {
    source.calls.add(call.call);
    waits.wait();
  };
  source.ask();
  ASSERT_EQ(1u, source.calls.wait(1).size());
  source.ask();  // these two have no thread: the pool of two leaves the plugin one
  source.ask();
  (**source.running).hangs("http_route.call", "source robots", std::chrono::seconds(5));
  source.ask();
  const auto all = source.answers.wait(4);
  ASSERT_EQ(4u, all.size());
  for (const auto& one : all) {
    ASSERT_FALSE(one);
    EXPECT_EQ("SOURCE_DOWN", one.error().code);
    EXPECT_THAT(one.error().what, HasSubstr("hangs"));
  }
  go_on.set_value();
  // What was to be handed in comes before this, if it comes at all.
  std::promise<void> next;
  (**source.running).workers.post([&] { next.set_value(); });
  next.get_future().wait();
  EXPECT_EQ(1u, source.calls.size());
}

TEST(HttpRoute, JoinsHeadersOfOneNameUpToALimit) {
  const std::string half(4'095, 'x');
  for (const bool fits : {true, false}) {
    asking source;
    const std::string other = fits ? half : half + "y";
    source.plugin.call = [&](const tocsin_http_call& call) {
      source.answer(call.call, 200, {{text("x-note"), text(half)}, {text("X-Note"), text(other)}});
    };
    source.ask();
    const auto all = source.answers.wait(1);
    ASSERT_EQ(1u, all.size());
    if (fits) {
      ASSERT_TRUE(all[0]);
      EXPECT_EQ(half + ", " + half, all[0]->headers.at("x-note")) << "8,192 bytes";
    } else {
      ASSERT_FALSE(all[0]);
      EXPECT_THAT(all[0].error().what, HasSubstr("its headers X-Note are too long together"));
    }
  }
}

}  // namespace
}  // namespace tocsin
