// Loads libraries out of sealed memory through Boost.DLL, and keeps them.
#include "core/plugin_host/files/library.hpp"

#include <boost/dll/shared_library.hpp>

#include <dlfcn.h>

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin {
namespace {

namespace dll = boost::dll;

// The file stays open with the library: glibc knows a library by its name, which bears the descriptor's number, so a
// number that were used again would give the old library.
struct loaded {
  plugin_file file;
  dll::shared_library library;
};

// Freed never: unloading is not to be relied on (thread_local destructors, threads of the plugin's), and at the end of
// the process it would run the plugins' destructors after the host's.
struct registry {
  std::mutex mutex;
  std::condition_variable freed;
  bool busy = false;  // somebody is at the libraries
  std::vector<std::unique_ptr<loaded>> libraries;
};

// One at a time is at the libraries; who waits too long for another's constructors gives up.
class turn {
 public:
  explicit turn(registry& known) : known_(known) {
    std::unique_lock lock(known_.mutex);
    has_ = known_.freed.wait_for(lock, std::chrono::seconds(2), [this] { return !known_.busy; });
    if (has_) known_.busy = true;
  }
  ~turn() { end(); }
  turn(const turn&) = delete;
  turn& operator=(const turn&) = delete;

  explicit operator bool() const { return has_; }
  void end() {
    if (!std::exchange(has_, false)) return;
    {
      const std::lock_guard lock(known_.mutex);
      known_.busy = false;
    }
    known_.freed.notify_one();
  }

 private:
  registry& known_;
  bool has_ = false;
};

registry& libraries() {
  static auto* kept = new registry;
  return *kept;
}

bool same_bytes(const plugin_file& a, const plugin_file& b) {
  return a.bytes().size() == b.bytes().size() && std::memcmp(a.bytes().data(), b.bytes().data(), a.bytes().size()) == 0;
}

// For debuggers and symbolizers, which cannot open the host's memory: what is loaded is then the file, not the copy.
bool from_real_path() {
  const char* wish = std::getenv("TOCSIN_DEBUG_PLUGINS");
  return wish && std::string_view(wish) == "1";
}

// dlerror's words, with the file's name instead of the descriptor's.
std::string loader_words(const std::filesystem::path& shown, const std::filesystem::path& loaded_from) {
  const char* words = ::dlerror();
  std::string text = words ? words : "the system's loader gave no reason";
  const std::string from = loaded_from.string();
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + shown.string().size()))
    text.replace(at, from.size(), shown.string());
  return text;
}

void enter(const std::function<void(const char*)>& on_stage, const char* stage) {
  if (on_stage) on_stage(stage);
}

result<const tocsin_entry*> ask_for_entry(const dll::shared_library& library,
                                          const std::function<void(const char*)>& on_stage) {
  enter(on_stage, "entry");
  if (!library.has(TOCSIN_ENTRY_SYMBOL)) {
    return fault{"PLUGIN_REFUSED",
                 "it does not export " TOCSIN_ENTRY_SYMBOL ".",
                 "Build it with tocsin_add_plugin(), and define the entry (TOCSIN_PLUGIN in C++).",
                 {}};
  }
  return library.get<const tocsin_entry*()>(TOCSIN_ENTRY_SYMBOL)();
}

fault held_up() {
  return {"PLUGIN_FAILED",
          "the system's loader is held up by another plugin, whose constructors do not return.",
          "See the report of the plugin that hangs, take it away and start again.",
          {}};
}

}  // namespace

result<void> check_loader_is_free() {
  registry& known = libraries();
  const std::lock_guard lock(known.mutex);
  if (known.busy) return held_up();
  return {};
}

result<const tocsin_entry*> load_library(plugin_file file, bool only_checked_bytes,
                                         const std::function<void(const char*)>& on_stage) {
  registry& known = libraries();
  turn own(known);
  if (!own) return held_up();
  for (const auto& other : known.libraries) {
    if (!same_bytes(other->file, file)) continue;
    const dll::shared_library& library = other->library;
    own.end();
    return ask_for_entry(library, on_stage);
  }
  const std::filesystem::path from = from_real_path() && !only_checked_bytes ? file.path() : file.loadable_path();
  auto made = std::make_unique<loaded>(loaded{std::move(file), {}});
  std::error_code failed;
  ::dlerror();
  enter(on_stage, "constructor");
  made->library.load(from, dll::load_mode::rtld_now | dll::load_mode::rtld_local, failed);
  if (failed) {
    return fault{"PLUGIN_REFUSED",
                 "the system cannot load it: " + loader_words(made->file.path(), from) + ".",
                 "Install what it needs, or another build of it.",
                 {}};
  }
  const dll::shared_library& library = known.libraries.emplace_back(std::move(made))->library;
  own.end();
  return ask_for_entry(library, on_stage);
}

}  // namespace tocsin
