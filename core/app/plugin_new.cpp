// `tocsin plugin new`: copies a template, so that an author begins with a project that builds and passes.
#include <boost/json.hpp>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string_view>

#include "core/app/commands.hpp"

namespace tocsin::app {
namespace {

namespace fs = std::filesystem;

// What stands in the templates for the name, the title and the folder of the Rust crate.
constexpr std::string_view name_mark = "my-plugin";
constexpr std::string_view title_mark = "My plugin";
constexpr std::string_view crate_mark = "../../../rust";
constexpr std::size_t max_name = 64;

// [a-z][a-z0-9]*(-[a-z0-9]+)*, as the manifest's id.
bool is_plugin_name(std::string_view name) {
  if (name.empty() || name.size() > max_name || name.front() < 'a' || name.front() > 'z' || name.back() == '-')
    return false;
  if (name.find("--") != std::string_view::npos) return false;
  return std::all_of(name.begin(), name.end(),
                     [](char at) { return (at >= 'a' && at <= 'z') || (at >= '0' && at <= '9') || at == '-'; });
}

std::string title_of(std::string name) {
  std::replace(name.begin(), name.end(), '-', ' ');
  name.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(name.front())));
  return name;
}

// The build tree mirrors the install tree: bin/tocsin, share/tocsin.
fs::path share_folder() {
  std::error_code error;
  const auto program = fs::read_symlink("/proc/self/exe", error);
  return program.parent_path().parent_path() / "share/tocsin";
}

std::string read_whole(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(in)), {});
  if (!in) throw std::runtime_error("cannot read " + file.string());
  return text;
}

void write_whole(const fs::path& file, const std::string& text) {
  std::ofstream out(file, std::ios::binary);
  out << text;
  out.close();
  if (!out) throw std::runtime_error("cannot write " + file.string() + "; is there room on the disk?");
}

void replace_all(std::string& text, std::string_view mark, const std::string& by) {
  for (std::size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, at + by.size()))
    text.replace(at, mark.size(), by);
}

// What is left of a build in a template's folder is no part of it.
bool is_build_output(const fs::path& relative) {
  const std::string first = relative.begin()->string();
  return first == "target" || first == "build" || first == "Cargo.lock";
}

void copy_template(const fs::path& from, const fs::path& to, const std::string& name, const fs::path& crate) {
  for (const auto& entry : fs::recursive_directory_iterator(from)) {
    const fs::path relative = entry.path().lexically_relative(from);
    if (is_build_output(relative)) continue;
    if (entry.is_directory()) {
      fs::create_directories(to / relative);
      continue;
    }
    std::string text = read_whole(entry.path());
    replace_all(text, name_mark, name);
    replace_all(text, title_mark, title_of(name));
    replace_all(text, crate_mark, crate.string());
    fs::create_directories((to / relative).parent_path());
    write_whole(to / relative, text);
  }
}

int usage(const std::string& what) {
  std::fprintf(stderr, "tocsin: %s\n", what.c_str());
  return exit_usage;
}

}  // namespace

int plugin_new(const plugin_new_options& options) {
  if (!is_plugin_name(options.name)) {
    return usage("\"" + options.name +
                 "\" cannot be a plugin's name: it takes small letters, digits and single hyphens between them, begins "
                 "with a letter and has at most 64 characters, such as \"chat-room\".");
  }
  const fs::path from = share_folder() / "templates" / options.language / options.kind;
  std::error_code error;
  if (!fs::is_directory(from, error)) {
    const fs::path languages = share_folder() / "templates";
    std::string others;
    for (const char* language : {"cpp", "c", "rust"})
      if (fs::is_directory(languages / language / options.kind, error)) others += std::string(" --lang ") + language;
    if (others.empty()) {
      std::fprintf(stderr,
                   "tocsin: there is no template %s. Install the SDK beside this program: cmake --install BUILD "
                   "--component sdk\n",
                   from.c_str());
    } else {
      std::fprintf(stderr, "tocsin: there is no template for %s in %s. There is:%s\n", options.kind.c_str(),
                   options.language.c_str(), others.c_str());
    }
    return exit_failed;
  }
  const fs::path to = options.directory.empty() ? fs::path(options.name) : options.directory;
  fs::create_directories(fs::absolute(to).lexically_normal().parent_path());
  // create_directory answers false for what is there already, whatever it is: nothing is ever overwritten.
  if (!fs::create_directory(to, error)) {
    const std::string why = error ? error.message() : "it is there already";
    return usage("cannot make the folder " + to.string() + ": " + why +
                 ". Nothing was changed; name another with --directory.");
  }
  copy_template(from, to, options.name, fs::weakly_canonical(share_folder() / "rust"));
  if (options.json) {
    const boost::json::object made{{"directory", fs::absolute(to).lexically_normal().string()}};
    std::printf("%s\n", boost::json::serialize(made).c_str());
    return exit_done;
  }
  std::printf("Made %s, a %s in %s. README.md there says how to build, test and configure it.\n", to.c_str(),
              options.kind.c_str(), options.language.c_str());
  return exit_done;
}

}  // namespace tocsin::app
