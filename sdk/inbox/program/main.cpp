// SPDX-License-Identifier: Apache-2.0
// tocsin-inbox: the inbox as a program, for a shell, a script or a test in another language.
#include <CLI/CLI.hpp>
#include <array>
#include <cctype>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tocsin/inbox/inbox.hpp>

namespace {

namespace inbox = tocsin::inbox;

constexpr int exit_failed = 1;
constexpr int exit_wrong_call = 2;

std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char letter : text) {
    if (letter == '"' || letter == '\\') {
      out += '\\';
      out += letter;
    } else if (static_cast<unsigned char>(letter) < 0x20) {
      std::array<char, 8> escape{};
      std::snprintf(escape.data(), escape.size(), "\\u%04x", static_cast<unsigned>(letter));
      out += escape.data();
    } else {
      out += letter;
    }
  }
  return out + '"';
}

std::string mail_as_json(const inbox::mail& mail, std::size_t number) {
  std::string recipients;
  for (const auto& each : mail.recipients) recipients += (recipients.empty() ? "" : ",") + json_string(each);
  return "{\"number\":" + std::to_string(number) + ",\"from\":" + json_string(mail.envelope_from) + ",\"to\":[" +
         recipients + "],\"subject\":" + json_string(mail.header("Subject")) + ",\"text\":" + json_string(mail.text()) +
         ",\"html\":" + json_string(mail.html()) + ",\"size\":" + std::to_string(mail.data.size()) +
         ",\"tls\":" + json_string(mail.tls_version) + ",\"cipher\":" + json_string(mail.tls_cipher) +
         ",\"signed_in_as\":" + json_string(mail.signed_in_as) + ",\"mechanism\":" + json_string(mail.mechanism) +
         ",\"client\":" + json_string(mail.client_name) + ",\"connection\":" + std::to_string(mail.connection) + "}";
}

std::string mail_for_people(const inbox::mail& mail, std::size_t number) {
  std::string text = "\nmail " + std::to_string(number) + "\n  from     " + mail.envelope_from;
  for (const auto& each : mail.recipients) text += "\n  to       " + each;
  text += "\n  subject  " + mail.header("Subject");
  text += "\n  over     " +
          (mail.tls_version.empty() ? "a connection in clear" : mail.tls_version + ", " + mail.tls_cipher);
  if (!mail.signed_in_as.empty()) text += "\n  signed in as " + mail.signed_in_as + " with " + mail.mechanism;
  text += "\n\n";
  const std::string body = mail.text();
  for (std::size_t at = 0; at < body.size();) {
    auto end = body.find('\n', at);
    if (end == std::string::npos) end = body.size();
    text += "  | " + body.substr(at, end - at) + "\n";
    at = end + 1;
  }
  return text;
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!in) throw std::runtime_error("cannot read " + path);
  return text;
}

// \r, \n, \\ and \xHH of a shell's argument.
std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    const char kind = text[++i];
    if (kind == 'r') {
      out += '\r';
    } else if (kind == 'n') {
      out += '\n';
    } else if (kind == 'x' && i + 2 < text.size() && std::isxdigit(static_cast<unsigned char>(text[i + 1])) != 0 &&
               std::isxdigit(static_cast<unsigned char>(text[i + 2])) != 0) {
      out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    } else {
      out += kind;
    }
  }
  return out;
}

// STEP=ACTION or STEP*TIMES=ACTION
inbox::fault parse_fault(const std::string& text) {
  const auto equals = text.find('=');
  if (equals == std::string::npos)
    throw std::invalid_argument("--fault takes STEP[*TIMES]=ACTION, not \"" + text + "\"");
  inbox::fault result{text.substr(0, equals), unescaped(std::string_view(text).substr(equals + 1))};
  if (const auto star = result.at.find('*'); star != std::string::npos) {
    const auto times = result.at.substr(star + 1);
    if (times.empty() || times.size() > 9 || times.find_first_not_of("0123456789") != std::string::npos) {
      throw std::invalid_argument("\"" + times + "\" in --fault " + text + " is no number of times");
    }
    result.times = static_cast<std::uint32_t>(std::stoul(times));
    result.at.resize(star);
  }
  return result;
}

struct call {
  inbox::options how;
  std::string mode = "starttls";
  std::vector<std::string> accounts;
  std::vector<std::string> faults;
  std::string certificate_file;
  std::string key_file;
  std::string ca_file;
  std::string keep_in;
  bool json = false;
  bool auth_in_clear = false;
  bool no_pipelining = false;
  bool no_smtputf8 = false;
};

void describe(CLI::App& app, call& what) {
  app.add_option("--mode", what.mode, "How connections are secured: none, starttls (default) or implicit")
      ->check(CLI::IsMember({"none", "starttls", "implicit"}));
  app.add_option("--port", what.how.port, "Port on 127.0.0.1; 0: the system chooses");
  app.add_option("--name", what.how.greeting_name, "The server's name in its greeting");
  app.add_option("--account", what.accounts, "USER:PASSWORD that may sign in; repeat for more. None: no sign-in");
  app.add_option("--mechanism", what.how.mechanisms, "PLAIN, LOGIN, CRAM-MD5, XOAUTH2; repeat for more");
  app.add_flag("--auth-required", what.how.auth_required, "Take no mail from who has not signed in");
  app.add_flag("--auth-in-clear", what.auth_in_clear, "Offer sign-in without TLS, too");
  app.add_flag("--no-pipelining", what.no_pipelining, "Do not offer PIPELINING");
  app.add_flag("--chunking", what.how.chunking, "Offer CHUNKING (BDAT)");
  app.add_flag("--no-smtputf8", what.no_smtputf8, "Do not offer SMTPUTF8");
  app.add_option("--size-limit", what.how.size_limit, "Largest message, in bytes");
  app.add_option("--certificate", what.certificate_file, "PEM file; none: one of the inbox's own CA");
  app.add_option("--key", what.key_file, "PEM file with the certificate's key");
  app.add_option("--minimum-tls", what.how.minimum_tls, "1.0, 1.1, 1.2 or 1.3");
  app.add_option("--maximum-tls", what.how.maximum_tls, "1.0, 1.1, 1.2 or 1.3");
  app.add_option(
      "--fault", what.faults,
      "STEP[*TIMES]=ACTION. Steps: connect greeting ehlo helo starttls handshake auth mail rcpt data body rset "
      "noop vrfy quit. Actions: reply:TEXT drop reset stall garbage split inject:TEXT, where TEXT may have "
      "\\r, \\n and \\xHH");
  app.add_option("--keep-in", what.keep_in, "Folder that gets each message as NNNN.eml");
  app.add_option("--ca-file", what.ca_file, "Write the CA's certificate there, for clients");
  app.add_flag("--json", what.json, "Print JSON, an object a line");
}

void complete(call& what) {
  if (what.mode == "none") what.how.mode = inbox::security::none;
  if (what.mode == "implicit") what.how.mode = inbox::security::implicit;
  for (const auto& each : what.accounts) {
    const auto colon = each.find(':');
    if (colon == std::string::npos) throw std::invalid_argument("--account takes USER:PASSWORD, not \"" + each + "\"");
    what.how.accounts[each.substr(0, colon)] = each.substr(colon + 1);
  }
  for (const auto& each : what.faults) what.how.faults.push_back(parse_fault(each));
  if (what.certificate_file.empty() != what.key_file.empty()) {
    throw std::invalid_argument("--certificate and --key go together");
  }
  if (!what.certificate_file.empty()) {
    what.how.certificate_pem = read_file(what.certificate_file);
    what.how.key_pem = read_file(what.key_file);
  }
  what.how.auth_only_under_tls = !what.auth_in_clear;
  what.how.pipelining = !what.no_pipelining;
  what.how.smtputf8 = !what.no_smtputf8;
  what.how.keep_in = what.keep_in;
  what.how.keep_mails = false;  // they are printed, and nobody asks again
  what.how.record_dialogue = false;
}

void announce(const call& what, const inbox::server& server) {
  const std::string ca = server.ca_pem();
  if (!what.ca_file.empty()) {
    std::ofstream out(what.ca_file, std::ios::binary);
    out << ca;
    out.close();
    if (!out) throw std::runtime_error("cannot write " + what.ca_file);
  }
  if (what.json) {
    std::cout << "{\"port\":" << server.port() << ",\"ca\":" << json_string(ca) << "}" << std::endl;
  } else {
    std::cout << "listening on 127.0.0.1:" << server.port() << "\n" << ca << std::flush;
  }
}

int run(call& what) {
  // Blocked before the server's threads start, so that the signals come to sigwait() alone.
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);

  std::mutex printing;
  std::size_t number = 0;
  inbox::server server(what.how);
  server.on_mail([&](const inbox::mail& mail) {
    const std::lock_guard lock(printing);
    ++number;
    std::cout << (what.json ? mail_as_json(mail, number) : mail_for_people(mail, number)) << std::endl;
  });
  {
    const std::lock_guard lock(printing);  // the port comes before the first mail
    announce(what, server);
  }
  int which = 0;
  sigwait(&ends, &which);
  server.stop();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("An SMTP server on loopback that keeps, or prints, what it gets, and fails as it is told",
               "tocsin-inbox");
  call what;
  describe(app, what);
  try {
    app.parse(argc, argv);
    complete(what);
    return run(what);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : exit_wrong_call;
  } catch (const std::invalid_argument& error) {
    std::cerr << "tocsin-inbox: " << error.what() << "\n";
    return exit_wrong_call;
  } catch (const std::exception& error) {
    std::cerr << "tocsin-inbox: " << error.what() << "\n";
    return exit_failed;
  }
}
