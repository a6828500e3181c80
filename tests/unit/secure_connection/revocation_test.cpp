// Stapled OCSP answers and local CRLs against the policies.
#include "plugins/services/secure_connection/revocation.hpp"
#include "unit/secure_connection/engine_peer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>

namespace tocsin::secure_connection::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// leaf <- intermediate <- root.
class Revocation : public ::testing::Test {
 protected:
  key_pair root_ = make_authority("Root");
  key_pair intermediate_ = make_authority("Intermediate", &root_);
  key_pair leaf_ = make_certificate({}, &intermediate_);
  std::string staple_;
  std::string crls_;  // PEM

  revocation_verdict judge(revocation_policy policy) {
    const std::vector<X509*> chain = {leaf_.certificate.get(), intermediate_.certificate.get(),
                                      root_.certificate.get()};
    const auto crls = crls_of_file(crls_);
    revocation_input input;
    input.policy = policy;
    input.chain = chain;
    input.staple = bytes_of(staple_);
    input.crls = crls;
    input.now = static_cast<std::int64_t>(std::time(nullptr));
    return judge_revocation(input);
  }
  std::string code(revocation_policy policy) {
    const auto verdict = judge(policy);
    return verdict.refusal ? verdict.refusal->code : "OK";
  }
};

TEST_F(Revocation, SaysUnderSoftWhatWasNotChecked) {
  const auto verdict = judge(revocation_policy::soft);
  EXPECT_FALSE(verdict.refusal);
  EXPECT_THAT(verdict.detail, AllOf(StartsWith("REVOCATION_UNKNOWN"), HasSubstr("CN=mail.example.org"),
                                    HasSubstr("stapled no OCSP answer"), HasSubstr("CN=Intermediate")));
}

TEST_F(Revocation, RefusesTheUnknownUnderHardAlone) {
  EXPECT_EQ(code(revocation_policy::hard), "REVOCATION_UNKNOWN");
  EXPECT_EQ(code(revocation_policy::staple), "OK");
  EXPECT_EQ(code(revocation_policy::soft), "OK");
}

TEST_F(Revocation, AGoodStapleAndACrlForTheIssuerAreEnoughUnderHard) {
  staple_ = make_ocsp_answer(leaf_, intermediate_, intermediate_);
  EXPECT_EQ(code(revocation_policy::hard), "REVOCATION_UNKNOWN") << "the intermediate";
  crls_ = make_crl(root_, {});
  EXPECT_EQ(code(revocation_policy::hard), "OK");
  EXPECT_THAT(judge(revocation_policy::hard).detail, Not(HasSubstr("REVOCATION_UNKNOWN")));
}

TEST_F(Revocation, StapleLooksAtTheStapleAlone) {
  staple_ = make_ocsp_answer(leaf_, intermediate_, intermediate_);
  crls_ = make_crl(root_, {&intermediate_}) + make_crl(intermediate_, {&leaf_});
  EXPECT_EQ(code(revocation_policy::staple), "OK");
  EXPECT_THAT(judge(revocation_policy::staple).detail, Not(HasSubstr("REVOCATION_UNKNOWN")));
}

TEST_F(Revocation, RefusesWhatTheStapleRevokesUnderEveryPolicy) {
  staple_ = make_ocsp_answer(leaf_, intermediate_, intermediate_, {.status = ocsp_status::revoked});
  for (const auto policy : {revocation_policy::staple, revocation_policy::soft, revocation_policy::hard}) {
    EXPECT_EQ(code(policy), "CERT_REVOKED");
  }
  EXPECT_THAT(judge(revocation_policy::soft).detail, HasSubstr("keyCompromise"));
}

TEST_F(Revocation, RefusesWhatALocalCrlLists) {
  crls_ = make_crl(intermediate_, {&leaf_});
  EXPECT_EQ(code(revocation_policy::soft), "CERT_REVOKED");
  crls_ = make_crl(root_, {&intermediate_});
  EXPECT_EQ(code(revocation_policy::soft), "CERT_REVOKED");
}

TEST_F(Revocation, AcceptsAStapleByAnAppointedSigner) {
  certificate_spec spec;
  spec.common_name = "OCSP signer";
  spec.alternative_names.clear();
  spec.extended_key_usage = "OCSPSigning";
  const key_pair signer = make_certificate(spec, &intermediate_);
  staple_ = make_ocsp_answer(leaf_, intermediate_, signer);
  EXPECT_THAT(judge(revocation_policy::staple).detail, Not(HasSubstr("REVOCATION_UNKNOWN")));
}

TEST_F(Revocation, CountsNoStapleBySomebodyElse) {
  certificate_spec spec;
  spec.common_name = "Not appointed";
  const key_pair not_appointed = make_certificate(spec, &intermediate_);
  staple_ = make_ocsp_answer(leaf_, intermediate_, not_appointed);
  EXPECT_THAT(judge(revocation_policy::staple).detail, HasSubstr("not signed for this issuer"));
  staple_ = make_ocsp_answer(leaf_, intermediate_, root_);
  EXPECT_THAT(judge(revocation_policy::staple).detail, StartsWith("REVOCATION_UNKNOWN"));
}

TEST_F(Revocation, CountsNoStapleForAnotherCertificate) {
  const key_pair other = make_certificate({}, &intermediate_);
  staple_ = make_ocsp_answer(other, intermediate_, intermediate_);
  EXPECT_THAT(judge(revocation_policy::staple).detail, HasSubstr("about another certificate"));
}

TEST_F(Revocation, CountsNoStapleOutOfDate) {
  staple_ = make_ocsp_answer(leaf_, intermediate_, intermediate_, {.this_update_s = -7200, .next_update_s = -3600});
  EXPECT_THAT(judge(revocation_policy::staple).detail, HasSubstr("not in date"));
  staple_ = make_ocsp_answer(leaf_, intermediate_, intermediate_, {.this_update_s = 3600, .next_update_s = 7200});
  EXPECT_THAT(judge(revocation_policy::staple).detail, HasSubstr("not in date"));
  staple_ = make_ocsp_answer(leaf_, intermediate_, intermediate_, {.this_update_s = -30 * 86400, .next_update_s = 0});
  EXPECT_THAT(judge(revocation_policy::staple).detail, HasSubstr("not in date"));
}

TEST_F(Revocation, TakesUnknownAsUnknown) {
  staple_ = make_ocsp_answer(leaf_, intermediate_, intermediate_, {.status = ocsp_status::unknown});
  EXPECT_EQ(code(revocation_policy::hard), "REVOCATION_UNKNOWN");
  EXPECT_THAT(judge(revocation_policy::soft).detail, HasSubstr("does not know the certificate"));
}

TEST_F(Revocation, TakesAnUnreadableStapleAsNone) {
  staple_ = "no DER";
  EXPECT_THAT(judge(revocation_policy::staple).detail, HasSubstr("cannot be read"));
}

TEST_F(Revocation, AStaleCrlCountsForNothing) {
  crls_ = make_crl(intermediate_, {&leaf_}, -3600);
  EXPECT_EQ(code(revocation_policy::soft), "OK");
  EXPECT_THAT(judge(revocation_policy::soft).detail, HasSubstr("out of date"));
  EXPECT_EQ(code(revocation_policy::hard), "REVOCATION_UNKNOWN");
}

TEST_F(Revocation, ACrlByAnotherCaOfTheSameNameCountsForNothing) {
  const key_pair impostor = make_authority("Intermediate", &root_);
  crls_ = make_crl(impostor, {});
  EXPECT_THAT(judge(revocation_policy::soft).detail, StartsWith("REVOCATION_UNKNOWN"));
}

TEST_F(Revocation, RefusesAMustStapleCertificateWithoutAGoodStaple) {
  certificate_spec spec;
  spec.must_staple = true;
  leaf_ = make_certificate(spec, &intermediate_);
  crls_ = make_crl(intermediate_, {}) + make_crl(root_, {});
  for (const auto policy : {revocation_policy::staple, revocation_policy::soft, revocation_policy::hard}) {
    EXPECT_EQ(code(policy), "REVOCATION_UNKNOWN");
  }
  staple_ = make_ocsp_answer(leaf_, intermediate_, intermediate_);
  EXPECT_EQ(code(revocation_policy::hard), "OK");
}

TEST_F(Revocation, ReadsCrlsInPemAndDer) {
  const std::string pem = make_crl(root_, {}) + make_crl(intermediate_, {});
  EXPECT_EQ(crls_of_file(pem).size(), 2u);
  const auto one = crls_of_file(make_crl(root_, {}));
  unsigned char* der = nullptr;
  const int size = i2d_X509_CRL(one.at(0).get(), &der);
  EXPECT_EQ(crls_of_file({reinterpret_cast<char*>(der), static_cast<std::size_t>(size)}).size(), 1u);
  OPENSSL_free(der);
  EXPECT_TRUE(crls_of_file("nothing").empty());
}

TEST_F(Revocation, IsJudgedInARealHandshake) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    for (const auto status : {ocsp_status::good, ocsp_status::revoked}) {
      peer_options options;
      options.minimum_version = options.maximum_version = version;
      options.chain = {&intermediate_};
      options.staple = make_ocsp_answer(leaf_, intermediate_, intermediate_, {.status = status});
      const auto server = make_server_context(leaf_, options);
      engine_peer peer(server.get());
      const auto engine = make_engine(make_client_context(
          root_.certificate_pem(), [](stream_settings& s) { s.tls.revocation = revocation_policy::staple; }));
      run_handshake(*engine, peer);
      if (status == ocsp_status::good) {
        EXPECT_EQ(engine->state(), tls_state::established) << engine->fault().detail;
        EXPECT_THAT(engine->revocation(), HasSubstr("good by the stapled OCSP answer"));
      } else {
        EXPECT_EQ(engine->state(), tls_state::failed);
        EXPECT_EQ(engine->fault().code, "CERT_REVOKED");
        EXPECT_EQ(engine->fault().stage, "revocation");
      }
    }
  }
}

TEST_F(Revocation, IsNotAskedForWhereItIsOff) {
  certificate_spec spec;
  spec.must_staple = true;
  leaf_ = make_certificate(spec, &root_);
  const auto server = make_server_context(leaf_);
  engine_peer peer(server.get());
  const auto engine = make_engine(make_client_context(
      root_.certificate_pem(), [](stream_settings& s) { s.tls.revocation = revocation_policy::off; }));
  ASSERT_EQ(run_handshake(*engine, peer), tls_state::established) << engine->fault().detail;
  EXPECT_EQ(engine->take_stages().size(), 2u) << "tls and certificate";
  EXPECT_EQ(engine->revocation(), "off");
}

}  // namespace
}  // namespace tocsin::secure_connection::testing
