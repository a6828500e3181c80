// Name look-ups with a name server of the test's own.
#include "plugins/services/secure_connection/resolver.hpp"
#include "unit/secure_connection/test_name_server.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tocsin::secure_connection::testing {
namespace {

namespace asio = boost::asio;
using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::StartsWith;
using answer = result<std::vector<std::string>>;

// A loop that the test runs, and its resolver.
struct asking_loop {
  explicit asking_loop(const resolver_factory& make) : names(make(io)) {}

  asio::io_context io;
  asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
  std::unique_ptr<resolver> names;

  std::shared_ptr<std::optional<answer>> ask(const std::string& host) {
    auto got = std::make_shared<std::optional<answer>>();
    names->resolve(host, [got](answer what) { *got = std::move(what); });
    return got;
  }
  answer wait_for(const std::shared_ptr<std::optional<answer>>& what) {
    while (!*what) io.run_one();
    return **what;
  }
  answer look_up(const std::string& host) { return wait_for(ask(host)); }
};

// The name server has as long as the test takes.
lookup_options patient(const name_server& server) { return {server.address(), std::chrono::hours(1), 1}; }

TEST(Resolver, FindsLoopbackForLocalhostWithoutANameServer) {
  const name_server silent;
  asking_loop loop(system_resolvers(patient(silent)));
  const auto found = loop.look_up("localhost");
  ASSERT_TRUE(found.has_value()) << found.error().detail;
  ASSERT_FALSE(found->empty());
  for (const std::string& each : *found) EXPECT_TRUE(asio::ip::make_address(each).is_loopback()) << each;
}

TEST(Resolver, TakesWhatTheNameServerSays) {
  name_server server;
  server.always_reply(0, "192.0.2.7");
  asking_loop loop(system_resolvers(patient(server)));
  const auto found = loop.look_up("mail.example.org");
  ASSERT_TRUE(found.has_value()) << found.error().detail;
  EXPECT_THAT(*found, ElementsAre("192.0.2.7"));
}

TEST(Resolver, TellsNamesThatAreNotThereFromServersThatFail) {
  constexpr int server_failure = 2;
  constexpr int no_such_name = 3;
  const auto code = [](int error) {
    name_server server;
    server.always_reply(error);
    asking_loop loop(system_resolvers(patient(server)));
    const auto found = loop.look_up("mail.example.org");
    if (found) return std::string("an answer");
    EXPECT_EQ(found.error().stage, "dns");
    EXPECT_THAT(found.error().detail, StartsWith("mail.example.org: "));
    return found.error().code;
  };
  EXPECT_EQ(code(no_such_name), "DNS_NOT_FOUND");
  EXPECT_EQ(code(0), "DNS_NOT_FOUND") << "the name is there, but has no address";
  EXPECT_EQ(code(server_failure), "DNS_FAILED");
}

TEST(Resolver, DoesNotCallANameMissingWhereNoNameServerIs) {
  std::string nobody;
  { nobody = name_server().address(); }
  asking_loop loop(system_resolvers({nobody, std::chrono::milliseconds(5), 2}));
  const auto found = loop.look_up("mail.invalid");
  ASSERT_FALSE(found.has_value());
  // One of the two queries, for IPv4 and IPv6, may take the refusal of both, so that the other runs into its time-out.
  EXPECT_THAT(found.error().code, AnyOf("DNS_FAILED", "DNS_TIMEOUT")) << found.error().detail;
}

TEST(Resolver, GivesASilentNameServerUp) {
  const name_server silent;
  asking_loop loop(system_resolvers({silent.address(), std::chrono::milliseconds(5), 1}));
  const auto found = loop.look_up("mail.example.org");
  ASSERT_FALSE(found.has_value());
  EXPECT_EQ(found.error().code, "DNS_TIMEOUT") << found.error().detail;
}

TEST(Resolver, GoesOnBesideALookUpThatHangs) {
  const name_server silent;
  asking_loop loop(system_resolvers(patient(silent)));
  const auto hanging = loop.ask("mail.example.org");
  silent.receive();
  EXPECT_TRUE(loop.look_up("localhost").has_value());
  EXPECT_FALSE(hanging->has_value());
}

TEST(Resolver, AsksOnceForAllWhoWantTheSameName) {
  const name_server server;
  const auto make = system_resolvers(patient(server));
  asking_loop one(make);
  asking_loop other(make);
  const auto first = one.ask("mail.example.org");
  const auto v4_or_v6 = server.receive();
  const auto the_other = server.receive();
  const auto second = one.ask("mail.example.org");
  const auto third = other.ask("mail.example.org");
  server.reply(v4_or_v6, 0, "192.0.2.7");
  server.reply(the_other, 0, "192.0.2.7");
  EXPECT_THAT(*one.wait_for(first), ElementsAre("192.0.2.7"));
  EXPECT_THAT(*one.wait_for(second), ElementsAre("192.0.2.7"));
  EXPECT_THAT(*other.wait_for(third), ElementsAre("192.0.2.7"));
  EXPECT_FALSE(server.has_query());
}

TEST(Resolver, GivesItsLookUpsUpAtItsEnd) {
  const name_server silent;
  const auto make = system_resolvers(patient(silent));
  asking_loop stays(make);
  asking_loop ends(make);
  const auto kept = stays.ask("mail.example.org");
  const auto given_up = ends.ask("mail.example.org");
  silent.receive();
  ends.names.reset();
  EXPECT_EQ(given_up.use_count(), 1) << "nobody holds the handler";
  EXPECT_GT(kept.use_count(), 1) << "the other loop still waits";
  stays.names.reset();  // waits for no name server, or the test would not end
  EXPECT_EQ(kept.use_count(), 1);
  EXPECT_FALSE(kept->has_value());
}

}  // namespace
}  // namespace tocsin::secure_connection::testing
