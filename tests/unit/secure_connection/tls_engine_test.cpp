// The engine against an OpenSSL server over memory: what is no certificate's matter.
#include "unit/secure_connection/engine_peer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <openssl/ssl.h>

namespace tocsin::secure_connection::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class TlsEngine : public ::testing::Test {
 protected:
  key_pair authority_ = make_authority("Test CA");
  key_pair server_ = make_certificate({}, &authority_);
  std::shared_ptr<tls_context> client_ = make_client_context(authority_.certificate_pem());

  static peer_options version(int which) {
    peer_options options;
    options.minimum_version = options.maximum_version = which;
    return options;
  }
  // A whole connection, its tickets read; true: it was resumed.
  static bool connect_once(const std::shared_ptr<tls_context>& client, SSL_CTX* server) {
    engine_peer peer(server);
    const auto engine = make_engine(client);
    EXPECT_EQ(run_handshake(*engine, peer), tls_state::established) << engine->fault().detail;
    engine->feed(bytes_of(peer.write("220 ready\r\n")));
    EXPECT_EQ(read_all(*engine), "220 ready\r\n");
    return engine->resumed();
  }
};

TEST_F(TlsEngine, CarriesBytesBothWays) {
  const auto context = make_server_context(server_);
  engine_peer peer(context.get());
  const auto engine = make_engine(client_);
  ASSERT_EQ(run_handshake(*engine, peer), tls_state::established);
  const std::string large(100'000, 'x');
  ASSERT_TRUE(engine->write(large));
  peer.exchange(std::exchange(engine->output(), {}));
  EXPECT_EQ(peer.received(), large);
  engine->feed(bytes_of(peer.write("250 ok\r\n")));
  EXPECT_EQ(read_all(*engine), "250 ok\r\n");
}

TEST_F(TlsEngine, ReportsItsStagesInOrder) {
  const auto context = make_server_context(server_);
  engine_peer peer(context.get());
  const auto engine = make_engine(client_);
  ASSERT_EQ(run_handshake(*engine, peer), tls_state::established);
  EXPECT_THAT(engine->take_stages(),
              ElementsAre(Field(&passed_stage::stage, "tls"), Field(&passed_stage::stage, "certificate"),
                          Field(&passed_stage::stage, "revocation")));
  EXPECT_EQ(engine->protocol(), "TLSv1.3");
}

TEST_F(TlsEngine, ReportsTheTlsStageBeforeABadCertificate) {
  certificate_spec spec;
  spec.alternative_names = "DNS:other.example.org";
  const key_pair other = make_certificate(spec, &authority_);
  const auto context = make_server_context(other);
  engine_peer peer(context.get());
  const auto engine = make_engine(client_);
  ASSERT_EQ(run_handshake(*engine, peer), tls_state::failed);
  const auto stages = engine->take_stages();
  ASSERT_THAT(stages, ElementsAre(Field(&passed_stage::stage, "tls")));
  EXPECT_THAT(stages[0].detail, StartsWith("TLSv1.3, TLS_"));
}

TEST_F(TlsEngine, SendsTheNameThatItExpects) {
  const auto context = make_server_context(server_);
  engine_peer peer(context.get());
  const auto engine = make_engine(client_);
  ASSERT_EQ(run_handshake(*engine, peer), tls_state::established);
  EXPECT_STREQ(SSL_get_servername(peer.get(), TLSEXT_NAMETYPE_host_name), "mail.example.org");
}

TEST_F(TlsEngine, SendsNoNameForAnAddress) {
  certificate_spec spec;
  spec.alternative_names = "IP:192.0.2.7";
  const key_pair server = make_certificate(spec, &authority_);
  const auto context = make_server_context(server);
  engine_peer peer(context.get());
  const auto engine =
      make_engine(make_client_context(authority_.certificate_pem(), [](stream_settings& s) { s.host = "192.0.2.7"; }));
  ASSERT_EQ(run_handshake(*engine, peer), tls_state::established);
  EXPECT_EQ(SSL_get_servername(peer.get(), TLSEXT_NAMETYPE_host_name), nullptr);
}

TEST_F(TlsEngine, RefusesOldVersions) {
  for (const int old : {TLS1_VERSION, TLS1_1_VERSION}) {
    const auto context = make_server_context(server_, version(old));
    engine_peer peer(context.get());
    const auto engine = make_engine(client_);
    ASSERT_EQ(run_handshake(*engine, peer), tls_state::failed);
    EXPECT_EQ(engine->fault().code, "TLS_VERSION_UNSUPPORTED") << engine->fault().detail;
    EXPECT_EQ(engine->fault().stage, "tls");
  }
}

TEST_F(TlsEngine, RefusesTls12WhereTheMinimumIs13) {
  const auto client = make_client_context(authority_.certificate_pem(),
                                          [](stream_settings& s) { s.tls.minimum_version = TLS1_3_VERSION; });
  const auto context = make_server_context(server_, version(TLS1_2_VERSION));
  engine_peer peer(context.get());
  const auto engine = make_engine(client);
  ASSERT_EQ(run_handshake(*engine, peer), tls_state::failed);
  EXPECT_EQ(engine->fault().code, "TLS_VERSION_UNSUPPORTED") << engine->fault().detail;
  EXPECT_THAT(engine->fault().detail, HasSubstr("from 1.3 on"));
}

TEST_F(TlsEngine, TellsAPlaintextPeer) {
  for (const char* words : {"220 mail.example.org ESMTP\r\n", "HTTP/1.1 400 Bad Request\r\n\r\n", "\x16 is chance"}) {
    const auto engine = make_engine(client_);
    engine->handshake();
    engine->feed(bytes_of(words));
    EXPECT_EQ(engine->handshake(), tls_state::failed);
    EXPECT_EQ(engine->fault().code, "TLS_NOT_SPOKEN");
  }
}

TEST_F(TlsEngine, ShowsThePeersWordsOnOneLine) {
  const auto engine = make_engine(client_);
  engine->handshake();
  engine->feed(bytes_of("220 x\r\nforged\x1b[2J line"));
  engine->handshake();
  EXPECT_THAT(engine->fault().detail, HasSubstr("220 x\\r\\nforged\\x1b[2J line"));
}

TEST_F(TlsEngine, FailsWhereverTheHandshakeIsCutOff) {
  for (const int which : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const auto context = make_server_context(server_, version(which));
    const auto probe = make_engine(client_);
    engine_peer probe_peer(context.get());
    probe->handshake();
    const std::size_t flight = probe_peer.exchange(probe->output()).size();
    ASSERT_GT(flight, 300u);
    for (std::size_t cut = 0; cut < flight; ++cut) {
      engine_peer peer(context.get());
      const auto engine = make_engine(client_);
      engine->handshake();
      const std::string answer = peer.exchange(engine->output());
      // Signatures differ in length; the last byte must stay away for the cut to be one.
      engine->feed(bytes_of(std::string_view(answer).substr(0, std::min(cut, answer.size() - 1))));
      engine->handshake();
      engine->feed_end();
      ASSERT_EQ(engine->handshake(), tls_state::failed) << "cut at " << cut;
      ASSERT_EQ(engine->fault().code, "TLS_HANDSHAKE_FAILED") << "cut at " << cut << ": " << engine->fault().detail;
    }
  }
}

// The places of a flight that TLS protects: not a record's minor version, which nobody may look at (RFC 8446, 5.1), nor
// the change_cipher_spec that TLS 1.3 sends for show.
std::vector<std::size_t> protected_places(std::string_view flight) {
  constexpr std::size_t header = 5;
  constexpr char change_cipher_spec = 0x14;
  std::vector<std::size_t> places;
  for (std::size_t at = 0; at + header <= flight.size();) {
    const auto high = static_cast<unsigned char>(flight[at + 3]);
    const auto low = static_cast<unsigned char>(flight[at + 4]);
    const std::size_t end = at + header + (static_cast<std::size_t>(high) << 8 | low);
    for (std::size_t place = at; place < end && flight[at] != change_cipher_spec; ++place) {
      if (place != at + 2) places.push_back(place);
    }
    at = end;
  }
  return places;
}

TEST_F(TlsEngine, NeverEstablishesWithAByteOfTheServersChanged) {
  for (const int which : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const auto context = make_server_context(server_, version(which));
    for (std::size_t turn = 0; turn < 150; ++turn) {
      engine_peer peer(context.get());
      const auto engine = make_engine(client_);
      engine->handshake();
      std::string answer = peer.exchange(std::exchange(engine->output(), {}));
      const auto places = protected_places(answer);
      const std::size_t changed = places[turn * 7 % places.size()];
      answer[changed] ^= 0x20;
      engine->feed(bytes_of(answer));
      engine->handshake();
      engine->feed(bytes_of(peer.exchange(std::exchange(engine->output(), {}))));
      ASSERT_NE(engine->handshake(), tls_state::established) << "byte " << changed;
    }
  }
}

TEST_F(TlsEngine, TakesAHandshakeByteByByte) {
  const auto context = make_server_context(server_);
  engine_peer peer(context.get());
  const auto engine = make_engine(client_);
  engine->handshake();
  const std::string answer = peer.exchange(std::exchange(engine->output(), {}));
  for (const char byte : answer) {
    engine->feed(bytes_of({&byte, 1}));
    ASSERT_NE(engine->handshake(), tls_state::failed) << engine->fault().detail;
  }
  EXPECT_EQ(engine->state(), tls_state::established);
}

TEST_F(TlsEngine, PassesOnTheServersAlert) {
  const auto context = make_server_context(server_);
  SSL_CTX_set_ciphersuites(context.get(), "TLS_AES_128_GCM_SHA256");
  SSL_CTX_set_max_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(context.get(), "ECDHE-RSA-AES128-GCM-SHA256");  // its key is EC
  engine_peer peer(context.get());
  const auto engine = make_engine(client_);
  ASSERT_EQ(run_handshake(*engine, peer), tls_state::failed);
  EXPECT_EQ(engine->fault().code, "TLS_HANDSHAKE_FAILED");
  EXPECT_THAT(engine->fault().detail, HasSubstr("alert handshake failure"));
}

TEST_F(TlsEngine, ResumesWithinATarget) {
  for (const int which : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const auto client = make_client_context(authority_.certificate_pem());
    const auto server = make_server_context(server_, version(which));
    EXPECT_FALSE(connect_once(client, server.get()));
    EXPECT_TRUE(connect_once(client, server.get())) << which;
    EXPECT_TRUE(connect_once(client, server.get())) << which;
  }
}

TEST_F(TlsEngine, DoesNotResumeInAnotherTarget) {
  const auto server = make_server_context(server_);
  EXPECT_FALSE(connect_once(client_, server.get()));
  EXPECT_FALSE(connect_once(make_client_context(authority_.certificate_pem()), server.get()));
}

TEST_F(TlsEngine, DoesNotResumeAnHourAfterTheCertificateWasChecked) {
  const auto server = make_server_context(server_);
  connect_once(client_, server.get());
  const auto now = static_cast<std::int64_t>(std::time(nullptr));
  EXPECT_FALSE(client_->take_session(now + 3601));
  connect_once(client_, server.get());
  EXPECT_TRUE(client_->take_session(now + 3000));
}

TEST_F(TlsEngine, KnowsTheCertificateOfAResumedSession) {
  const auto server = make_server_context(server_);
  connect_once(client_, server.get());
  engine_peer peer(server.get());
  const auto engine = make_engine(client_);
  ASSERT_EQ(run_handshake(*engine, peer), tls_state::established);
  ASSERT_TRUE(engine->resumed());
  ASSERT_NE(engine->peer_certificate(), nullptr);
  EXPECT_THAT(facts_of(engine->peer_certificate()).names, ElementsAre("mail.example.org"));
}

TEST_F(TlsEngine, ChecksTheDatesOfAResumedSessionsCertificate) {
  certificate_spec spec;
  spec.valid_from_s = -3600;
  spec.valid_until_s = -60;
  const key_pair expired = make_certificate(spec, &authority_);
  const auto why = judge_dates(expired.certificate.get());
  ASSERT_TRUE(why);
  EXPECT_EQ(why->code, "CERT_EXPIRED");
  EXPECT_FALSE(judge_dates(server_.certificate.get()));
}

TEST_F(TlsEngine, ForgetsTheSessionsOfARefusedServer) {
  const auto strict = make_client_context(authority_.certificate_pem(),
                                          [](stream_settings& s) { s.tls.revocation = revocation_policy::hard; });
  const auto server = make_server_context(server_, version(TLS1_2_VERSION));
  engine_peer peer(server.get());
  const auto engine = make_engine(strict);
  ASSERT_EQ(run_handshake(*engine, peer), tls_state::failed);
  EXPECT_EQ(engine->fault().code, "REVOCATION_UNKNOWN");
  EXPECT_FALSE(strict->take_session(static_cast<std::int64_t>(std::time(nullptr))));
}

TEST_F(TlsEngine, TellsAnOrderlyEndFromACutOff) {
  const auto context = make_server_context(server_);
  engine_peer peer(context.get());
  const auto orderly = make_engine(client_);
  ASSERT_EQ(run_handshake(*orderly, peer), tls_state::established);
  orderly->feed(bytes_of(peer.shut_down()));
  EXPECT_EQ(read_all(*orderly), "");
  EXPECT_EQ(orderly->state(), tls_state::closed);

  engine_peer second(context.get());
  const auto cut_off = make_engine(client_);
  ASSERT_EQ(run_handshake(*cut_off, second), tls_state::established);
  cut_off->feed_end();
  EXPECT_EQ(read_all(*cut_off), "");
  EXPECT_EQ(cut_off->state(), tls_state::failed);
  EXPECT_EQ(cut_off->fault().code, "SERVER_CLOSED");
  EXPECT_THAT(cut_off->fault().detail, HasSubstr("close_notify"));
}

TEST_F(TlsEngine, RefusesRenegotiation) {
  const auto context = make_server_context(server_, version(TLS1_2_VERSION));
  engine_peer peer(context.get());
  const auto engine = make_engine(client_);
  ASSERT_EQ(run_handshake(*engine, peer), tls_state::established);
  ASSERT_EQ(SSL_renegotiate(peer.get()), 1);
  SSL_do_handshake(peer.get());
  engine->feed(bytes_of(peer.exchange("")));
  EXPECT_EQ(read_all(*engine), "");
  EXPECT_FALSE(engine->output().empty()) << "the alert no_renegotiation";
  EXPECT_EQ(engine->state(), tls_state::established);
}

TEST_F(TlsEngine, BindsTheChannelAsTheServerSeesIt) {
  const auto context = make_server_context(server_);
  engine_peer peer(context.get());
  const auto engine = make_engine(client_);
  ASSERT_EQ(run_handshake(*engine, peer), tls_state::established);
  std::string theirs(32, '\0');
  ASSERT_EQ(SSL_export_keying_material(peer.get(), reinterpret_cast<unsigned char*>(theirs.data()), theirs.size(),
                                       "EXPORTER-Channel-Binding", 24, nullptr, 0, 0),
            1);
  EXPECT_EQ(engine->channel_binding("tls-exporter"), theirs);
  const auto end_point = engine->channel_binding("tls-server-end-point");
  ASSERT_TRUE(end_point);
  EXPECT_EQ(end_point->size(), 32u);
  EXPECT_FALSE(engine->channel_binding("tls-unique"));
}

TEST_F(TlsEngine, ShowsItsClientCertificate) {
  certificate_spec spec;
  spec.common_name = "tocsin client";
  spec.extended_key_usage = "clientAuth";
  const key_pair identity = make_certificate(spec, &authority_);
  const auto client = make_client_context(authority_.certificate_pem(), [&](stream_settings& s) {
    s.tls.client_certificate = {"client.pem", identity.certificate_pem()};
    s.tls.client_key = {"client.key", identity.key_pem()};
  });
  peer_options options;
  options.asks_for_certificate = true;
  const auto context = make_server_context(server_, options);
  SSL_CTX_set_cert_verify_callback(
      context.get(), [](X509_STORE_CTX*, void*) { return 1; }, nullptr);
  engine_peer peer(context.get());
  const auto engine = make_engine(client);
  ASSERT_EQ(run_handshake(*engine, peer), tls_state::established);
  ASSERT_NE(SSL_get0_peer_certificate(peer.get()), nullptr);
  EXPECT_EQ(facts_of(SSL_get0_peer_certificate(peer.get())).subject, "CN=tocsin client");
}

TEST_F(TlsEngine, SaysThatTheServerAskedForACertificate) {
  peer_options options = version(TLS1_3_VERSION);
  options.asks_for_certificate = true;
  const auto context = make_server_context(server_, options);
  engine_peer peer(context.get());
  const auto engine = make_engine(client_);
  run_handshake(*engine, peer);
  read_all(*engine);
  EXPECT_EQ(engine->state(), tls_state::failed);
  EXPECT_EQ(engine->fault().code, "TLS_HANDSHAKE_FAILED");
  EXPECT_THAT(engine->fault().detail, HasSubstr("tls.client_certificate"));
}

}  // namespace
}  // namespace tocsin::secure_connection::testing
