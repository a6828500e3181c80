// Channel, pool and sessions over a stream service without a network.
#include "plugins/channels/smtp/channel.hpp"
#include "tests/unit/smtp/fake_stream.hpp"
#include "tests/unit/smtp/test_host.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <set>

namespace tocsin::smtp::testing {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr const char* plain_settings =
    R"({"host":"mx.example.org","port":25,"secure_connection":"off","from_address":"noreply@example.org"})";
constexpr const char* sign_in_settings =
    R"({"host":"mx.example.org","port":25,"secure_connection":"off","from_address":"noreply@example.org",
        "username":"u","password":{"secret":7},"allow_plaintext_credentials":true})";

class ChannelTest : public ::testing::Test {
 protected:
  void start(server_script script = {}) {
    stream = std::make_unique<fake_stream>(std::move(script));
    channel = std::make_unique<smtp_channel>(sdk::host_api(host.raw()), stream->service(), "client.example.org");
  }
  void TearDown() override {
    channel.reset();
    EXPECT_TRUE(stream->wait_until_none_lives()) << "a connection outlived stop()";
    EXPECT_EQ(stream->targets(), 0) << "a target was not closed";
    EXPECT_THAT(host.log(), ::testing::Not(Contains(HasSubstr("exception"))));
  }

  tocsin_token open(const char* settings = plain_settings, const char* pool = "pool") {
    tocsin_endpoint raw{};
    raw.struct_size = sizeof(raw);
    raw.channel = sdk::to_abi("email");
    raw.settings = sdk::to_abi(settings);
    raw.pool = sdk::to_abi(pool);
    const sdk::opened_endpoint opened = channel->open(sdk::endpoint(raw));
    EXPECT_GE(opened.slots, 1U);
    return opened.name;
  }
  void deliver(tocsin_token endpoint, std::uint64_t first, std::uint64_t count) {
    message_batch batch;
    for (std::uint64_t i = first; i < first + count; ++i)
      batch.add(endpoint, i, "r" + std::to_string(i) + "@example.org");
    const auto& list = batch.list();
    channel->deliver(sdk::messages(list.data(), list.size()));
  }
  // Each delivery once, whatever came of it.
  void expect_each_once(const std::vector<seen_outcome>& outcomes, std::uint64_t first, std::uint64_t count) {
    std::multiset<std::uint64_t> numbers;
    for (const seen_outcome& one : outcomes) numbers.insert(one.delivery);
    for (std::uint64_t i = first; i < first + count; ++i) EXPECT_EQ(numbers.count(i), 1U) << i;
    EXPECT_EQ(outcomes.size(), count);
  }

  test_host host;
  std::unique_ptr<fake_stream> stream;
  std::unique_ptr<smtp_channel> channel;
};

TEST_F(ChannelTest, DeliversManyOverFewConnections) {
  start();
  const tocsin_token endpoint = open();
  for (std::uint64_t batch = 0; batch < 20; ++batch) deliver(endpoint, batch * 50 + 1, 50);
  ASSERT_TRUE(host.wait_for(1000));
  const auto outcomes = host.take();
  expect_each_once(outcomes, 1, 1000);
  EXPECT_THAT(outcomes,
              Each(AllOf(Field(&seen_outcome::result, TOCSIN_CLASS_DELIVERED), Field(&seen_outcome::code, "OK"),
                         Field(&seen_outcome::server_reply, "250 2.0.0 queued"))));
  EXPECT_EQ(stream->mails().size(), 1000U);
  EXPECT_LE(stream->connections(), 8);
}

TEST_F(ChannelTest, AnIdleConnectionIsUsedAgain) {
  start();
  const tocsin_token endpoint = open();
  for (std::uint64_t i = 1; i <= 5; ++i) {
    deliver(endpoint, i, 1);
    ASSERT_TRUE(host.wait_for(i));
  }
  EXPECT_EQ(stream->connections(), 1);
}

TEST_F(ChannelTest, AnAddressThatCannotBeOneNeedsNoConnection) {
  start();
  const tocsin_token endpoint = open();
  message_batch batch;
  batch.add(endpoint, 1, "nobody");
  batch.add(endpoint, 2, "a@example.org>\r\nRCPT TO:<b@example.org");
  const auto& list = batch.list();
  channel->deliver(sdk::messages(list.data(), list.size()));
  ASSERT_TRUE(host.wait_for(2));
  EXPECT_THAT(host.take(), Each(AllOf(Field(&seen_outcome::code, "RECIPIENT_INVALID"),
                                      Field(&seen_outcome::result, TOCSIN_CLASS_PERMANENT))));
  EXPECT_EQ(stream->connections(), 0);
}

TEST_F(ChannelTest, AWrongPasswordIsTriedOnceForAllThatWait) {
  server_script script;
  script.ehlo = "250-mx\r\n250 AUTH PLAIN\r\n";
  script.hook = [](int, const std::string& line) {
    return line.starts_with("AUTH") ? std::string("535 5.7.8 no\r\n") : std::string{};
  };
  host.set_secret(7, "wrong");
  start(script);
  deliver(open(sign_in_settings), 1, 30);
  ASSERT_TRUE(host.wait_for(30));
  const auto outcomes = host.take();
  expect_each_once(outcomes, 1, 30);
  EXPECT_THAT(outcomes,
              Each(AllOf(Field(&seen_outcome::code, "AUTH_REJECTED"), Field(&seen_outcome::result, TOCSIN_CLASS_AUTH),
                         Field(&seen_outcome::transcript, HasSubstr("AUTH PLAIN ***")))));
  EXPECT_EQ(stream->connections(), 1);
  EXPECT_EQ(host.reveals(), 1);
}

TEST_F(ChannelTest, ThePasswordIsRevealedOnlyToSignIn) {
  server_script script;
  script.ehlo = "250-mx\r\n250 AUTH PLAIN\r\n";
  host.set_secret(7, "right");
  start(script);
  const tocsin_token endpoint = open(sign_in_settings);
  EXPECT_EQ(host.reveals(), 0);
  for (std::uint64_t i = 1; i <= 3; ++i) {
    deliver(endpoint, i, 1);
    ASSERT_TRUE(host.wait_for(i));
  }
  EXPECT_EQ(host.reveals(), 1);
}

TEST_F(ChannelTest, AnUnreachableServerFailsWhatWaits) {
  server_script script;
  script.refuse_connections_from = 1;
  start(script);
  deliver(open(), 1, 10);
  ASSERT_TRUE(host.wait_for(10));
  EXPECT_THAT(host.take(), Each(AllOf(Field(&seen_outcome::code, "TCP_REFUSED"),
                                      Field(&seen_outcome::result, TOCSIN_CLASS_TRANSIENT))));
  EXPECT_EQ(stream->connections(), 1);
}

TEST_F(ChannelTest, AServersLimitOfConnectionsFailsNoMail) {
  server_script script;
  script.refuse_connections_from = 3;
  start(script);
  const tocsin_token endpoint = open();
  for (std::uint64_t batch = 0; batch < 10; ++batch) deliver(endpoint, batch * 30 + 1, 30);
  ASSERT_TRUE(host.wait_for(300));
  EXPECT_THAT(host.take(), Each(Field(&seen_outcome::result, TOCSIN_CLASS_DELIVERED)));
}

TEST_F(ChannelTest, AConnectionFoundDeadIsReplacedAtOnce) {
  start();
  const tocsin_token endpoint = open();
  deliver(endpoint, 1, 1);
  ASSERT_TRUE(host.wait_for(1));
  stream->drop_all();
  deliver(endpoint, 2, 1);
  ASSERT_TRUE(host.wait_for(2));
  EXPECT_THAT(host.take(), Each(Field(&seen_outcome::result, TOCSIN_CLASS_DELIVERED)));
  EXPECT_EQ(stream->connections(), 2);
}

TEST_F(ChannelTest, A421OnAUsedConnectionIsNoAttempt) {
  std::atomic<bool> first{true};
  server_script script;
  std::atomic<int> mails{0};
  script.hook = [&first, &mails](int, const std::string& line) -> std::string {
    if (!line.starts_with("MAIL") || ++mails != 2) return "";
    return first.exchange(false) ? "421 4.4.2 idle for too long\r\n" : "";
  };
  start(script);
  const tocsin_token endpoint = open();
  deliver(endpoint, 1, 1);
  ASSERT_TRUE(host.wait_for(1));
  deliver(endpoint, 2, 1);
  ASSERT_TRUE(host.wait_for(2));
  EXPECT_EQ(host.take()[1].result, TOCSIN_CLASS_DELIVERED);
  EXPECT_EQ(stream->connections(), 2);
}

TEST_F(ChannelTest, AMailIsReplacedOnlyOnce) {
  server_script script;
  std::map<int, int> mails;  // the stream's thread alone
  script.hook = [&mails](int connection, const std::string& line) -> std::string {
    if (line.starts_with("MAIL") && ++mails[connection] > 1) return "DROP";
    return "";
  };
  start(script);
  const tocsin_token endpoint = open();
  deliver(endpoint, 1, 40);
  ASSERT_TRUE(host.wait_for(40));
  expect_each_once(host.take(), 1, 40);
}

TEST_F(ChannelTest, EndpointsOfOnePoolShareTheirConnections) {
  start();
  const tocsin_token one = open(plain_settings, "shared");
  const tocsin_token two = open(plain_settings, "shared");
  deliver(one, 1, 1);
  ASSERT_TRUE(host.wait_for(1));
  deliver(two, 2, 1);
  ASSERT_TRUE(host.wait_for(2));
  EXPECT_EQ(stream->connections(), 1);
  channel->close(one);
  deliver(two, 3, 1);
  ASSERT_TRUE(host.wait_for(3));
  EXPECT_EQ(stream->connections(), 1);
}

TEST_F(ChannelTest, DifferentPoolsShareNothing) {
  start();
  const tocsin_token one = open(plain_settings, "one");
  const tocsin_token two = open(plain_settings, "two");
  EXPECT_EQ(stream->targets(), 2);
  deliver(one, 1, 1);
  deliver(two, 2, 1);
  ASSERT_TRUE(host.wait_for(2));
  EXPECT_EQ(stream->connections(), 2);
}

TEST_F(ChannelTest, CloseCompletesAllAndEndsTheConnections) {
  start();
  const tocsin_token endpoint = open();
  deliver(endpoint, 1, 200);
  channel->close(endpoint);
  const auto outcomes = host.take();
  expect_each_once(outcomes, 1, 200);
  for (const seen_outcome& one : outcomes) {
    EXPECT_TRUE(one.result == TOCSIN_CLASS_DELIVERED || one.result == TOCSIN_CLASS_RETURNED) << one.code;
  }
  EXPECT_TRUE(stream->wait_until_none_lives());
}

TEST_F(ChannelTest, CancelGivesBackWhatWasNotBegun) {
  std::atomic<bool> stalled{false};
  server_script script;
  script.hook = [&stalled](int connection, const std::string& line) {
    if (connection > 1 || line != ".") return std::string{};
    stalled = true;
    return std::string("STALL");
  };
  start(script);
  const tocsin_token endpoint =
      open(R"({"host":"h","secure_connection":"off","from_address":"a@example.org","limits":{"connections":1}})");
  deliver(endpoint, 1, 4);
  while (!stalled) std::this_thread::yield();
  // The first one's data is with the server, the second one's envelope behind it; the others wait.
  const tocsin_token wanted[] = {{3, 1}, {4, 1}, {99, 1}};
  channel->cancel(sdk::tokens(wanted, 3));
  ASSERT_TRUE(host.wait_for(2));
  for (const seen_outcome& one : host.take()) {
    EXPECT_GE(one.delivery, 3U);
    EXPECT_EQ(one.result, TOCSIN_CLASS_RETURNED);
  }
  // When the connection goes, nobody knows of the first; the second was not begun, and goes over another one.
  stream->drop_all();
  ASSERT_TRUE(host.wait_for(2));
  for (const seen_outcome& one : host.take()) {
    EXPECT_EQ(one.result, one.delivery == 1 ? TOCSIN_CLASS_UNCERTAIN : TOCSIN_CLASS_DELIVERED) << one.delivery;
  }
}

TEST_F(ChannelTest, StopLeavesNothingBehind) {
  start();
  const tocsin_token endpoint = open();
  for (std::uint64_t batch = 0; batch < 10; ++batch) deliver(endpoint, batch * 20 + 1, 20);
  channel->stop();
  expect_each_once(host.take(), 1, 200);
}

TEST_F(ChannelTest, ADeadlineAfterTheFinalDotIsUncertain) {
  server_script script;
  std::atomic<int> dots{0};
  script.hook = [&dots](int, const std::string& line) {
    if (line != ".") return std::string{};
    ++dots;
    return std::string("STALL");
  };
  start(script);
  deliver(open(), 1, 1);
  while (dots == 0) std::this_thread::yield();
  stream->pass_deadlines();
  ASSERT_TRUE(host.wait_for(1));
  const seen_outcome came_to = host.take()[0];
  EXPECT_EQ(came_to.result, TOCSIN_CLASS_UNCERTAIN);
  EXPECT_EQ(came_to.code, "COMMAND_TIMEOUT");
}

TEST_F(ChannelTest, TheDoctorReportsTheStagesInOrder) {
  start();
  const tocsin_token endpoint = open();
  tocsin_diagnosis request{};
  request.struct_size = sizeof(request);
  request.run = {5, 1};
  request.endpoint = endpoint;
  request.recipient = sdk::to_abi("ops@example.org");
  channel->diagnose(sdk::diagnosis(request));
  ASSERT_TRUE(host.wait_for_diagnosis());
  std::vector<std::string> names;
  for (const seen_stage& one : host.take_stages()) names.push_back(one.name + " " + one.code);
  EXPECT_EQ(names,
            (std::vector<std::string>{"settings OK", "tcp OK", "greeting OK", "ehlo OK", "sender OK", "recipient OK"}));
  EXPECT_TRUE(stream->mails().empty());
}

TEST_F(ChannelTest, TheDoctorStopsAtTheFirstFailure) {
  server_script script;
  script.ehlo = "250-mx\r\n250 AUTH PLAIN\r\n";
  script.hook = [](int, const std::string& line) {
    return line.starts_with("AUTH") ? std::string("535 5.7.8 no\r\n") : std::string{};
  };
  host.set_secret(7, "wrong");
  start(script);
  tocsin_diagnosis request{};
  request.struct_size = sizeof(request);
  request.run = {5, 1};
  request.endpoint = open(sign_in_settings);
  channel->diagnose(sdk::diagnosis(request));
  ASSERT_TRUE(host.wait_for_diagnosis());
  const auto stages = host.take_stages();
  ASSERT_FALSE(stages.empty());
  EXPECT_EQ(stages.back().name, "auth");
  EXPECT_EQ(stages.back().code, "AUTH_REJECTED");
  EXPECT_FALSE(stages.back().ok);
  EXPECT_THAT(stages.back().detail, HasSubstr("535 5.7.8 no"));
}

TEST_F(ChannelTest, TheDoctorFindsAnUnreadablePasswordFirst) {
  start();
  tocsin_diagnosis request{};
  request.struct_size = sizeof(request);
  request.endpoint = open(sign_in_settings);
  channel->diagnose(sdk::diagnosis(request));
  ASSERT_TRUE(host.wait_for_diagnosis());
  const auto stages = host.take_stages();
  ASSERT_THAT(stages, SizeIs(1));
  EXPECT_EQ(stages[0].name, "settings");
  EXPECT_EQ(stages[0].code, "SETTINGS_INVALID");
  EXPECT_EQ(stream->connections(), 0);
}

TEST_F(ChannelTest, TheDoctorCallsABadRecipientByItsName) {
  start();
  tocsin_diagnosis request{};
  request.struct_size = sizeof(request);
  request.endpoint = open();
  request.recipient = sdk::to_abi("nobody");
  channel->diagnose(sdk::diagnosis(request));
  ASSERT_TRUE(host.wait_for_diagnosis());
  const auto stages = host.take_stages();
  EXPECT_EQ(stages.back().name, "recipient");
  EXPECT_EQ(stages.back().code, "RECIPIENT_INVALID");
}

}  // namespace
}  // namespace tocsin::smtp::testing
