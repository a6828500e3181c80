// Deliveries into a Maildir: each a file that is whole and on the disk before it appears in new/.
#include "plugins/channels/file/mail.hpp"
#include "plugins/channels/file/system_file.hpp"
#include "plugins/channels/file/target.hpp"

#include <dirent.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <ctime>

namespace tocsin::file {
namespace {

// What ends the names of our files in tmp/, by which leftovers of a crash are known.
constexpr std::string_view unfinished = ".tocsin";
constexpr std::time_t leftover_age = 36 * 3600;  // what Maildir readers take for abandoned

class maildir : public target {
 public:
  explicit maildir(const endpoint_settings& settings) : settings_(settings) {}

  item prepare(const sdk::message& message) const override {
    return {message.delivery(), message.endpoint(), maildir_name(message), compose_mail(message)};
  }

  std::vector<verdict> write(std::span<const item> batch) override {
    std::vector<verdict> verdicts(batch.size());
    try {
      const folders open = open_or_make();
      for (std::size_t i = 0; i < batch.size(); ++i) verdicts[i] = put(open, batch[i]);
      // One for all of them: the names are on the disk.
      sync(open.fresh, settings_.path + "/new");
    } catch (const trouble& why) {
      for (verdict& one : verdicts) {
        if (one.ok()) one = why.what;
      }
    }
    return verdicts;
  }

  std::string check_path() override {
    const descriptor parent = open_parent(settings_.path);
    if (::faccessat(parent.get(), base().c_str(), F_OK, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT) {
      return settings_.path + " is not there yet and is made with the first notification";
    }
    const descriptor top = open_folder(parent, base(), settings_.path);
    return "a folder for a Maildir, " + settings_.path;
  }

  std::string check_write() override {
    const descriptor parent = open_parent(settings_.path);
    if (::faccessat(parent.get(), base().c_str(), F_OK, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT) {
      check_room(parent, folder_of(settings_.path));
      return "there is room in " + folder_of(settings_.path);
    }
    const folders open = open_or_make();
    check_room(open.fresh, settings_.path + "/new");
    const std::string name = unfinished_name("doctor");
    const unfinished_file probe(open.temporary, name, settings_);
    write_all(probe.file, "tocsin doctor\n", settings_.path + "/tmp/" + name);
    sync(probe.file, settings_.path + "/tmp/" + name);
    return "a file was written, brought to the disk and removed again";
  }

 private:
  struct folders {
    descriptor temporary;
    descriptor fresh;
  };

  // A new file in tmp/, gone with its owner unless it was moved.
  struct unfinished_file {
    unfinished_file(const descriptor& folder, const std::string& named, const endpoint_settings& settings)
        : in(folder), name(named) {
      file = descriptor(
          ::openat(in.get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, settings.mode));
      if (!file) fail(errno, "create " + settings.path + "/tmp/" + name);
      if (::fchmod(file.get(), settings.mode) != 0) fail(errno, "set the mode of " + settings.path + "/tmp/" + name);
    }
    unfinished_file(const unfinished_file&) = delete;
    unfinished_file& operator=(const unfinished_file&) = delete;
    ~unfinished_file() {
      if (!moved && file) ::unlinkat(in.get(), name.c_str(), 0);
    }

    const descriptor& in;
    const std::string name;
    descriptor file;
    bool moved = false;
  };

  std::string base() const { return settings_.path.substr(settings_.path.rfind('/') + 1); }

  static std::string unfinished_name(const std::string& name) {
    static std::atomic<std::uint64_t> count{0};
    return name + ".P" + std::to_string(::getpid()) + "Q" + std::to_string(++count) + std::string(unfinished);
  }

  static descriptor open_folder(const descriptor& in, const std::string& name, const std::string& path) {
    descriptor opened(::openat(in.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!opened) fail(errno, "open the folder " + path);
    check_owner(facts_of(opened, path), path);
    return opened;
  }

  descriptor make_folder(const descriptor& in, const std::string& name, const std::string& path) const {
    if (::mkdirat(in.get(), name.c_str(), settings_.folder_mode()) != 0) {
      if (errno != EEXIST) fail(errno, "make the folder " + path);
      return open_folder(in, name, path);
    }
    descriptor made = open_folder(in, name, path);
    if (::fchmod(made.get(), settings_.folder_mode()) != 0) fail(errno, "set the mode of " + path);
    sync(in, path);
    return made;
  }

  folders open_or_make() {
    const descriptor top = make_folder(open_parent(settings_.path), base(), settings_.path);
    make_folder(top, "cur", settings_.path + "/cur");
    folders open{make_folder(top, "tmp", settings_.path + "/tmp"), make_folder(top, "new", settings_.path + "/new")};
    if (!swept_) sweep(open.temporary);
    swept_ = true;
    return open;
  }

  // Removes what a crash left in tmp/.
  static void sweep(const descriptor& temporary) {
    const int copy = ::openat(temporary.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR* list = copy < 0 ? nullptr : ::fdopendir(copy);
    if (list == nullptr) {
      if (copy >= 0) ::close(copy);
      return;
    }
    while (const dirent* entry = ::readdir(list)) {
      const std::string_view name = entry->d_name;
      struct stat facts {};
      const bool ours = name.size() > unfinished.size() && name.substr(name.size() - unfinished.size()) == unfinished;
      if (ours && ::fstatat(temporary.get(), entry->d_name, &facts, AT_SYMLINK_NOFOLLOW) == 0 &&
          facts.st_mtime < std::time(nullptr) - leftover_age) {
        ::unlinkat(temporary.get(), entry->d_name, 0);
      }
    }
    ::closedir(list);
  }

  // A copy that a crash has us write again takes the place of the first, which is the same byte for byte.
  verdict put(const folders& open, const item& one) const {
    const std::string path = settings_.path + "/new/" + one.name;
    try {
      unfinished_file fresh(open.temporary, unfinished_name(one.name), settings_);
      write_all(fresh.file, one.bytes, path);
      sync(fresh.file, path);
      if (::renameat(open.temporary.get(), fresh.name.c_str(), open.fresh.get(), one.name.c_str()) != 0) {
        fail(errno, "move a notification to " + path);
      }
      fresh.moved = true;
      return {};
    } catch (const trouble& why) {
      return why.what;
    }
  }

  const endpoint_settings settings_;
  bool swept_ = false;
};

}  // namespace

std::unique_ptr<target> open_maildir(const endpoint_settings& settings) { return std::make_unique<maildir>(settings); }

}  // namespace tocsin::file
