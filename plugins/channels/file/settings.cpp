// The settings of an endpoint: from the host's JSON to values.
#include "plugins/channels/file/settings.hpp"

#include <tocsin/sdk/json.hpp>

#include <algorithm>

namespace tocsin::file {
namespace {

[[noreturn]] void refuse(const std::string& why) { throw sdk::failure(TOCSIN_INVALID, why); }

std::string read_path(const sdk::json_reader& settings) {
  std::string path = settings.text("path").value_or("");
  if (path.empty()) refuse("path is empty; name the Maildir's folder, or the file that lines are appended to");
  if (path.find('\0') != std::string::npos) refuse("path has a zero byte in it; give a plain path");
  if (path.front() != '/') refuse("path \"" + path + "\" is relative; give one that begins with /");
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  if (path == "/") refuse("path is the root folder; name a folder or file in it");
  return path;
}

mode_t read_mode(const std::string& text) {
  const bool octal = text.size() == 4 && text.front() == '0' &&
                     std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '7'; });
  if (!octal) refuse("mode is \"" + text + "\"; it takes four octal digits such as \"0600\" or \"0640\"");
  mode_t mode = 0;
  for (const char c : text) mode = mode * 8 + static_cast<mode_t>(c - '0');
  if ((mode & 0600U) != 0600U) refuse("mode is \"" + text + "\"; the owner must be able to read and write: \"0600\"");
  if ((mode & 0002U) != 0) refuse("mode is \"" + text + "\"; others may not write: use \"0640\" or \"0644\"");
  return mode;
}

}  // namespace

endpoint_settings read_settings(std::string_view json) {
  const sdk::json_reader settings(json);
  endpoint_settings made;
  made.path = read_path(settings);
  const std::string format = settings.text("format").value_or("maildir");
  if (format != "maildir" && format != "jsonl") refuse("format is \"" + format + "\"; it takes maildir or jsonl");
  made.format = format == "jsonl" ? format::jsonl : format::maildir;
  made.mode = read_mode(settings.text("mode").value_or("0600"));
  return made;
}

}  // namespace tocsin::file
