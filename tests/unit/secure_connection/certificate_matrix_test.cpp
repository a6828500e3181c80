// Every kind of server certificate, shown to the engine in a real handshake, against the code that it must come to.
#include "unit/secure_connection/engine_peer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tocsin::secure_connection::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// A CA that the client trusts, and handshakes with what it issued.
class CertificateMatrix : public ::testing::TestWithParam<int> {
 protected:
  key_pair authority_ = make_authority("Test CA");

  peer_options at_this_version() const {
    peer_options options;
    options.minimum_version = options.maximum_version = GetParam();
    return options;
  }

  // The engine's failure, or code OK.
  failure outcome(const key_pair& server, const std::function<void(stream_settings&)>& change = {},
                  peer_options options = {}) {
    options.minimum_version = options.maximum_version = GetParam();
    const auto server_context = make_server_context(server, options);
    engine_peer peer(server_context.get());
    const auto engine = make_engine(make_client_context(authority_.certificate_pem(), change));
    if (run_handshake(*engine, peer) == tls_state::established) return failure{"", "OK", ""};
    return engine->fault();
  }
  failure outcome_of(const certificate_spec& spec) { return outcome(make_certificate(spec, &authority_)); }
};

INSTANTIATE_TEST_SUITE_P(Versions, CertificateMatrix, ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& version) { return version.param == TLS1_2_VERSION ? "Tls12" : "Tls13"; });

TEST_P(CertificateMatrix, AcceptsAGoodCertificate) { EXPECT_EQ(outcome_of({}).code, "OK"); }

TEST_P(CertificateMatrix, RefusesAnExpiredCertificateAndNamesTheDay) {
  certificate_spec spec;
  spec.valid_from_s = -7 * 86400;
  spec.valid_until_s = -86400;
  const failure why = outcome_of(spec);
  EXPECT_EQ(why.code, "CERT_EXPIRED");
  EXPECT_EQ(why.stage, "certificate");
  EXPECT_THAT(why.detail, AllOf(HasSubstr("CN=mail.example.org"), HasSubstr("CN=Test CA"), HasSubstr("expired at 20")));
}

TEST_P(CertificateMatrix, RefusesACertificateOfTomorrow) {
  certificate_spec spec;
  spec.valid_from_s = 86400;
  spec.valid_until_s = 2 * 86400;
  EXPECT_EQ(outcome_of(spec).code, "CERT_NOT_YET_VALID");
}

TEST_P(CertificateMatrix, RefusesASelfSignedLeaf) {
  const failure why = outcome(make_certificate({}, nullptr));
  EXPECT_EQ(why.code, "CERT_SELF_SIGNED");
  EXPECT_THAT(why.detail, HasSubstr("ca.pem"));
}

TEST_P(CertificateMatrix, AcceptsASelfSignedLeafThatIsTheGivenAnchor) {
  authority_ = make_certificate({}, nullptr);
  EXPECT_EQ(outcome(authority_).code, "OK");
}

TEST_P(CertificateMatrix, AcceptsAnIntermediateAsTheGivenAnchor) {
  const key_pair root = make_authority("Some root");
  authority_ = make_authority("Some intermediate", &root);
  EXPECT_EQ(outcome_of({}).code, "OK");
}

TEST_P(CertificateMatrix, RefusesAnUnknownIssuer) {
  const key_pair stranger = make_authority("Stranger CA");
  const failure why = outcome(make_certificate({}, &stranger));
  EXPECT_EQ(why.code, "CERT_UNKNOWN_ISSUER");
  EXPECT_THAT(why.detail, HasSubstr("CN=Stranger CA"));
}

TEST_P(CertificateMatrix, RefusesAnUnknownRootThatIsSentAlong) {
  const key_pair stranger = make_authority("Stranger CA");
  peer_options options;
  options.chain = {&stranger};
  EXPECT_EQ(outcome(make_certificate({}, &stranger), {}, options).code, "CERT_UNKNOWN_ISSUER");
}

TEST_P(CertificateMatrix, RefusesACaOfTheSameNameWithAnotherKey) {
  const key_pair impostor = make_authority("Test CA");
  EXPECT_EQ(outcome(make_certificate({}, &impostor)).code, "CERT_UNKNOWN_ISSUER");
}

TEST_P(CertificateMatrix, FindsTheIntermediateThatTheServerSends) {
  const key_pair intermediate = make_authority("Intermediate", &authority_);
  peer_options options;
  options.chain = {&intermediate};
  EXPECT_EQ(outcome(make_certificate({}, &intermediate), {}, options).code, "OK");
  EXPECT_EQ(outcome(make_certificate({}, &intermediate)).code, "CERT_UNKNOWN_ISSUER") << "it was not sent";
}

TEST_P(CertificateMatrix, RefusesAnExpiredIntermediate) {
  certificate_spec spec;
  spec.common_name = "Old intermediate";
  spec.basic_constraints = "critical,CA:TRUE";
  spec.key_usage = "critical,keyCertSign";
  spec.extended_key_usage.clear();
  spec.valid_from_s = -7 * 86400;
  spec.valid_until_s = -86400;
  const key_pair intermediate = make_certificate(spec, &authority_);
  peer_options options;
  options.chain = {&intermediate};
  const failure why = outcome(make_certificate({}, &intermediate), {}, options);
  EXPECT_EQ(why.code, "CERT_EXPIRED");
  EXPECT_THAT(why.detail, AllOf(StartsWith("the certificate of an issuer"), HasSubstr("CN=Old intermediate")));
}

TEST_P(CertificateMatrix, RefusesAnotherName) {
  certificate_spec spec;
  spec.alternative_names = "DNS:www.example.org,DNS:example.org";
  const failure why = outcome_of(spec);
  EXPECT_EQ(why.code, "CERT_NAME_MISMATCH");
  EXPECT_THAT(why.detail, AllOf(HasSubstr("www.example.org, example.org"), HasSubstr("expected mail.example.org")));
}

TEST_P(CertificateMatrix, RefusesANameThatIsTheCommonNameOnly) {
  certificate_spec spec;
  spec.alternative_names.clear();
  const failure why = outcome_of(spec);
  EXPECT_EQ(why.code, "CERT_NAME_MISMATCH");
  EXPECT_THAT(why.detail, HasSubstr("no subject alternative name"));
}

TEST_P(CertificateMatrix, TakesAWildcardForOneLabelOnly) {
  certificate_spec spec;
  spec.alternative_names = "DNS:*.example.org";
  EXPECT_EQ(outcome_of(spec).code, "OK");
  const key_pair server = make_certificate(spec, &authority_);
  EXPECT_EQ(outcome(server, [](auto& s) { s.host = "a.mail.example.org"; }).code, "CERT_NAME_MISMATCH");
  EXPECT_EQ(outcome(server, [](auto& s) { s.host = "example.org"; }).code, "CERT_NAME_MISMATCH");
  spec.alternative_names = "DNS:m*.example.org";
  EXPECT_EQ(outcome_of(spec).code, "CERT_NAME_MISMATCH") << "part of a label";
  spec.alternative_names = "DNS:mail.*.org";
  EXPECT_EQ(outcome_of(spec).code, "CERT_NAME_MISMATCH") << "not the left-most label";
}

TEST_P(CertificateMatrix, MatchesAnAddressWithAnAddressEntryOnly) {
  certificate_spec spec;
  spec.alternative_names = "IP:192.0.2.7,IP:2001:db8::7";
  const key_pair server = make_certificate(spec, &authority_);
  EXPECT_EQ(outcome(server, [](auto& s) { s.host = "192.0.2.7"; }).code, "OK");
  EXPECT_EQ(outcome(server, [](auto& s) { s.host = "2001:db8:0:0::7"; }).code, "OK");
  EXPECT_EQ(outcome(server, [](auto& s) { s.host = "192.0.2.8"; }).code, "CERT_NAME_MISMATCH");
  spec.alternative_names = "DNS:192.0.2.7";
  EXPECT_EQ(outcome(make_certificate(spec, &authority_), [](auto& s) { s.host = "192.0.2.7"; }).code,
            "CERT_NAME_MISMATCH");
}

TEST_P(CertificateMatrix, MatchesAnInternationalNameByItsALabels) {
  certificate_spec spec;
  spec.alternative_names = "DNS:post.xn--bcher-kva.example";
  const key_pair server = make_certificate(spec, &authority_);
  EXPECT_EQ(outcome(server, [](auto& s) { s.host = *canonical_host("post.BÜCHER.example"); }).code, "OK");
}

TEST_P(CertificateMatrix, ChecksTheServerNameSettingInsteadOfTheHost) {
  const key_pair server = make_certificate({}, &authority_);
  const auto as_address = [](auto& s) { s.host = "192.0.2.7"; };
  const auto with_name = [](auto& s) {
    s.host = "192.0.2.7";
    s.tls.server_name = "mail.example.org";
  };
  EXPECT_EQ(outcome(server, as_address).code, "CERT_NAME_MISMATCH");
  EXPECT_EQ(outcome(server, with_name).code, "OK");
}

TEST_P(CertificateMatrix, RefusesACertificateForClients) {
  certificate_spec spec;
  spec.extended_key_usage = "clientAuth";
  EXPECT_EQ(outcome_of(spec).code, "CERT_UNSUITABLE");
}

TEST_P(CertificateMatrix, RefusesAnIssuerThatIsNoCa) {
  certificate_spec spec;
  spec.common_name = "Not a CA";
  const key_pair leaf_as_issuer = make_certificate(spec, &authority_);
  peer_options options;
  options.chain = {&leaf_as_issuer};
  const failure why = outcome(make_certificate({}, &leaf_as_issuer), {}, options);
  EXPECT_EQ(why.code, "CERT_UNSUITABLE") << why.detail;
}

TEST_P(CertificateMatrix, RefusesAWeakKey) {
  certificate_spec spec;
  spec.rsa_bits = 1024;
  const failure why = outcome_of(spec);
  EXPECT_EQ(why.code, "CERT_UNSUITABLE");
  EXPECT_THAT(why.detail, HasSubstr("key too weak"));
}

TEST_P(CertificateMatrix, RefusesAWeakHash) {
  certificate_spec spec;
  spec.md_sha1 = true;
  EXPECT_EQ(outcome_of(spec).code, "CERT_UNSUITABLE");
}

TEST_P(CertificateMatrix, RefusesANameOutsideOfTheIssuersConstraints) {
  certificate_spec spec;
  spec.common_name = "Constrained";
  spec.alternative_names.clear();
  spec.basic_constraints = "critical,CA:TRUE";
  spec.key_usage = "critical,keyCertSign";
  spec.extended_key_usage.clear();
  spec.name_constraints = "critical,permitted;DNS:example.com";
  const key_pair constrained = make_certificate(spec, &authority_);
  peer_options options;
  options.chain = {&constrained};
  EXPECT_EQ(outcome(make_certificate({}, &constrained), {}, options).code, "CERT_UNSUITABLE");
}

TEST_P(CertificateMatrix, ComparesPinsBesideTheCaCheck) {
  const key_pair server = make_certificate({}, &authority_);
  const auto with_pin = [](const key_pair& pinned) {
    return [&pinned](stream_settings& s) { s.tls.pins = {*key_pin(pinned.certificate.get())}; };
  };
  EXPECT_EQ(outcome(server, with_pin(server)).code, "OK");
  EXPECT_EQ(outcome(server, with_pin(authority_)).code, "OK") << "the issuer's key";
  const key_pair other = make_certificate({}, &authority_);
  const failure why = outcome(server, with_pin(other));
  EXPECT_EQ(why.code, "CERT_PIN_MISMATCH");
  EXPECT_THAT(why.detail, HasSubstr(base64(*key_pin(server.certificate.get()))));
  certificate_spec spec;
  spec.alternative_names = "DNS:www.example.org";
  const key_pair misnamed = make_certificate(spec, &authority_);
  EXPECT_EQ(outcome(misnamed, with_pin(misnamed)).code, "CERT_NAME_MISMATCH") << "a pin replaces nothing";
}

TEST_P(CertificateMatrix, TrustsThePinAloneWithPinOnly) {
  certificate_spec spec;
  spec.alternative_names.clear();
  spec.valid_until_s = -60;
  const key_pair server = make_certificate(spec, nullptr);
  const auto pin_only = [](const key_pair& pinned) {
    return [&pinned](stream_settings& s) {
      s.tls.pins = {*key_pin(pinned.certificate.get())};
      s.tls.pin_only = true;
    };
  };
  EXPECT_EQ(outcome(server, pin_only(server)).code, "OK");
  EXPECT_EQ(outcome(make_certificate({}, &authority_), pin_only(server)).code, "CERT_PIN_MISMATCH");
}

TEST_P(CertificateMatrix, TellsTheServerWhyItWentAway) {
  const key_pair stranger = make_authority("Stranger CA");
  const key_pair server = make_certificate({}, &stranger);
  const auto context = make_server_context(server, at_this_version());
  engine_peer peer(context.get());
  const auto engine = make_engine(make_client_context(authority_.certificate_pem()));
  ASSERT_EQ(run_handshake(*engine, peer), tls_state::failed);
  // In TLS 1.2 the alert is in clear: 21 (alert), 3.3, 2 bytes, fatal, 48 (unknown CA).
  ASSERT_GE(engine->output().size(), 7u);
  if (GetParam() == TLS1_2_VERSION) {
    EXPECT_EQ(engine->output().substr(0, 7), std::string("\x15\x03\x03\x00\x02\x02\x30", 7));
  }
}

}  // namespace
}  // namespace tocsin::secure_connection::testing
