#include "core/app/console.hpp"

#include <unistd.h>
#include <boost/json.hpp>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

namespace tocsin::app {
namespace {

bool colours_wanted() {
  static const bool wanted = isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr;
  return wanted;
}

// Columns on a terminal: bytes that do not continue a UTF-8 character.
std::size_t width(std::string_view text) {
  std::size_t columns = 0;
  bool in_escape = false;
  for (const char c : text) {
    if (c == '\x1b') in_escape = true;
    if (!in_escape && (static_cast<unsigned char>(c) & 0xc0) != 0x80) ++columns;
    if (in_escape && c == 'm') in_escape = false;
  }
  return columns;
}

}  // namespace

std::string paint(std::string_view text, colour how) {
  const char* start = "";
  switch (how) {
    case colour::none:
      break;
    case colour::green:
      start = "\x1b[32m";
      break;
    case colour::yellow:
      start = "\x1b[33m";
      break;
    case colour::red:
      start = "\x1b[31m";
      break;
    case colour::bold:
      start = "\x1b[1m";
      break;
    case colour::dim:
      start = "\x1b[2m";
      break;
  }
  if (!colours_wanted() || *start == '\0') return std::string(text);
  return start + std::string(text) + "\x1b[0m";
}

void print_table(const std::vector<std::string>& head, const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& cell : head) widths.push_back(width(cell));
  for (const auto& row : rows)
    for (std::size_t at = 0; at < row.size() && at < widths.size(); ++at)
      widths[at] = std::max(widths[at], width(row[at]));
  const auto print_row = [&widths](const std::vector<std::string>& row, colour how) {
    std::string line;
    for (std::size_t at = 0; at < row.size(); ++at) {
      line += paint(row[at], how);
      if (at + 1 < row.size()) line.append(widths[at] - width(row[at]) + 2, ' ');
    }
    std::printf("%s\n", line.c_str());
  };
  print_row(head, colour::dim);
  for (const auto& row : rows) print_row(row, colour::none);
}

boost::json::array to_json(const faults& all) {
  boost::json::array array;
  for (const auto& why : all) {
    array.push_back({{"code", why.code},
                     {"file", why.place.file},
                     {"line", why.place.line},
                     {"column", why.place.column},
                     {"key", why.place.key},
                     {"what", why.what},
                     {"remedy", why.remedy}});
  }
  return array;
}

void print_faults(const faults& all, bool json) {
  if (json) {
    std::printf("%s\n", boost::json::serialize(to_json(all)).c_str());
    return;
  }
  for (const auto& why : all) std::fprintf(stderr, "%s\n", why.to_string().c_str());
}

int fail(const fault& why, bool json, int status) {
  print_faults({why}, json);
  return status;
}

result<std::string> read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return fault{"FILE_UNREADABLE", path + " cannot be read: " + std::strerror(errno) + ".", "", {}};
  return std::string(std::istreambuf_iterator<char>(in), {});
}

}  // namespace tocsin::app
