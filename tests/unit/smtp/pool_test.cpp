// A pool under a server that does not treat every connection alike, and endpoints that share one or do not.
#include "plugins/channels/smtp/channel.hpp"
#include "plugins/channels/smtp/mime/encode.hpp"
#include "tests/unit/smtp/fake_stream.hpp"
#include "tests/unit/smtp/test_host.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <set>
#include <thread>

namespace tocsin::smtp::testing {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::SizeIs;

// `more` are further members, each with a comma before it.
std::string settings_with(const std::string& more) {
  return R"({"host":"mx.example.org","port":25,"secure_connection":"off","from_address":"noreply@example.org")" + more +
         "}";
}

const std::string signing_in = R"(,"username":"u","password":{"secret":7},"allow_plaintext_credentials":true)";

class PoolTest : public ::testing::Test {
 protected:
  void start(server_script script = {}) {
    stream = std::make_unique<fake_stream>(std::move(script));
    channel = std::make_unique<smtp_channel>(sdk::host_api(host.raw()), stream->service(), "client.example.org");
  }
  void TearDown() override {
    channel.reset();
    EXPECT_TRUE(stream->wait_until_none_lives()) << "a connection outlived stop()";
    EXPECT_EQ(stream->targets(), 0) << "a target was not closed";
  }

  tocsin_token open(const std::string& settings, std::string_view preset = {}) {
    tocsin_endpoint raw{};
    raw.struct_size = sizeof(raw);
    raw.channel = sdk::to_abi("email");
    raw.settings = sdk::to_abi(settings);
    raw.preset = sdk::to_abi(preset);
    raw.pool = sdk::to_abi("pool");
    return channel->open(sdk::endpoint(raw)).name;
  }
  void deliver(tocsin_token endpoint, std::uint64_t first, std::uint64_t count) {
    message_batch batch;
    for (std::uint64_t i = first; i < first + count; ++i)
      batch.add(endpoint, i, "r" + std::to_string(i) + "@example.org");
    const auto& list = batch.list();
    channel->deliver(sdk::messages(list.data(), list.size()));
  }

  test_host host;
  std::unique_ptr<fake_stream> stream;
  std::unique_ptr<smtp_channel> channel;
};

// The first connection signs in; all later ones are answered with `refusal`.
struct refusing_later {
  explicit refusing_later(std::string refusal) : refusal_(std::move(refusal)) {}

  server_script script() {
    server_script made;
    made.ehlo = "250-mx\r\n250 AUTH PLAIN\r\n";
    made.hook = [this](int connection, const std::string& line) -> std::string {
      if (line.starts_with("AUTH")) {
        ++sign_ins;
        return connection == 1 ? std::string{} : refusal_;
      }
      if (connection == 1 && line == "QUIT") goodbye = true;
      // The second mail is held up until all the others are handed over, so that further connections open.
      if (line.starts_with("MAIL") && ++mails == 2) {
        while (!handed_over) std::this_thread::yield();
      }
      return {};
    };
    return made;
  }

  std::atomic<int> sign_ins{0};
  std::atomic<int> mails{0};
  std::atomic<bool> goodbye{false};
  std::atomic<bool> handed_over{false};

 private:
  const std::string refusal_;
};

class RefusedLater : public PoolTest, public ::testing::WithParamInterface<std::pair<const char*, std::uint32_t>> {};

TEST_P(RefusedLater, EndsWhatWaitsAndTheConnectionsThatWork) {
  refusing_later server(GetParam().first);
  host.set_secret(7, "changed meanwhile");
  start(server.script());
  const tocsin_token endpoint = open(settings_with(signing_in));
  deliver(endpoint, 1, 1);
  ASSERT_TRUE(host.wait_for(1));
  host.take();
  deliver(endpoint, 2, 60);
  server.handed_over = true;
  ASSERT_TRUE(host.wait_for(60));
  std::multiset<std::uint64_t> seen;
  std::size_t refused = 0;
  for (const seen_outcome& one : host.take()) {
    seen.insert(one.delivery);
    EXPECT_TRUE(one.result == TOCSIN_CLASS_DELIVERED || one.result == GetParam().second) << one.code;
    refused += one.result == GetParam().second ? 1 : 0;
  }
  EXPECT_THAT(seen, SizeIs(60));
  EXPECT_EQ(std::set<std::uint64_t>(seen.begin(), seen.end()).size(), 60U);
  EXPECT_GT(refused, 0U);
  EXPECT_TRUE(stream->wait_until_none_lives());
  EXPECT_TRUE(server.goodbye);
  EXPECT_LE(server.sign_ins, 8);  // the first one's and, at most, those that were under way at once
}

INSTANTIATE_TEST_SUITE_P(PoolTest, RefusedLater,
                         ::testing::Values(std::pair{"535 5.7.8 no\r\n", TOCSIN_CLASS_AUTH},
                                           std::pair{"538 5.7.11 encryption required\r\n", TOCSIN_CLASS_CONFIG}));

TEST_F(PoolTest, ASignInThatIsOnlyPutOffFailsNoMailWhileOthersWork) {
  refusing_later server("454 4.7.0 not now\r\n");
  host.set_secret(7, "right");
  start(server.script());
  const tocsin_token endpoint = open(settings_with(signing_in));
  deliver(endpoint, 1, 1);
  ASSERT_TRUE(host.wait_for(1));
  deliver(endpoint, 2, 60);
  server.handed_over = true;
  ASSERT_TRUE(host.wait_for(61));
  EXPECT_THAT(host.take(), Each(::testing::Field(&seen_outcome::result, TOCSIN_CLASS_DELIVERED)));
  EXPECT_THAT(host.log(), Contains(HasSubstr("a further connection to the mail server failed")));
}

TEST_F(PoolTest, EndpointsWithOtherLimitsOrTimeoutsHaveConnectionsOfTheirOwn) {
  start();
  open(settings_with(""));
  EXPECT_EQ(stream->targets(), 1);
  open(settings_with(R"(,"limits":{"connections":2})"));
  EXPECT_EQ(stream->targets(), 2);
  open(settings_with(R"(,"timeouts":{"connect":1000,"command":5000})"));
  EXPECT_EQ(stream->targets(), 3);
  open(settings_with(R"(,"limits":{"connections":2})"));
  open(settings_with(R"(,"timeouts":{"connect":1000,"command":5000})"));
  EXPECT_EQ(stream->targets(), 3);
}

TEST_F(PoolTest, ALimitThatAReloadChangesTakesEffect) {
  start();
  const tocsin_token before = open(settings_with(R"(,"limits":{"messages_per_connection":0})"));
  deliver(before, 1, 1);
  ASSERT_TRUE(host.wait_for(1));
  // A reload opens the new one before it closes the old one.
  const tocsin_token after = open(settings_with(R"(,"limits":{"messages_per_connection":1})"));
  channel->close(before);
  for (std::uint64_t i = 2; i <= 4; ++i) {
    deliver(after, i, 1);
    ASSERT_TRUE(host.wait_for(i));
  }
  EXPECT_EQ(stream->connections(), 4);
}

class SpacedPassword : public PoolTest {
 protected:
  void start_noting() {
    server_script script;
    script.ehlo = "250-mx\r\n250 AUTH PLAIN XOAUTH2\r\n";
    script.hook = [this](int, const std::string& line) {
      if (line.starts_with("AUTH")) {
        const std::lock_guard lock(lock_);
        lines_.push_back(line);
      }
      return std::string{};
    };
    host.set_secret(7, "abcd efgh ijkl mnop");
    start(script);
  }
  std::vector<std::string> sign_ins() {
    const std::lock_guard lock(lock_);
    return lines_;
  }

  static constexpr std::string_view preset = R"({"for":"smtp","strip_spaces":["password"]})";

 private:
  std::mutex lock_;
  std::vector<std::string> lines_;
};

std::string plain_line(const std::string& password) {
  return "AUTH PLAIN " + to_base64(std::string("\0u\0", 3) + password);
}

TEST_F(SpacedPassword, GoesWithoutItsSpacesWhereThePresetSaysSo) {
  start_noting();
  deliver(open(settings_with(signing_in), preset), 1, 1);
  ASSERT_TRUE(host.wait_for(1));
  EXPECT_EQ(sign_ins(), std::vector{plain_line("abcdefghijklmnop")});
}

TEST_F(SpacedPassword, IsSentAsItIsWithoutAPreset) {
  start_noting();
  deliver(open(settings_with(signing_in)), 1, 1);
  ASSERT_TRUE(host.wait_for(1));
  EXPECT_EQ(sign_ins(), std::vector{plain_line("abcd efgh ijkl mnop")});
}

TEST_F(SpacedPassword, IsLeftAloneWhereItIsAToken) {
  start_noting();
  deliver(open(settings_with(signing_in + R"(,"authentication":"xoauth2")"), preset), 1, 1);
  ASSERT_TRUE(host.wait_for(1));
  ASSERT_THAT(sign_ins(), SizeIs(1));
  EXPECT_THAT(from_base64(sign_ins()[0].substr(13), 4096).value(), HasSubstr("Bearer abcd efgh ijkl mnop\x01"));
}

TEST_F(SpacedPassword, IsTheSameToTheDoctor) {
  start_noting();
  tocsin_diagnosis request{};
  request.struct_size = sizeof(request);
  request.run = {5, 1};
  request.endpoint = open(settings_with(signing_in), preset);
  channel->diagnose(sdk::diagnosis(request));
  ASSERT_TRUE(host.wait_for_diagnosis());
  EXPECT_EQ(sign_ins(), std::vector{plain_line("abcdefghijklmnop")});
}

}  // namespace
}  // namespace tocsin::smtp::testing
