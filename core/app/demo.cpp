// `tocsin demo`: the real host beside an inbox with its own certificate authority; events go in, mails come out.
#include <tocsin/inbox/inbox.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>

#include "core/app/commands.hpp"
#include "core/app/console.hpp"
#include "core/app/pipeline.hpp"
#include "core/app/signals.hpp"
#include "core/model/timestamp.hpp"
#include "core/plugin_host/containment/last_words.hpp"

namespace tocsin::app {
namespace {

constexpr std::chrono::seconds mail_limit{20};
constexpr time_ms day_ms = 86'400'000;

// The demo's folder: settings, license file, state. Removed at the end, unless something went wrong.
class demo_folder {
 public:
  demo_folder() {
    std::string name = (std::filesystem::temp_directory_path() / "tocsin-demo-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no folder can be made in the temporary directory");
    path_ = name;
  }
  ~demo_folder() {
    if (keep_) return;
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  demo_folder(const demo_folder&) = delete;
  demo_folder& operator=(const demo_folder&) = delete;

  std::filesystem::path file(const std::string& name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }
  void keep() { keep_ = true; }

  // Replaced in one step, as an installer would do it.
  void write(const std::string& name, const std::string& text) const {
    const auto beside = file(name + ".new");
    std::ofstream(beside, std::ios::binary) << text;
    std::filesystem::permissions(beside, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    std::filesystem::rename(beside, file(name));
  }

 private:
  std::filesystem::path path_;
  bool keep_ = false;
};

time_ms now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string random_password() {
  std::random_device random;
  char text[17];
  std::snprintf(text, sizeof text, "%08x%08x", random(), random());
  return text;
}

std::string license_json(time_ms expires) {
  return "{\n  \"product\": \"Orchestrator\",\n  \"holder\": \"Example Ltd\",\n  \"expires\": \"" +
         to_rfc3339(expires) + "\",\n  \"seats\": 100,\n  \"used\": 83\n}\n";
}

std::string settings_toml(std::uint16_t port) {
  return "# The settings of `tocsin demo`: one channel, one source, one route, one organization that differs.\n"
         "[host]\n"
         "state_dir = \"state\"\n\n"
         "[http]\n"
         "listen = \"127.0.0.1:0\"\n\n"
         "[channels.email]\n"
         "plugin = \"smtp\"\n"
         "host = \"localhost\"\n"
         "port = " +
         std::to_string(port) +
         "\n"
         "secure_connection = \"starttls\"\n"
         "username = \"tocsin\"\n"
         "password = \"file:smtp.password\"\n"
         "from_address = \"noreply@example.org\"\n"
         "from_name = \"Orchestrator System Notifications\"\n"
         "  [channels.email.tls]\n"
         "  ca_file = \"ca.pem\"\n\n"
         "[sources.license]\n"
         "plugin = \"license-status\"\n"
         "path = \"license.json\"\n"
         "interval = \"500ms\"\n\n"
         "[[routes]]\n"
         "name = \"operators\"\n"
         "types = [\"tocsin.*\"]\n"
         "channels = [\"email\"]\n"
         "to = [\"operator@example.org\"]\n\n"
         "[organizations.acme]\n"
         "  [organizations.acme.channels.email]\n"
         "  from_name = \"Acme Automation\"\n";
}

void print_heading(const std::string& text) { std::printf("\n%s\n", paint(text, colour::bold).c_str()); }

void print_plugins(const std::vector<plugin_info>& plugins) {
  print_heading("Plugins that the host loaded");
  std::vector<std::vector<std::string>> rows;
  for (const auto& plugin : plugins) {
    const bool active = plugin.state == plugin_state::active;
    rows.push_back({plugin.id, plugin.version, paint(to_text(plugin.state), active ? colour::green : colour::red),
                    active ? plugin.manifest.title : plugin.reason});
  }
  print_table({"PLUGIN", "VERSION", "STATE", "WHAT IT IS"}, rows);
}

void print_mail(const inbox::mail& mail) {
  std::printf("\n%s\n", paint("--- a mail arrived " + std::string(50, '-'), colour::dim).c_str());
  std::printf("Subject:    %s\n", paint(mail.header("Subject"), colour::bold).c_str());
  std::printf("From:       %s\n", mail.header("From").c_str());
  std::printf("To:         %s\n", mail.header("To").c_str());
  std::printf("Connection: %s, %s; signed in as \"%s\" with %s\n\n",
              mail.tls_version.empty() ? "in clear" : mail.tls_version.c_str(), mail.tls_cipher.c_str(),
              mail.signed_in_as.c_str(), mail.mechanism.c_str());
  std::string line;
  for (const char c : mail.text()) {
    if (c == '\r') continue;
    if (c != '\n') {
      line += c;
      continue;
    }
    std::printf("    %s\n", line.c_str());
    line.clear();
  }
  if (!line.empty()) std::printf("    %s\n", line.c_str());
  std::fflush(stdout);
}

void print_deliveries(const std::filesystem::path& config) {
  print_heading("Deliveries in the store (tocsin queue list)");
  queue_options options;
  options.config = config;
  queue_list(options);
}

void print_what_next(const demo_folder& folder, const std::string& program) {
  const auto config = folder.file("tocsin.toml").string();
  print_heading("What to try next, in another terminal");
  std::printf(
      "  Edit the license by hand (another \"expires\", say in 5 days, or yesterday), and see the next mail here:\n"
      "      ${EDITOR:-nano} %s\n"
      "  Publish an event of your own, for the organization acme, which has its own sender's name:\n"
      "      %s publish --config %s --type tocsin.job.faulted \\\n"
      "          --severity error --organization acme --data '{\"job\":\"invoices\",\"error\":\"no such file\"}'\n"
      "  See what became of it, and have the channel examined:\n"
      "      %s queue list --config %s\n"
      "      %s doctor --config %s --channel email\n"
      "\nThe host runs until you press Ctrl-C.\n",
      folder.file("license.json").c_str(), program.c_str(), config.c_str(), program.c_str(), config.c_str(),
      program.c_str(), config.c_str());
  std::fflush(stdout);
}

// The events of the demo. Each causes one mail.
class demo_run {
 public:
  demo_run() : inbox_(inbox_options()) {
    inbox_.on_mail([](const inbox::mail& mail) { print_mail(mail); });
    folder_.write("ca.pem", inbox_.ca_pem());
    folder_.write("smtp.password", password_ + "\n");
    folder_.write("tocsin.toml", settings_toml(inbox_.port()));
    folder_.write("license.json", license_json(now_ms() + 14 * day_ms - 60'000));
  }

  std::filesystem::path config() const { return folder_.file("tocsin.toml"); }
  demo_folder& folder() { return folder_; }

  bool license_about_to_end() {
    print_heading("A license file says that the license ends within 14 days: " + folder_.file("license.json").string());
    return expect_mail();
  }

  bool license_renewed() {
    print_heading("The license file is replaced: the license is renewed for a year");
    folder_.write("license.json", license_json(now_ms() + 365 * day_ms));
    return expect_mail();
  }

  bool event_published() {
    print_heading("An application publishes an event for the organization acme (tocsin publish)");
    publish_options options;
    options.config = config();
    options.type = "tocsin.job.faulted";
    options.source = "/demo/jobs";
    options.organization = "acme";
    options.severity = "error";
    options.data = R"({"job":"invoices","robot":"R-17","error":"The file invoices.xlsx does not exist."})";
    return publish(options) == exit_done && expect_mail();
  }

  // Every mail came over TLS, from one who had signed in.
  bool all_were_secure() const {
    for (const auto& mail : inbox_.mails())
      if (mail.tls_version.empty() || mail.signed_in_as != "tocsin") return false;
    return true;
  }

 private:
  inbox::options inbox_options() {
    password_ = random_password();
    inbox::options options;
    options.mode = inbox::security::starttls;
    options.accounts = {{"tocsin", password_}};
    options.auth_required = true;
    return options;
  }

  bool expect_mail() {
    std::fflush(stdout);
    if (inbox_.wait_for(++expected_, mail_limit)) return true;
    std::fflush(stdout);
    std::fprintf(stderr, "The mail did not arrive within %lld s. The demo's files are kept in %s.\n",
                 static_cast<long long>(mail_limit.count()), folder_.path().c_str());
    folder_.keep();
    return false;
  }

  std::string password_;
  demo_folder folder_;
  inbox::server inbox_;
  std::size_t expected_ = 0;
};

std::string program_path() {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/exe", error).string();
}

}  // namespace

int demo(const demo_options& options) {
  block_signals();
  demo_run run;
  faults all;
  install_last_words(last_words_format::text);
  auto host = pipeline::start(run.config(), all, nullptr, own_program);
  if (!host) {
    if (all.empty()) all.push_back(host.error());
    print_faults(all, false);
    run.folder().keep();
    return exit_failed;
  }
  print_plugins((*host)->plugins());
  bool ok = run.license_about_to_end();
  if (options.once) {
    ok = ok && run.license_renewed() && run.event_published();
    print_deliveries(run.config());
    ok = ok && run.all_were_secure();
    std::printf("\n%s\n", ok ? paint("Every mail arrived, over TLS and signed in.", colour::green).c_str()
                             : paint("Not every mail arrived as it should.", colour::red).c_str());
  } else {
    print_deliveries(run.config());
    print_what_next(run.folder(), program_path());
    wait_for_signal();
    std::printf("\nStopping.\n");
  }
  (*host)->stop();
  return ok ? exit_done : exit_failed;
}

}  // namespace tocsin::app
