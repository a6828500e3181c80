// Each dialogue, failed at each of its steps in each way: every mail comes back exactly once, never as delivered when
// it was not, and as uncertain only after its final dot.
#include "tests/unit/smtp/dialogue.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace tocsin::smtp::testing {
namespace {

// One step of the server's.
struct step {
  const char* says;     // a reply; "TLS": TLS is up
  int ends_mail = 0;    // the mail that this reply takes responsibility for
  int dot_is_sent = 0;  // the mail whose final dot we have sent after it
};

struct script {
  const char* name;
  fsm_settings settings;
  std::vector<step> steps;
  int mails;
};

std::vector<script> scripts() {
  return {
      {"plain, one by one",
       dialogue::plain(),
       {{"220 mx\r\n"},
        {ehlo_plain},
        {"250 ok\r\n"},
        {"250 ok\r\n"},
        {"354 go\r\n", 0, 1},
        {"250 queued\r\n", 1},
        {"250 ok\r\n"},
        {"250 ok\r\n"},
        {"354 go\r\n", 0, 2},
        {"250 queued\r\n", 2}},
       2},
      {"pipelined",
       dialogue::plain(),
       {{"220 mx\r\n"},
        {ehlo_pipelining},
        {"250 ok\r\n"},
        {"250 ok\r\n"},
        {"354 go\r\n", 0, 1},
        {"250 queued\r\n", 1},
        {"250 ok\r\n"},
        {"250 ok\r\n"},
        {"354 go\r\n", 0, 2},
        {"250 queued\r\n", 2},
        {"250 ok\r\n"},
        {"250 ok\r\n"},
        {"354 go\r\n", 0, 3},
        {"250 queued\r\n", 3}},
       3},
      {"starttls and sign-in",
       dialogue::with_sign_in(),
       {{"220 mx\r\n"},
        {ehlo_starttls},
        {"220 go\r\n"},
        {"TLS"},
        {ehlo_secured},
        {"235 ok\r\n"},
        {"250 ok\r\n"},
        {"250 ok\r\n"},
        {"354 go\r\n", 0, 1},
        {"250 queued\r\n", 1}},
       1},
      {"a refused recipient between",
       dialogue::plain(),
       {{"220 mx\r\n"},
        {ehlo_pipelining},
        {"250 ok\r\n"},
        {"550 no\r\n"},
        {"554 no\r\n", 1},
        {"250 reset\r\n"},
        {"250 ok\r\n"},
        {"250 ok\r\n"},
        {"354 go\r\n", 0, 2},
        {"250 queued\r\n", 2}},
       2},
  };
}

using failure = std::function<void(dialogue&)>;

std::map<std::string, failure> failures() {
  return {
      {"dropped", [](dialogue& with) { with.drop(); }},
      {"reset",
       [](dialogue& with) {
         fsm_actions out;
         with.fsm.lost("tcp", "SERVER_CLOSED", "connection reset by peer", with.now, out);
         for (completion& one : out.completed) {
           with.done.push_back({one.message->delivery.index, one.came_to, one.replaceable});
         }
         with.opening_failed = out.opening_failed;
       }},
      {"421", [](dialogue& with) { with.server("421 4.3.2 shutting down\r\n"); }},
      {"450", [](dialogue& with) { with.server("450 4.0.0 not now\r\n"); }},
      {"550", [](dialogue& with) { with.server("550 5.0.0 never\r\n"); }},
      {"a wrong code", [](dialogue& with) { with.server("334 \r\n"); }},
      {"garbage", [](dialogue& with) { with.server("\x16\x03\x01 nonsense\r\n"); }},
      {"an endless line", [](dialogue& with) { with.server("250 " + std::string(100000, 'x')); }},
      {"half a reply, then dropped",
       [](dialogue& with) {
         with.server("250-and");
         with.drop();
       }},
      {"the deadline", [](dialogue& with) { with.deadline(); }},
      {"aborted", [](dialogue& with) { with.abort(); }},
  };
}

// Plays the script up to `count` steps; says what the server took and whose final dot was sent.
void play(dialogue& with, const script& what, std::size_t count, std::set<int>& ended, std::set<int>& dots) {
  with.connect();
  for (std::size_t i = 0; i < count; ++i) {
    const step& now = what.steps[i];
    if (std::string_view(now.says) == "TLS") {
      with.secured();
    } else {
      with.server(now.says);
    }
    if (now.ends_mail > 0) ended.insert(now.ends_mail);
    if (now.dot_is_sent > 0) dots.insert(now.dot_is_sent);
  }
}

TEST(SmtpFsmFaults, EveryScriptEndsWellWhenNothingFails) {
  for (const script& what : scripts()) {
    dialogue with(what.settings);
    for (int i = 1; i <= what.mails; ++i) with.queue(make_mail(static_cast<std::uint64_t>(i)));
    std::set<int> ended;
    std::set<int> dots;
    play(with, what, what.steps.size(), ended, dots);
    EXPECT_EQ(with.done.size(), static_cast<std::size_t>(what.mails)) << what.name;
    EXPECT_FALSE(with.closed) << what.name;
  }
}

TEST(SmtpFsmFaults, EveryStepFailedInEveryWayLosesAndInventsNothing) {
  for (const script& what : scripts()) {
    for (std::size_t at = 0; at < what.steps.size(); ++at) {
      for (const auto& [how, fail] : failures()) {
        SCOPED_TRACE(std::string(what.name) + ", step " + std::to_string(at) + ", " + how);
        dialogue with(what.settings);
        for (int i = 1; i <= what.mails; ++i) with.queue(make_mail(static_cast<std::uint64_t>(i)));
        std::set<int> ended;
        std::set<int> dots;
        play(with, what, at, ended, dots);
        const std::size_t before = with.done.size();
        fail(with);
        const std::size_t after_failure = with.done.size();
        // Whatever is left must come back when the connection goes.
        with.drop();

        std::map<std::uint64_t, int> times;
        for (const finished& one : with.done) ++times[one.number];
        for (const auto& [number, count] : times) EXPECT_EQ(count, 1) << "mail " << number;
        for (const outgoing_ptr& mail : with.waiting) EXPECT_EQ(times.count(mail->delivery.index), 0U);
        EXPECT_EQ(with.done.size() + with.waiting.size(), static_cast<std::size_t>(what.mails));
        EXPECT_EQ(with.fsm.in_flight(), 0U);
        EXPECT_FALSE(with.wrote_after_close);

        for (std::size_t i = before; i < with.done.size(); ++i) {
          const finished& one = with.done[i];
          const bool dot_sent = dots.count(static_cast<int>(one.number)) > 0;
          EXPECT_NE(one.came_to.result, outcome_class::delivered) << one.number;
          EXPECT_FALSE(one.came_to.code.empty());
          if (one.came_to.result == outcome_class::uncertain) {
            EXPECT_TRUE(dot_sent) << "uncertain before its final dot: " << one.number;
          } else if (dot_sent && !one.came_to.server_reply.empty()) {
            // refused by an answer: that is certain
          } else {
            EXPECT_FALSE(dot_sent) << "certain after its final dot, without an answer: " << one.number;
          }
          EXPECT_FALSE(one.replaceable && dot_sent);
        }
        EXPECT_LE(after_failure, with.done.size());
      }
    }
  }
}

TEST(SmtpFsmFaults, NothingIsSaidInClearBeforeStarttls) {
  const fsm_settings settings = dialogue::with_sign_in();
  for (const char* ehlo : {"250-mx\r\n250 AUTH PLAIN\r\n", "250 mx\r\n", "250-mx\r\n250 STARTTLS\r\n", "502 no\r\n"}) {
    for (const char* answer : {"220 go\r\n", "220 go\r\n250 more\r\n", "454 no\r\n", "501 no\r\n", "garbage\r\n"}) {
      dialogue with(settings);
      with.queue(make_mail(1));
      with.connect();
      with.server("220 mx\r\n");
      with.server(ehlo);
      with.server(answer);
      with.server("250 ok\r\n");
      with.server("235 ok\r\n");
      EXPECT_EQ(with.all_written.find("AUTH"), std::string::npos) << ehlo << answer;
      EXPECT_EQ(with.all_written.find("MAIL"), std::string::npos) << ehlo << answer;
    }
  }
}

}  // namespace
}  // namespace tocsin::smtp::testing
