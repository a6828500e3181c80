// Streams over real loopback sockets: the way up, bytes, time, the end.
#include "plugins/services/secure_connection/service.hpp"
#include "unit/secure_connection/engine_peer.hpp"
#include "unit/secure_connection/test_name_server.hpp"
#include "unit/secure_connection/test_server.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <thread>

namespace tocsin::secure_connection::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr auto connected = TOCSIN_STREAM_CONNECTED;
constexpr auto secured = TOCSIN_STREAM_SECURED;
constexpr auto failed = TOCSIN_STREAM_FAILED;
constexpr auto ended = TOCSIN_STREAM_ENDED;

// Answers as a test says, or never.
class scripted_resolver final : public resolver {
 public:
  using answer = result<std::vector<std::string>>;
  scripted_resolver(std::optional<answer> what, boost::asio::io_context& loop)
      : answer_(std::move(what)), loop_(loop) {}

  void resolve(const std::string&, handler done) override {
    if (answer_) boost::asio::post(loop_, [what = *answer_, done = std::move(done)] { done(what); });
  }

 private:
  std::optional<answer> answer_;
  boost::asio::io_context& loop_;
};

resolver_factory resolving_to(std::optional<scripted_resolver::answer> answer) {
  return [answer](boost::asio::io_context& loop) { return std::make_unique<scripted_resolver>(answer, loop); };
}

std::optional<scripted_resolver::answer> addresses(std::vector<std::string> all) {
  return scripted_resolver::answer(std::move(all));
}

class Stream : public ::testing::Test {
 protected:
  key_pair authority_ = make_authority("Test CA");
  key_pair identity_ = [this] {
    certificate_spec spec;
    spec.alternative_names = "IP:127.0.0.1,DNS:mail.example.org";
    return make_certificate(spec, &authority_);
  }();
  ssl_context_ptr tls_ = make_server_context(identity_);
  std::filesystem::path folder_;
  std::unique_ptr<service> service_;
  consumer consumer_;

  void SetUp() override {
    char pattern[] = "/tmp/tocsin-stream-XXXXXX";
    folder_ = mkdtemp(pattern);
    std::ofstream(folder_ / "ca.pem") << authority_.certificate_pem();
    start();
  }
  void TearDown() override {
    service_.reset();
    EXPECT_FALSE(consumer_.came_after_the_end());
    std::filesystem::remove_all(folder_);
  }

  void start(service_options options = {}) {
    service_.reset();
    options.loops = options.loops == 0 ? 1 : options.loops;
    options.secrets = [](std::uint64_t) -> result<std::string> { return std::string(); };
    service_ = std::make_unique<service>(std::move(options));
    service_->start();
  }

  std::string settings(std::uint16_t port, const std::string& mode, const std::string& host = "127.0.0.1",
                       int connect_ms = 10'000) const {
    return R"({"host":")" + host + R"(","port":)" + std::to_string(port) + R"(,"secure_connection":")" + mode +
           R"(","tls":{"ca_file":")" + (folder_ / "ca.pem").string() + R"("},"timeouts":{"connect":)" +
           std::to_string(connect_ms) + "}}";
  }
  tocsin_token connect(consumer& with, const std::string& json) {
    const auto target = service_->open_target(json);
    EXPECT_TRUE(target.has_value()) << (target ? "" : target.error().detail);
    tocsin_token stream{};
    EXPECT_EQ(service_->connect(*target, with.handler(), &with, &stream), TOCSIN_OK);
    service_->close_target(*target);  // the stream goes on
    return stream;
  }
  tocsin_token connect(const std::string& json) { return connect(consumer_, json); }

  // Once the consumer gets an event of that kind, do that, on the completion thread.
  void when(tocsin_stream_event_kind kind, std::function<void(const tocsin_stream_event&)> then) {
    consumer_.on_event = [kind, then = std::move(then)](const tocsin_stream_event& event) {
      if (event.kind == kind) then(event);
    };
  }
  void expect_failure(const char* stage, const char* code) {
    const auto end = consumer_.wait_for_end();
    ASSERT_TRUE(end);
    EXPECT_EQ(end->kind, failed);
    EXPECT_EQ(end->stage, stage);
    EXPECT_EQ(end->code, code) << end->detail;
    EXPECT_NE(end->detail, "");
  }
};

// ---- the way up ---------------------------------------------------------------------------------------------------

TEST_F(Stream, ConnectsInClear) {
  server_socket server;
  connect(settings(server.port(), "off"));
  server.accept();
  ASSERT_TRUE(consumer_.wait_for(connected));
  EXPECT_THAT(consumer_.stages(), ElementsAre("tcp")) << "an address needs no look-up";
}

TEST_F(Stream, LooksNamesUp) {
  start({.make_resolver = resolving_to(addresses({"127.0.0.1"}))});
  server_socket server;
  connect(settings(server.port(), "starttls", "mail.example.org"));
  server.accept();
  ASSERT_TRUE(consumer_.wait_for(connected));
  EXPECT_THAT(consumer_.stages(), ElementsAre("dns", "tcp"));
}

TEST_F(Stream, LooksLocalhostUpWithTheSystem) {
  server_socket server;
  connect(settings(server.port(), "off", "localhost"));
  server.accept();
  EXPECT_TRUE(consumer_.wait_for(connected));
}

TEST_F(Stream, ReportsANameThatIsNotFound) {
  start({.make_resolver = resolving_to(
             scripted_resolver::answer(failure{"dns", "DNS_NOT_FOUND", "mail.example.org: Host not found"}))});
  connect(settings(587, "starttls", "mail.example.org"));
  expect_failure("dns", "DNS_NOT_FOUND");
}

TEST_F(Stream, ReportsAResolverThatSaysNothing) {
  start({.make_resolver = resolving_to(std::nullopt)});
  connect(settings(587, "starttls", "mail.example.org", 20));
  expect_failure("dns", "DNS_TIMEOUT");
}

TEST_F(Stream, IsNotHeldUpByALookUpThatHangs) {
  const name_server silent;
  start({.make_resolver = system_resolvers({silent.address(), std::chrono::hours(1), 1})});
  server_socket server;
  consumer hanging;
  connect(hanging, settings(587, "starttls", "mail.example.org", 86'400'000));
  silent.receive();
  connect(settings(server.port(), "off", "localhost"));
  server.accept();
  ASSERT_TRUE(consumer_.wait_for(connected));
  EXPECT_THAT(hanging.events(), IsEmpty());
  consumer limited;
  connect(limited, settings(587, "starttls", "mail.example.org", 20));
  const auto end = limited.wait_for_end();
  ASSERT_TRUE(end);
  EXPECT_EQ(end->code, "DNS_TIMEOUT");
  EXPECT_THAT(hanging.events(), IsEmpty());
  // The name server would have hours left: stop() gives it up.
  service_->stop();
  ASSERT_EQ(hanging.events().size(), 1u);
  EXPECT_EQ(hanging.events().back().kind, ended);
}

TEST_F(Stream, ReportsARefusedConnection) {
  connect(settings(closed_port(), "off"));
  expect_failure("tcp", "TCP_REFUSED");
}

TEST_F(Stream, ReportsAServerThatTakesNoConnection) {
  server_socket server("127.0.0.1", 0, 0);
  server.fill_up();
  connect(settings(server.port(), "off", "127.0.0.1", 50));
  expect_failure("tcp", "TCP_TIMEOUT");
  EXPECT_THAT(consumer_.wait_for_end()->detail, HasSubstr("127.0.0.1:" + std::to_string(server.port())));
}

TEST_F(Stream, GoesOnToTheNextAddressWhenOneRefuses) {
  start({.next_address_after = std::chrono::hours(1),
         .make_resolver = resolving_to(addresses({"127.0.0.2", "127.0.0.1"}))});
  server_socket server;
  connect(settings(server.port(), "off", "mail.example.org"));
  server.accept();
  EXPECT_TRUE(consumer_.wait_for(connected));
}

TEST_F(Stream, GoesOnToTheNextAddressWhenOneSaysNothing) {
  start({.next_address_after = std::chrono::milliseconds(5),
         .make_resolver = resolving_to(addresses({"127.0.0.2", "127.0.0.1"}))});
  server_socket server;
  server_socket silent("127.0.0.2", server.port(), 0);
  silent.fill_up();
  connect(settings(server.port(), "off", "mail.example.org"));
  server.accept();
  EXPECT_TRUE(consumer_.wait_for(connected));
}

TEST_F(Stream, NamesEveryAddressThatFailed) {
  start({.make_resolver = resolving_to(addresses({"127.0.0.2", "127.0.0.1"}))});
  connect(settings(closed_port(), "off", "mail.example.org"));
  expect_failure("tcp", "TCP_REFUSED");
  EXPECT_THAT(consumer_.wait_for_end()->detail, AllOf(HasSubstr("127.0.0.1:"), HasSubstr("127.0.0.2:")));
}

// ---- TLS ------------------------------------------------------------------------------------------------------------

TEST_F(Stream, BeginsTlsAtOnceWhereItIsImplicit) {
  server_socket server;
  connect(settings(server.port(), "implicit"));
  auto side = server.accept();
  ASSERT_TRUE(side.accept_tls(tls_.get()));
  side.send("220 ready\r\n");
  EXPECT_EQ(consumer_.wait_for_data(11), "220 ready\r\n");
  EXPECT_THAT(consumer_.stages(), ElementsAre("tcp", "tls", "certificate", "revocation"));
  EXPECT_EQ(consumer_.events()[4].kind, connected);
}

TEST_F(Stream, BeginsTlsLaterByStarttls) {
  server_socket server;
  consumer_.on_event = [&](const tocsin_stream_event& event) {
    if (event.kind == connected) service_->write(event.stream, "STARTTLS\r\n");
    if (event.kind == TOCSIN_STREAM_DATA) service_->secure(event.stream);
    if (event.kind == secured) service_->write(event.stream, "EHLO\r\n");
  };
  connect(settings(server.port(), "starttls"));
  auto side = server.accept();
  EXPECT_EQ(side.receive(10), "STARTTLS\r\n");
  side.send("220 go ahead\r\n");
  ASSERT_TRUE(side.accept_tls(tls_.get()));
  EXPECT_EQ(side.receive(6), "EHLO\r\n");
  EXPECT_THAT(consumer_.stages(), ElementsAre("tcp", "tls", "certificate", "revocation"));
}

TEST_F(Stream, RefusesBytesThatCameBeforeTheHandshake) {
  server_socket server;
  std::promise<void> asked;
  std::promise<void> injected;
  when(TOCSIN_STREAM_DATA, [&](const tocsin_stream_event& event) {
    asked.set_value();
    injected.get_future().wait();
    service_->secure(event.stream);
  });
  connect(settings(server.port(), "starttls"));
  auto side = server.accept();
  side.send("220 go ahead\r\n");
  asked.get_future().wait();
  side.send("250 injected\r\n");
  injected.set_value();
  expect_failure("starttls", "STARTTLS_INJECTION");
  EXPECT_THAT(consumer_.wait_for_end()->detail, HasSubstr("250 injected\\r\\n"));
  EXPECT_THAT(side.receive(), IsEmpty()) << "not a byte of a handshake";
}

TEST_F(Stream, RefusesAServerThatSpeaksFirstAfterStarttls) {
  peer_options options;
  options.maximum_version = TLS1_2_VERSION;
  const auto context = make_server_context(identity_, options);
  engine_peer peer(context.get());
  server_socket server;
  when(connected, [&](const tocsin_stream_event& event) { service_->secure(event.stream); });
  connect(settings(server.port(), "starttls"));
  auto side = server.accept();
  while (!peer.done()) {
    std::string answer = peer.exchange(side.receive());
    if (peer.done()) answer += peer.write("250 injected\r\n");
    side.send(answer);
  }
  expect_failure("starttls", "STARTTLS_INJECTION");
  EXPECT_EQ(consumer_.count(secured), 0u);
}

TEST_F(Stream, ReportsABadCertificateAfterTheTlsStage) {
  std::ofstream(folder_ / "ca.pem") << make_authority("Another CA").certificate_pem();
  server_socket server;
  connect(settings(server.port(), "implicit"));
  auto side = server.accept();
  EXPECT_FALSE(side.accept_tls(tls_.get()));
  expect_failure("certificate", "CERT_UNKNOWN_ISSUER");
  EXPECT_THAT(consumer_.stages(), ElementsAre("tcp", "tls"));
}

TEST_F(Stream, ReportsAPlaintextServer) {
  server_socket server;
  connect(settings(server.port(), "implicit"));
  auto side = server.accept();
  side.send("220 mail.example.org ESMTP\r\n");
  expect_failure("tls", "TLS_NOT_SPOKEN");
}

TEST_F(Stream, ReportsAServerThatClosesInTheHandshake) {
  server_socket server;
  connect(settings(server.port(), "implicit"));
  {
    auto side = server.accept();
    side.receive();
  }
  expect_failure("tls", "TLS_HANDSHAKE_FAILED");
}

TEST_F(Stream, ReportsAServerThatResetsInTheHandshake) {
  server_socket server;
  connect(settings(server.port(), "implicit"));
  auto side = server.accept();
  side.receive();
  side.reset();
  expect_failure("tls", "TLS_HANDSHAKE_FAILED");
}

TEST_F(Stream, ReportsAServerThatSaysNothingInTheHandshake) {
  server_socket server;
  connect(settings(server.port(), "implicit", "127.0.0.1", 50));
  auto side = server.accept();
  expect_failure("tls", "COMMAND_TIMEOUT");
}

TEST_F(Stream, ReportsSilenceAfterStarttls) {
  server_socket server;
  when(connected, [&](const tocsin_stream_event& event) { service_->secure(event.stream); });
  connect(settings(server.port(), "starttls", "127.0.0.1", 50));
  auto side = server.accept();
  expect_failure("tls", "COMMAND_TIMEOUT");
}

TEST_F(Stream, NeverBeginsTlsWhereItIsOff) {
  server_socket server;
  when(connected, [&](const tocsin_stream_event& event) { service_->secure(event.stream); });
  connect(settings(server.port(), "off"));
  auto side = server.accept();
  expect_failure("tls", "TLS_HANDSHAKE_FAILED");
}

TEST_F(Stream, TellsItsFacts) {
  server_socket server;
  std::promise<std::string> facts;
  std::promise<std::optional<std::string>> binding;
  when(connected, [&](const tocsin_stream_event& event) {
    facts.set_value(service_->facts(event.stream).value_or(""));
    binding.set_value(service_->channel_binding(event.stream, "tls-exporter"));
  });
  connect(settings(server.port(), "implicit"));
  auto side = server.accept();
  ASSERT_TRUE(side.accept_tls(tls_.get()));
  const std::string json = facts.get_future().get();
  EXPECT_THAT(json, AllOf(HasSubstr(R"("address":"127.0.0.1")"), HasSubstr(R"("protocol":"TLSv1.3")"),
                          HasSubstr(R"("names":["127.0.0.1","mail.example.org"])"), HasSubstr(R"("resumed":false)")));
  EXPECT_THAT(json, HasSubstr(R"("revocation":"REVOCATION_UNKNOWN: )"));
  EXPECT_EQ(binding.get_future().get()->size(), 32u);
}

TEST_F(Stream, ResumesOnTheNextStreamOfTheTarget) {
  server_socket server;
  const auto target = service_->open_target(settings(server.port(), "implicit"));
  for (const bool resumed : {false, true}) {
    consumer each;
    tocsin_token stream{};
    ASSERT_EQ(service_->connect(*target, each.handler(), &each, &stream), TOCSIN_OK);
    auto side = server.accept();
    ASSERT_TRUE(side.accept_tls(tls_.get()));
    EXPECT_EQ(SSL_session_reused(side.ssl()), resumed ? 1 : 0);
    side.send("220 ready\r\n");
    each.wait_for_data(11);
    side.close();
    ASSERT_TRUE(each.wait_for_end());
  }
}

// ---- bytes
// ------------------------------------------------------------------------------------------------------------

TEST_F(Stream, SendsWhatIsWrittenInOneEventInOneFlight) {
  server_socket server;
  when(connected, [&](const tocsin_stream_event& event) {
    service_->write(event.stream, "MAIL\r\n");
    service_->write(event.stream, "RCPT\r\n");
    service_->write(event.stream, "DATA\r\n");
  });
  connect(settings(server.port(), "off"));
  auto side = server.accept();
  EXPECT_EQ(side.receive(), "MAIL\r\nRCPT\r\nDATA\r\n");
  ASSERT_TRUE(consumer_.wait_for(TOCSIN_STREAM_WRITTEN));
  EXPECT_EQ(consumer_.count(TOCSIN_STREAM_WRITTEN), 1u);
}

TEST_F(Stream, ReportsWrittenOnlyWhenThePeerHasTakenEnough) {
  for (const char* mode : {"off", "implicit"}) {
    server_socket server;
    consumer each;
    const std::string large(8u << 20, 'x');
    each.on_event = [&](const tocsin_stream_event& event) {
      if (event.kind == connected) service_->write(event.stream, large);
    };
    const tocsin_token stream = connect(each, settings(server.port(), mode));
    auto side = server.accept();
    if (std::string_view(mode) == "implicit") {
      ASSERT_TRUE(side.accept_tls(tls_.get()));
    }
    ASSERT_TRUE(each.wait_for(connected));
    service_->wake(stream);  // its answer shows that the stream is past the write
    ASSERT_TRUE(each.wait_for(TOCSIN_STREAM_WOKEN));
    EXPECT_EQ(each.count(TOCSIN_STREAM_WRITTEN), 0u);
    EXPECT_EQ(side.receive(large.size()), large);
    EXPECT_TRUE(each.wait_for(TOCSIN_STREAM_WRITTEN));
    side.close();
    each.wait_for_end();
  }
}

TEST_F(Stream, CarriesManyBytesBothWaysUnderTls) {
  server_socket server;
  const std::string large(3u << 20, 'y');
  consumer_.on_event = [&](const tocsin_stream_event& event) {
    if (event.kind != TOCSIN_STREAM_DATA) return;
    service_->write(event.stream, {reinterpret_cast<const char*>(event.data.data), event.data.size});
  };
  connect(settings(server.port(), "implicit"));
  auto side = server.accept();
  ASSERT_TRUE(side.accept_tls(tls_.get()));
  std::string echoed;
  for (std::size_t at = 0; at < large.size(); at += 65536) {
    side.send(std::string_view(large).substr(at, 65536));
    echoed += side.receive(std::min<std::size_t>(65536, large.size() - at));
  }
  EXPECT_EQ(echoed, large);
}

TEST_F(Stream, WritesFromAnotherStreamsEvent) {
  server_socket server;
  consumer other;
  const tocsin_token stream = connect(other, settings(server.port(), "off"));
  auto side = server.accept();
  ASSERT_TRUE(other.wait_for(connected));
  when(connected, [&](const tocsin_stream_event&) { service_->write(stream, "from elsewhere"); });
  connect(settings(server.port(), "off"));
  auto second = server.accept();
  EXPECT_EQ(side.receive(14), "from elsewhere");
  EXPECT_TRUE(other.wait_for(TOCSIN_STREAM_WRITTEN));
  side.close();
  other.wait_for_end();
}

// ---- time and wakes
// ---------------------------------------------------------------------------------------------------

TEST_F(Stream, ReportsADeadlineAndGoesOn) {
  server_socket server;
  consumer_.on_event = [&](const tocsin_stream_event& event) {
    if (event.kind == connected) service_->set_deadline(event.stream, 1);
    if (event.kind == TOCSIN_STREAM_DEADLINE) service_->write(event.stream, "still here");
  };
  connect(settings(server.port(), "off"));
  auto side = server.accept();
  EXPECT_EQ(side.receive(10), "still here");
  EXPECT_EQ(consumer_.count(TOCSIN_STREAM_DEADLINE), 1u);
}

TEST_F(Stream, TakesTheDeadlineThatWasSetLast) {
  server_socket server;
  when(connected, [&](const tocsin_stream_event& event) {
    service_->set_deadline(event.stream, 3'600'000);
    service_->set_deadline(event.stream, 1);
  });
  connect(settings(server.port(), "off"));
  auto side = server.accept();
  EXPECT_TRUE(consumer_.wait_for(TOCSIN_STREAM_DEADLINE));
}

TEST_F(Stream, ForgetsADeadlineThatIsMovedFurtherOffOrSetToNone) {
  for (const std::uint64_t second : {3'600'000u, 0u}) {
    server_socket server;
    consumer first;
    first.on_event = [&](const tocsin_stream_event& event) {
      if (event.kind != connected) return;
      service_->set_deadline(event.stream, 1);
      service_->set_deadline(event.stream, second);
    };
    connect(first, settings(server.port(), "off"));
    auto side = server.accept();
    ASSERT_TRUE(first.wait_for(connected));
    // A later deadline of another stream on the same loop shows that the time of the first one has passed.
    consumer later;
    later.on_event = [&](const tocsin_stream_event& event) {
      if (event.kind == connected) service_->set_deadline(event.stream, 10);
    };
    connect(later, settings(server.port(), "off"));
    auto later_side = server.accept();
    ASSERT_TRUE(later.wait_for(TOCSIN_STREAM_DEADLINE));
    EXPECT_EQ(first.count(TOCSIN_STREAM_DEADLINE), 0u);
    side.close();
    later_side.close();
    first.wait_for_end();
    later.wait_for_end();
  }
}

TEST_F(Stream, AnswersAWakeFromAnotherThreadOnItsOwn) {
  server_socket server;
  std::promise<std::thread::id> thread;
  when(TOCSIN_STREAM_WOKEN, [&](const tocsin_stream_event&) { thread.set_value(std::this_thread::get_id()); });
  const tocsin_token stream = connect(settings(server.port(), "off"));
  auto side = server.accept();
  service_->wake(stream);
  EXPECT_NE(thread.get_future().get(), std::this_thread::get_id());
}

TEST_F(Stream, JoinsWakesButLosesNone) {
  server_socket server;
  std::atomic<int> wanted{0};
  std::atomic<int> seen{0};
  when(TOCSIN_STREAM_WOKEN, [&](const tocsin_stream_event&) { seen = wanted.load(); });
  const tocsin_token stream = connect(settings(server.port(), "off"));
  auto side = server.accept();
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      for (int at = 0; at < 200; ++at) {
        ++wanted;
        service_->wake(stream);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  side.close();
  ASSERT_TRUE(consumer_.wait_for_end());
  EXPECT_EQ(seen, 800);
  EXPECT_LE(consumer_.count(TOCSIN_STREAM_WOKEN), 800u);
}

// ---- the end
// ----------------------------------------------------------------------------------------------------------

TEST_F(Stream, EndsWhenThePeerCloses) {
  server_socket server;
  connect(settings(server.port(), "off"));
  server.accept().send("bye");
  const auto end = consumer_.wait_for_end();
  ASSERT_TRUE(end);
  EXPECT_EQ(end->kind, ended);
  EXPECT_EQ(consumer_.wait_for_data(3), "bye");
}

TEST_F(Stream, FailsWhenThePeerResets) {
  server_socket server;
  connect(settings(server.port(), "off"));
  auto side = server.accept();
  ASSERT_TRUE(consumer_.wait_for(connected));
  side.reset();
  expect_failure("", "SERVER_CLOSED");
}

TEST_F(Stream, FailsWhenTlsIsCutOff) {
  server_socket server;
  connect(settings(server.port(), "implicit"));
  auto side = server.accept();
  ASSERT_TRUE(side.accept_tls(tls_.get()));
  ASSERT_TRUE(consumer_.wait_for(connected));
  side.close();
  expect_failure("", "SERVER_CLOSED");
}

TEST_F(Stream, EndsWhenThePeerSaysCloseNotify) {
  server_socket server;
  connect(settings(server.port(), "implicit"));
  auto side = server.accept();
  ASSERT_TRUE(side.accept_tls(tls_.get()));
  SSL_shutdown(side.ssl());
  const auto end = consumer_.wait_for_end();
  ASSERT_TRUE(end);
  EXPECT_EQ(end->kind, ended);
}

TEST_F(Stream, DeliversWhatWasSaidBeforeAPeerThatReadsNoMore) {
  server_socket server;
  std::promise<void> gone;
  when(connected, [&](const tocsin_stream_event& event) {
    gone.get_future().wait();
    service_->write(event.stream, "EHLO\r\n");
  });
  connect(settings(server.port(), "off"));
  {
    auto side = server.accept();
    side.send("421 shutting down\r\n");
  }
  gone.set_value();
  ASSERT_TRUE(consumer_.wait_for_end());
  EXPECT_EQ(consumer_.wait_for_data(19), "421 shutting down\r\n");
}

TEST_F(Stream, SendsEverythingBeforeItCloses) {
  for (const char* mode : {"off", "implicit"}) {
    server_socket server;
    consumer each;
    const std::string large(4u << 20, 'z');
    each.on_event = [&](const tocsin_stream_event& event) {
      if (event.kind != connected) return;
      service_->write(event.stream, large);
      service_->close(event.stream);
      service_->write(event.stream, "ignored");
    };
    connect(each, settings(server.port(), mode));
    auto side = server.accept();
    const bool secure = std::string_view(mode) == "implicit";
    if (secure) {
      ASSERT_TRUE(side.accept_tls(tls_.get()));
    }
    EXPECT_EQ(side.receive_all(), large);
    EXPECT_EQ(side.ended_with_close_notify(), secure);
    const auto end = each.wait_for_end();
    ASSERT_TRUE(end);
    EXPECT_EQ(end->kind, ended);
  }
}

TEST_F(Stream, DeliversNothingAfterClose) {
  server_socket server;
  std::promise<void> sent;
  when(connected, [&](const tocsin_stream_event& event) {
    service_->close(event.stream);
    sent.get_future().wait();
  });
  connect(settings(server.port(), "off"));
  auto side = server.accept();
  side.send("too late");
  sent.set_value();
  ASSERT_TRUE(consumer_.wait_for_end());
  EXPECT_EQ(consumer_.count(TOCSIN_STREAM_DATA), 0u);
}

TEST_F(Stream, ClosesInTimeWhenThePeerTakesNothing) {
  start({.close_limit = std::chrono::milliseconds(20)});
  server_socket server;
  when(connected, [&](const tocsin_stream_event& event) {
    service_->write(event.stream, std::string(16u << 20, 'x'));
    service_->close(event.stream);
  });
  connect(settings(server.port(), "off"));
  auto side = server.accept();
  const auto end = consumer_.wait_for_end();
  ASSERT_TRUE(end);
  EXPECT_EQ(end->kind, ended);
}

TEST_F(Stream, ClosesAtAnyStageOfTheWayUp) {
  start({.make_resolver = resolving_to(addresses({"127.0.0.1"}))});
  for (const char* stage : {"dns", "tcp", "tls", "certificate", "revocation"}) {
    server_socket server;
    consumer each;
    each.on_event = [&](const tocsin_stream_event& event) {
      if (event.kind != TOCSIN_STREAM_STAGE) return;
      if (std::string_view(event.stage.data, event.stage.size) == stage) service_->close(event.stream);
    };
    connect(each, settings(server.port(), "implicit", "mail.example.org"));
    if (std::string_view(stage) != "dns") {
      auto side = server.accept();
      side.accept_tls(tls_.get());
    }
    const auto end = each.wait_for_end();
    ASSERT_TRUE(end) << stage;
    EXPECT_EQ(end->kind, ended) << stage;
    EXPECT_EQ(each.stages().back(), stage);
    EXPECT_EQ(each.count(connected), 0u);
  }
}

TEST_F(Stream, IgnoresCallsInAndAfterItsLastEvent) {
  server_socket server;
  consumer_.on_event = [&](const tocsin_stream_event& event) {
    if (event.kind != ended) return;
    service_->write(event.stream, "x");
    service_->secure(event.stream);
    service_->set_deadline(event.stream, 1);
    service_->close(event.stream);
    service_->wake(event.stream);
  };
  const tocsin_token stream = connect(settings(server.port(), "off"));
  server.accept();
  ASSERT_TRUE(consumer_.wait_for_end());
  service_->wake(stream);
  consumer another;
  connect(another, settings(server.port(), "off"));
  auto side = server.accept();
  side.close();
  ASSERT_TRUE(another.wait_for_end());
  EXPECT_EQ(another.count(TOCSIN_STREAM_WOKEN), 0u) << "a late token wakes nobody else";
}

TEST_F(Stream, StopEndsEveryStreamAndGivesItsLastEvent) {
  start({.loops = 3, .make_resolver = resolving_to(std::nullopt)});
  server_socket server;
  server_socket silent("127.0.0.1", 0, 0);
  silent.fill_up();
  consumer looking_up;
  consumer dialing;
  consumer shaking_hands;
  consumer open;
  connect(looking_up, settings(587, "starttls", "mail.example.org"));
  connect(dialing, settings(silent.port(), "off"));
  connect(shaking_hands, settings(server.port(), "implicit"));
  auto hand = server.accept();
  connect(open, settings(server.port(), "off"));
  auto side = server.accept();
  ASSERT_TRUE(open.wait_for(connected));
  service_->stop();
  for (const consumer* each : {&looking_up, &dialing, &shaking_hands, &open}) {
    ASSERT_FALSE(each->events().empty());
    EXPECT_EQ(each->events().back().kind, ended);
    EXPECT_FALSE(each->came_after_the_end());
  }
}

TEST_F(Stream, StopsWhileManyStreamsComeAndGo) {
  start({.loops = 3});
  server_socket server("127.0.0.1", 0, 128);
  const auto target = service_->open_target(settings(server.port(), "off"));
  std::vector<std::unique_ptr<consumer>> consumers;
  for (int at = 0; at < 60; ++at) consumers.push_back(std::make_unique<consumer>());
  std::vector<int> begun(consumers.size(), 0);
  std::thread connecting([&] {
    for (std::size_t at = 0; at < consumers.size(); ++at) {
      tocsin_token stream{};
      if (service_->connect(*target, consumers[at]->handler(), consumers[at].get(), &stream) == TOCSIN_OK)
        begun[at] = 1;
      service_->wake(stream);
    }
  });
  consumers[0]->wait_for(connected);
  service_->stop();
  connecting.join();
  for (std::size_t at = 0; at < consumers.size(); ++at) {
    const auto events = consumers[at]->events();
    EXPECT_EQ(events.empty(), begun[at] == 0) << at;
    if (!events.empty()) {
      EXPECT_EQ(events.back().kind, ended);
    }
  }
}

TEST_F(Stream, StartsAgainAfterStop) {
  service_->stop();
  service_->start();
  server_socket server;
  connect(settings(server.port(), "off"));
  server.accept();
  EXPECT_TRUE(consumer_.wait_for(connected));
}

TEST_F(Stream, RefusesTargetsThatAreNoneAndTakesNothingWhenStopped) {
  const auto target = service_->open_target(settings(587, "off"));
  tocsin_token stream{};
  EXPECT_EQ(service_->connect({99, 1}, consumer_.handler(), &consumer_, &stream), TOCSIN_INVALID);
  EXPECT_EQ(service_->connect({target->index, 2}, consumer_.handler(), &consumer_, &stream), TOCSIN_INVALID);
  service_->stop();
  const auto late = service_->open_target(settings(587, "off"));
  EXPECT_EQ(service_->connect(*late, consumer_.handler(), &consumer_, &stream), TOCSIN_UNAVAILABLE);
}

TEST_F(Stream, SaysWhatIsWrongWithATarget) {
  const auto target = service_->open_target(R"({"host":"h","port":587,"tls":{"ca_file":"/no/such/file.pem"}})");
  ASSERT_FALSE(target);
  EXPECT_EQ(target.error().detail, "tls.ca_file: /no/such/file.pem cannot be read: No such file or directory");
}

}  // namespace
}  // namespace tocsin::secure_connection::testing
