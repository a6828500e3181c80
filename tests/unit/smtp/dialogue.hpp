// Scripts an SMTP dialogue with the state machine: what the server says, what we must have written, what came of it.
#pragma once

#include "plugins/channels/smtp/protocol/smtp_fsm.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin::smtp::testing {

inline outgoing_ptr make_mail(std::uint64_t number, std::string data = "Subject: x\r\n\r\nhello\r\n.\r\n") {
  auto mail = std::make_unique<outgoing>();
  mail->delivery = {number, 1};
  mail->sender = "<noreply@example.org>";
  mail->recipient = "<r" + std::to_string(number) + "@example.org>";
  mail->data = std::move(data);
  return mail;
}

struct finished {
  std::uint64_t number;
  outcome came_to;
  bool replaceable;
};

// A connection whose driver is the test.
class dialogue {
 public:
  explicit dialogue(fsm_settings settings = plain()) : fsm(std::make_shared<const fsm_settings>(std::move(settings))) {}

  static fsm_settings plain() {
    fsm_settings made;
    made.security = security::off;
    made.host = "mx.example.org";
    return made;
  }
  static fsm_settings with_starttls() {
    fsm_settings made = plain();
    made.security = security::starttls;
    return made;
  }
  static fsm_settings with_sign_in() {
    fsm_settings made = with_starttls();
    made.username = "user";
    made.sign_in.has_username = true;
    return made;
  }

  void connect() {
    fsm.connected("[127.0.0.1]", {}, now, out);
    settle();
  }
  void server(std::string_view text) {
    fsm.received(text, now, out);
    settle();
  }
  void secured(std::string binding = {}) {
    fsm.secured(std::move(binding), now, out);
    settle();
  }
  void written() {
    fsm.written(now, out);
    settle();
  }
  void deadline() {
    fsm.deadline_passed(now, out);
    settle();
  }
  void drop() {
    fsm.lost({}, {}, {}, now, out);
    settle();
  }
  void finish() {
    fsm.finish(now, out);
    settle();
  }
  void abort() {
    fsm.abort("the test wants it", now, out);
    settle();
  }
  // Mails that the machine may take as soon as it wants them.
  void queue(outgoing_ptr mail) {
    waiting.push_back(std::move(mail));
    settle();
  }
  // What was written since the last call.
  std::string wrote() { return std::exchange(wire, {}); }

  smtp_fsm fsm;
  milliseconds now{0};
  std::string password = "secret";
  bool password_fails = false;
  std::vector<outgoing_ptr> waiting;
  std::vector<finished> done;
  std::vector<stage_report> stages;
  std::optional<outcome> opening_failed;
  std::optional<milliseconds> deadline_set;
  int times_opened = 0;
  bool secure_wanted = false;
  bool closed = false;
  std::string all_written;
  bool wrote_after_close = false;

 private:
  void settle() {
    while (true) {
      while (!waiting.empty() && fsm.wants_message(now)) {
        outgoing_ptr next = std::move(waiting.front());
        waiting.erase(waiting.begin());
        fsm.begin(std::move(next), now, out);
      }
      if (closed && !out.write.empty()) wrote_after_close = true;
      wire += out.write;
      all_written += out.write;
      for (completion& one : out.completed) {
        done.push_back({one.message->delivery.index, one.came_to, one.replaceable});
      }
      for (stage_report& one : out.stages) stages.push_back(std::move(one));
      if (out.opening_failed) opening_failed = out.opening_failed;
      if (out.deadline) deadline_set = out.deadline;
      if (out.opened) ++times_opened;
      if (out.secure) secure_wanted = true;
      if (out.close) closed = true;
      const bool ask = out.need_credentials;
      out.clear();
      if (!ask) return;
      if (password_fails) {
        fsm.credentials_missing("no such file", now, out);
      } else {
        fsm.credentials_ready(password, now, out);
      }
    }
  }

  fsm_actions out;
  std::string wire;
};

inline constexpr const char* ehlo_plain = "250-mx.example.org\r\n250 8BITMIME\r\n";
inline constexpr const char* ehlo_pipelining = "250-mx.example.org\r\n250-PIPELINING\r\n250 SIZE 100000\r\n";
inline constexpr const char* ehlo_starttls = "250-mx.example.org\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n";
inline constexpr const char* ehlo_secured = "250-mx.example.org\r\n250-PIPELINING\r\n250 AUTH PLAIN LOGIN\r\n";

}  // namespace tocsin::smtp::testing
