// Mails from the SMTP plugin over the secure-connection plugin to a real server: both are loaded from their libraries
// and spoken to through the C interface alone.
#include "tests/unit/smtp/test_host.hpp"

#include <tocsin/abi/entry.h>
#include <tocsin/abi/ext/channel.h>
#include <tocsin/abi/ext/doctor.h>
#include <tocsin/abi/ext/stream.h>
#include <tocsin/inbox/inbox.hpp>
#include <tocsin/sdk/json.hpp>

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>

namespace tocsin::smtp::testing {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::SizeIs;

// A plugin's library, created and started. Never unloaded, as in the host.
class loaded_plugin {
 public:
  loaded_plugin(const char* file, const tocsin_host* host) {
    void* library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) throw std::runtime_error(dlerror());
    using entry_function = const tocsin_entry* (*)();
    const auto entry = reinterpret_cast<entry_function>(dlsym(library, TOCSIN_ENTRY_SYMBOL));
    if (entry == nullptr) throw std::runtime_error("no entry");
    sdk::string_sink error;
    if (entry()->create(host, &plugin_, error.get()) != TOCSIN_OK) throw std::runtime_error(error.text());
  }
  void start() {
    sdk::string_sink error;
    if (plugin_->start(plugin_->self, error.get()) != TOCSIN_OK) throw std::runtime_error(error.text());
  }
  ~loaded_plugin() {
    plugin_->stop(plugin_->self);
    plugin_->destroy(plugin_->self);
  }
  loaded_plugin(const loaded_plugin&) = delete;
  loaded_plugin& operator=(const loaded_plugin&) = delete;

  template <class Table>
  const Table* extension(const char* id) const {
    return static_cast<const Table*>(plugin_->get_extension(plugin_->self, sdk::to_abi(id)));
  }
  void* self() const { return plugin_->self; }

 private:
  const tocsin_plugin* plugin_ = nullptr;
};

struct endpoint_options {
  std::uint16_t port = 0;
  std::string host = "localhost";
  std::string secure_connection = "starttls";
  std::string ca_file;
  std::string username = "robot";
  std::string authentication = "auto";
  std::string server_name;
  int connections = 8;
};

class SmtpInbox : public ::testing::Test {
 protected:
  void SetUp() override {
    streams.emplace(SECURE_CONNECTION_PLUGIN, host.raw());
    streams->start();
    host.offer(streams->extension<tocsin_stream>(TOCSIN_EXT_STREAM), streams->self());
    smtp.emplace(SMTP_PLUGIN, host.raw());
    smtp->start();
    channel = smtp->extension<tocsin_channel>(TOCSIN_EXT_CHANNEL);
    doctor = smtp->extension<tocsin_doctor>(TOCSIN_EXT_DOCTOR);
    ASSERT_NE(channel, nullptr);
    ASSERT_NE(doctor, nullptr);
    host.set_secret(1, "correct horse");
    folder = std::filesystem::temp_directory_path() / ("tocsin-smtp-inbox-" + std::to_string(getpid()));
    std::filesystem::create_directories(folder);
  }
  void TearDown() override {
    smtp.reset();
    streams.reset();
    std::filesystem::remove_all(folder);
  }

  inbox::options server_options() {
    inbox::options how;
    how.accounts = {{"robot", "correct horse"}};
    how.auth_required = true;
    return how;
  }
  std::string ca_of(const std::string& pem) {
    const std::filesystem::path file = folder / ("ca" + std::to_string(++files) + ".pem");
    std::ofstream(file) << pem;
    return file.string();
  }
  endpoint_options to(const inbox::server& server) {
    endpoint_options how;
    how.port = server.port();
    how.ca_file = ca_of(server.ca_pem());
    return how;
  }
  tocsin_token open(const endpoint_options& how) {
    const std::string settings = sdk::json_writer{}
                                     .text("host", how.host)
                                     .integer("port", how.port)
                                     .text("secure_connection", how.secure_connection)
                                     .text("username", how.username)
                                     .raw("password", R"({"secret":1})")
                                     .text("authentication", how.authentication)
                                     .flag("allow_plaintext_credentials", false)
                                     .text("from_address", "noreply@example.org")
                                     .text("from_name", "Tocsin")
                                     .raw("tls", sdk::json_writer{}
                                                     .text("ca_file", how.ca_file)
                                                     .text("server_name", how.server_name)
                                                     .text("minimum_version", "1.2")
                                                     .text("revocation", "off")
                                                     .str())
                                     .raw("limits", sdk::json_writer{}.integer("connections", how.connections).str())
                                     .raw("timeouts", R"({"connect":20000,"command":20000})")
                                     .str();
    tocsin_endpoint raw{};
    raw.struct_size = sizeof(raw);
    raw.channel = sdk::to_abi("email");
    raw.settings = sdk::to_abi(settings);
    const std::string pool = "pool" + std::to_string(++files);
    raw.pool = sdk::to_abi(pool);
    tocsin_endpoint_info info{};
    info.struct_size = sizeof(info);
    sdk::string_sink error;
    EXPECT_EQ(channel->open(smtp->self(), &raw, &info, error.get()), TOCSIN_OK) << error.text();
    slots = info.slots;
    return info.token;
  }
  void deliver(tocsin_token endpoint, std::uint64_t first, std::uint64_t count) {
    message_batch batch;
    for (std::uint64_t i = first; i < first + count; ++i) {
      batch.add(endpoint, i, "r" + std::to_string(i) + "@example.org", "Notification " + std::to_string(i));
    }
    const auto& list = batch.list();
    channel->deliver(smtp->self(), list.data(), list.size());
  }
  seen_outcome one_mail(const endpoint_options& how) {
    deliver(open(how), 1, 1);
    EXPECT_TRUE(host.wait_for(1));
    auto outcomes = host.take();
    return outcomes.empty() ? seen_outcome{} : outcomes[0];
  }
  std::vector<std::string> diagnose(tocsin_token endpoint, std::string_view recipient) {
    tocsin_diagnosis request{};
    request.struct_size = sizeof(request);
    request.run = {1, 1};
    request.endpoint = endpoint;
    request.recipient = sdk::to_abi(recipient);
    sdk::string_sink error;
    EXPECT_EQ(doctor->diagnose(smtp->self(), &request, error.get()), TOCSIN_OK) << error.text();
    EXPECT_TRUE(host.wait_for_diagnosis());
    std::vector<std::string> names;
    for (const seen_stage& stage : host.take_stages()) names.push_back(stage.name + " " + stage.code);
    return names;
  }

  test_host host;
  std::optional<loaded_plugin> streams;
  std::optional<loaded_plugin> smtp;
  const tocsin_channel* channel = nullptr;
  const tocsin_doctor* doctor = nullptr;
  std::filesystem::path folder;
  int files = 0;
  std::uint32_t slots = 0;
};

TEST_F(SmtpInbox, AThousandMailsArriveOverStarttlsWithSignIn) {
  inbox::server server(server_options());
  const tocsin_token endpoint = open(to(server));
  std::size_t finished = 0;
  std::vector<seen_outcome> outcomes;
  for (std::uint64_t next = 1; next <= 1000; next += slots) {
    const std::uint64_t count = std::min<std::uint64_t>(slots, 1001 - next);
    deliver(endpoint, next, count);
    ASSERT_TRUE(host.wait_for(count));
    for (seen_outcome& one : host.take()) outcomes.push_back(std::move(one));
    finished += count;
  }
  ASSERT_EQ(outcomes.size(), 1000U);
  EXPECT_THAT(outcomes,
              Each(AllOf(Field(&seen_outcome::result, TOCSIN_CLASS_DELIVERED), Field(&seen_outcome::code, "OK"))));
  ASSERT_TRUE(server.wait_for(1000, std::chrono::seconds(10)));
  EXPECT_EQ(server.mail_count(), 1000U);
  EXPECT_LE(server.connections(), 8U);
  std::set<std::string> recipients;
  for (const inbox::mail& mail : server.mails()) {
    EXPECT_TRUE(mail.tls_version.starts_with("TLSv1.")) << mail.tls_version;
    EXPECT_EQ(mail.signed_in_as, "robot");
    EXPECT_EQ(mail.envelope_from, "noreply@example.org");
    ASSERT_THAT(mail.recipients, SizeIs(1));
    recipients.insert(mail.recipients[0]);
    EXPECT_EQ(mail.header("Auto-Submitted"), "auto-generated");
    EXPECT_THAT(mail.header("From"), HasSubstr("noreply@example.org"));
    EXPECT_EQ(mail.header("To"), mail.recipients[0]);
    EXPECT_THAT(mail.header("Subject"), HasSubstr("Notification"));
    EXPECT_THAT(mail.text(), HasSubstr("The text."));
    EXPECT_THAT(mail.html(), HasSubstr("<p>The text.</p>"));
  }
  EXPECT_EQ(recipients.size(), 1000U);
}

TEST_F(SmtpInbox, ImplicitTlsWorks) {
  inbox::options how = server_options();
  how.mode = inbox::security::implicit;
  inbox::server server(how);
  endpoint_options to_it = to(server);
  to_it.secure_connection = "implicit";
  EXPECT_EQ(one_mail(to_it).code, "OK");
  EXPECT_FALSE(server.mails().at(0).tls_version.empty());
}

TEST_F(SmtpInbox, EachMechanismOfTheInboxSignsIn) {
  for (const char* mechanism : {"PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2"}) {
    inbox::options how = server_options();
    how.mechanisms = {mechanism};
    inbox::server server(how);
    endpoint_options to_it = to(server);
    if (std::string_view(mechanism) == "XOAUTH2") to_it.authentication = "xoauth2";
    EXPECT_EQ(one_mail(to_it).code, "OK") << mechanism;
    ASSERT_EQ(server.mail_count(), 1U);
    EXPECT_EQ(server.mails()[0].mechanism, mechanism);
  }
}

TEST_F(SmtpInbox, AWrongPasswordIsAuthRejected) {
  inbox::server server(server_options());
  host.set_secret(1, "battery staple");
  const seen_outcome came_to = one_mail(to(server));
  EXPECT_EQ(came_to.code, "AUTH_REJECTED");
  EXPECT_EQ(came_to.result, TOCSIN_CLASS_AUTH);
  EXPECT_THAT(came_to.transcript, HasSubstr("AUTH PLAIN ***"));
  EXPECT_EQ(server.mail_count(), 0U);
}

TEST_F(SmtpInbox, AWrongCaIsCertUnknownIssuer) {
  inbox::server server(server_options());
  endpoint_options how = to(server);
  how.ca_file = ca_of(inbox::certificate_authority("Another CA").certificate_pem());
  const seen_outcome came_to = one_mail(how);
  EXPECT_EQ(came_to.code, "CERT_UNKNOWN_ISSUER");
  EXPECT_EQ(came_to.result, TOCSIN_CLASS_CONFIG);
  for (const std::string& line : server.dialogue()) {
    EXPECT_THAT(line, ::testing::Not(HasSubstr("AUTH PLAIN")));
    EXPECT_THAT(line, ::testing::Not(HasSubstr("MAIL FROM")));
  }
}

TEST_F(SmtpInbox, AWrongNameIsCertNameMismatch) {
  inbox::certificate_authority authority;
  inbox::certificate_authority::request wanted;
  wanted.dns_names = {"mail.example.org"};
  wanted.ip_addresses = {};
  const auto issued = authority.issue(wanted);
  inbox::options how = server_options();
  how.certificate_pem = issued.certificate_pem;
  how.key_pem = issued.key_pem;
  inbox::server server(how);
  endpoint_options to_it = to(server);
  to_it.ca_file = ca_of(authority.certificate_pem());
  const seen_outcome came_to = one_mail(to_it);
  EXPECT_EQ(came_to.code, "CERT_NAME_MISMATCH");
  EXPECT_EQ(came_to.result, TOCSIN_CLASS_CONFIG);
  to_it.server_name = "mail.example.org";
  EXPECT_EQ(one_mail(to_it).code, "OK");
}

TEST_F(SmtpInbox, NobodyListeningIsTcpRefused) {
  std::uint16_t port = 0;
  {
    inbox::server gone(server_options());
    port = gone.port();
  }
  endpoint_options how;
  how.port = port;
  const seen_outcome came_to = one_mail(how);
  EXPECT_EQ(came_to.code, "TCP_REFUSED");
  EXPECT_EQ(came_to.result, TOCSIN_CLASS_TRANSIENT);
}

struct fault_case {
  const char* at;
  const char* action;
  const char* code;
  std::uint32_t result;
};

TEST_F(SmtpInbox, EachFaultHasItsCode) {
  const fault_case cases[] = {
      {"greeting", "reply:554 5.7.1 go away", "GREETING_REJECTED", TOCSIN_CLASS_CONFIG},
      {"greeting", "garbage", "GREETING_NOT_SMTP", TOCSIN_CLASS_TRANSIENT},
      {"greeting", "drop", "SERVER_CLOSED", TOCSIN_CLASS_TRANSIENT},
      {"ehlo", "reply:550 5.7.1 who are you", "EHLO_REJECTED", TOCSIN_CLASS_TRANSIENT},
      {"starttls", "reply:454 4.7.0 not now", "STARTTLS_REFUSED", TOCSIN_CLASS_CONFIG},
      {"starttls", "inject:250 injected\r\n", "STARTTLS_INJECTION", TOCSIN_CLASS_CONFIG},
      {"handshake", "drop", "TLS_HANDSHAKE_FAILED", TOCSIN_CLASS_TRANSIENT},
      {"auth", "reply:454 4.7.0 later", "AUTH_DEFERRED", TOCSIN_CLASS_TRANSIENT},
      {"auth", "reply:534 5.7.9 Application-specific password required", "AUTH_APP_PASSWORD_REQUIRED",
       TOCSIN_CLASS_AUTH},
      {"mail", "reply:550 5.7.1 not you", "SENDER_REJECTED", TOCSIN_CLASS_CONFIG},
      {"mail", "reply:421 4.3.2 shutting down", "SERVER_SHUTTING_DOWN", TOCSIN_CLASS_TRANSIENT},
      {"rcpt", "reply:550 5.1.1 unknown", "RECIPIENT_REJECTED", TOCSIN_CLASS_PERMANENT},
      {"rcpt", "reply:450 4.2.0 greylisted", "RECIPIENT_DEFERRED", TOCSIN_CLASS_TRANSIENT},
      {"data", "reply:451 4.3.0 disk", "MESSAGE_DEFERRED", TOCSIN_CLASS_TRANSIENT},
      {"body", "reply:552 5.3.4 too big", "MESSAGE_TOO_LARGE", TOCSIN_CLASS_PERMANENT},
      {"body", "reply:554 5.7.1 spam", "MESSAGE_REJECTED", TOCSIN_CLASS_PERMANENT},
      {"body", "drop", "SERVER_CLOSED", TOCSIN_CLASS_UNCERTAIN},
      {"body", "garbage", "PROTOCOL_VIOLATION", TOCSIN_CLASS_UNCERTAIN},
  };
  for (const fault_case& one : cases) {
    SCOPED_TRACE(std::string(one.at) + " " + one.action);
    inbox::options how = server_options();
    how.faults = {{one.at, one.action, 0}};
    inbox::server server(how);
    const seen_outcome came_to = one_mail(to(server));
    EXPECT_EQ(came_to.code, one.code) << came_to.detail << " / " << came_to.server_reply;
    EXPECT_EQ(came_to.result, one.result);
  }
}

TEST_F(SmtpInbox, AnswersThatComeAByteAtATimeAreAnswers) {
  inbox::options how = server_options();
  how.faults = {{"ehlo", "split", 0}, {"rcpt", "split", 0}, {"body", "split", 0}};
  inbox::server server(how);
  EXPECT_EQ(one_mail(to(server)).code, "OK");
}

TEST_F(SmtpInbox, AServerWithoutPipeliningIsServedStepByStep) {
  inbox::options how = server_options();
  how.pipelining = false;
  inbox::server server(how);
  deliver(open(to(server)), 1, 20);
  ASSERT_TRUE(host.wait_for(20));
  EXPECT_THAT(host.take(), Each(Field(&seen_outcome::code, "OK")));
}

TEST_F(SmtpInbox, TheDoctorWalksThroughEveryStage) {
  // tls.revocation is off here: that stage does not apply, and is left out.
  inbox::server server(server_options());
  const tocsin_token endpoint = open(to(server));
  EXPECT_EQ(diagnose(endpoint, "ops@example.org"),
            (std::vector<std::string>{"settings OK", "dns OK", "tcp OK", "greeting OK", "ehlo OK", "starttls OK",
                                      "tls OK", "certificate OK", "auth OK", "sender OK", "recipient OK"}));
  EXPECT_EQ(server.mail_count(), 0U);
}

TEST_F(SmtpInbox, TheDoctorNamesTheStageThatFails) {
  inbox::server server(server_options());
  endpoint_options how = to(server);
  how.ca_file = ca_of(inbox::certificate_authority("Another CA").certificate_pem());
  const auto stages = diagnose(open(how), "ops@example.org");
  ASSERT_FALSE(stages.empty());
  EXPECT_EQ(stages.back(), "certificate CERT_UNKNOWN_ISSUER");
}

}  // namespace
}  // namespace tocsin::smtp::testing
