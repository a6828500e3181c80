// The process of a trial: loads one plugin, says at each step where it is, and ends.
#include "core/plugin_host/containment/plugin_trial.hpp"
#include "core/plugin_host/containment/trial_pipes.hpp"
#include "core/plugin_host/containment/trial_talk.hpp"
#include "core/plugin_host/files/library.hpp"
#include "core/plugin_host/files/manifest_reader.hpp"
#include "core/plugin_host/plugin_instance.hpp"
#include "core/plugin_host/plugin_lifetime.hpp"
#include "core/runtime/whole_file.hpp"
#include "core/settings/manifest_check.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin {
namespace {

// Where this process speaks, and the word that its lines begin with.
struct voice {
  int pipe = -1;
  std::string word;
};
voice& own_voice() {
  static voice own;
  return own;
}

void say(std::string_view line) {
  const std::string whole = trial_line(own_voice().word, line);
  if (write_all(own_voice().pipe, whole) != 0) ::_exit(1);
}

// Takes the word out of where the plugin could read it without a search, and the pipe out of what it could guess or
// hand on to a program that it starts.
void begin_to_speak(char* word) {
  own_voice().word = word;
  std::fill(word, word + std::strlen(word), '\0');
  own_voice().pipe = ::fcntl(trial_pipes::answers, F_DUPFD_CLOEXEC, 512);
  if (own_voice().pipe < 0) own_voice().pipe = ::fcntl(trial_pipes::answers, F_DUPFD_CLOEXEC, trial_pipes::providers);
  ::close(trial_pipes::answers);
}

// What has been said counts; destructors of a plugin's are not waited for.
[[noreturn]] void end_with(std::string_view line) {
  say(line);
  ::_exit(0);
}

void leave_nothing_behind(pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // the thread that started this waits for it
  if (::getppid() != parent) ::_exit(1);
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  ::prctl(PR_SET_DUMPABLE, 0);    // nor to a program that takes core files
  std::signal(SIGPIPE, SIG_IGN);  // as in the host
  // A sanitizer's handlers would turn a crash into an exit status.
  for (const int signal : {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL}) std::signal(signal, SIG_DFL);
}

// A library that was handed over, and what its manifest says.
struct subject {
  plugin_file file;
  manifest about;
};

subject take_over(int descriptor, const char* shown) {
  auto file = plugin_file::adopt(descriptor, shown);
  if (!file) end_with("unusable " + file.error().what);
  const auto notes = read_library_notes(file->bytes());
  if (!notes) end_with("unusable " + notes.error().what);
  auto about = read_manifest(notes->manifest);
  if (!about) end_with("unusable " + about.error().what);
  return {std::move(*file), std::move(*about)};
}

// A host that takes nothing and knows nothing, for plugins that are started here.
class mock_host {
 public:
  mock_host() : pool_(1), clock_(make_system_clock(pool_)) {}

  plugin_instance& make(manifest about) { return make_instance(std::move(about), services(), codes_); }

  // The tables of what it requires, of those that run.
  service_map services_for(const manifest& about) const {
    service_map found;
    for (const manifest_requirement& requirement : about.requirements) {
      for (const plugin_instance* running : running_) {
        const auto table = running->tables.all.find(requirement.service);
        if (table != running->tables.all.end())
          found.emplace(requirement.service, service_table{table->second, running->plugin->self});
      }
    }
    return found;
  }

  void start_provider(subject one) {
    plugin_instance& instance = make(std::move(one.about));
    const auto entry = load_library(std::move(one.file), true);
    if (!entry || !create_plugin(instance, *entry) || !start_plugin(instance, services_for(instance.about)))
      end_with("unusable a plugin that it requires does not start: " + instance.about.id);
    running_.push_back(&instance);
  }

  void start(manifest about, const tocsin_entry* entry) {
    plugin_instance& instance = make(std::move(about));
    say("stage create");
    if (!create_plugin(instance, entry)) return;  // one that says that it cannot work here has not ended anything
    say("stage start");
    static_cast<void>(start_plugin(instance, services_for(instance.about)));
  }

 private:
  plugin_host_services services() {
    plugin_host_services services;
    services.pool = &pool_;
    services.clock = clock_.get();
    services.complete = [](const std::vector<outcome>&) {};
    services.publish = [](const source_publication&, const std::function<void(result<publication_result>)>& done) {
      done(fault{"BUS_STOPPED", "No events are taken here.", {}, {}});
    };
    services.recall = [](const std::string&, const std::string&, const store::callback<std::string>& done) {
      done(std::string());
    };
    services.reveal = [](std::uint64_t) -> result<std::string> {
      return fault{"SETTINGS_INVALID", "There are no secrets here.", {}, {}};
    };
    services.call_limit = std::chrono::hours(1);  // whoever started this process holds the watch
    return services;
  }

  executor pool_;
  std::unique_ptr<tocsin::clock> clock_;
  const code_table codes_;
  std::vector<const plugin_instance*> running_;
};

[[noreturn]] void try_out(std::string_view depth, const char* shown, int provider_count) {
  subject plugin = take_over(trial_pipes::plugin, shown);
  try {
    std::optional<mock_host> host;  // has threads, which a trial of constructors alone does without
    if (depth == "start") host.emplace();
    for (int number = 0; host && number < provider_count; ++number)
      host->start_provider(take_over(trial_pipes::providers + number, "a plugin that it requires"));
    const auto entry =
        load_library(std::move(plugin.file), true, [](const char* stage) { say(std::string("stage ") + stage); });
    if (!entry) end_with("refused " + entry.error().what + "\t" + entry.error().remedy);
    if (const auto agrees = check_entry(*entry, plugin.about); !agrees)
      end_with("refused " + agrees.error().what + "\t" + agrees.error().remedy);
    if (host) host->start(std::move(plugin.about), *entry);
    end_with("passed");
  } catch (const std::exception& why) {
    end_with(std::string("threw ") + why.what());
  } catch (...) {
    end_with("threw what is no std::exception");
  }
}

}  // namespace

void run_trial(int count, char** arguments) {
  if (count != 7) ::_exit(2);
  begin_to_speak(arguments[6]);
  leave_nothing_behind(static_cast<pid_t>(std::strtol(arguments[2], nullptr, 10)));
  say("host " TOCSIN_VERSION);
  try_out(arguments[3], arguments[4], static_cast<int>(std::strtol(arguments[5], nullptr, 10)));
}

}  // namespace tocsin
