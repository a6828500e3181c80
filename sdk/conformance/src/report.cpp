// SPDX-License-Identifier: Apache-2.0
// What came out, for people, for programs and for build servers.
#include "sdk/conformance/src/values.hpp"

#include <tocsin/conformance/conformance.hpp>
#include <tocsin/sdk/json.hpp>

#include <cstdio>

namespace tocsin::conformance {
namespace {

const char* word(verdict what) {
  switch (what) {
    case verdict::ok:
      return "ok";
    case verdict::failed:
      return "failed";
    default:
      return "skipped";
  }
}

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

std::string seconds(std::chrono::milliseconds duration) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.1f s", static_cast<double>(duration.count()) / 1000.0);
  return text;
}

// A plugin may print anything: bytes that a terminal or XML would not show become spaces.
std::string printable(std::string_view text) {
  if (!is_utf8(text)) return "(not UTF-8) " + shown(text);
  std::string safe(text);
  for (char& each : safe) {
    const auto byte = static_cast<unsigned char>(each);
    if ((byte < 0x20 && each != '\n') || byte == 0x7f) each = ' ';
  }
  return safe;
}

std::string xml(std::string_view text) {
  std::string safe;
  const std::string readable = printable(text);
  for (std::size_t at = 0; at < readable.size(); ++at) {
    const std::string_view rest = std::string_view(readable).substr(at, 3);
    if (rest == "\xef\xbf\xbe" || rest == "\xef\xbf\xbf") {  // U+FFFE, U+FFFF: no characters of XML
      safe += ' ';
      at += 2;
      continue;
    }
    switch (readable[at]) {
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '&':
        safe += "&amp;";
        break;
      case '"':
        safe += "&quot;";
        break;
      default:
        safe += readable[at];
    }
  }
  return safe;
}

// JSON takes UTF-8 only, and a plugin may print anything.
std::string json_safe(std::string_view text) { return sdk::json_text(is_utf8(text) ? std::string(text) : shown(text)); }

template <class List, class Each>
std::string json_list(const List& list, Each&& each) {
  std::string text = "[";
  for (const auto& one : list) text += (text.size() > 1 ? "," : "") + each(one);
  return text + "]";
}

std::string name_of(const subject& what) {
  std::string name = what.id.empty() ? what.file.filename().string() : what.id + " " + what.version;
  if (!what.build_id.empty()) name += ", build " + what.build_id;
  return name;
}

std::string breach_lines(const subject& what, const breach& one, const painter& paint) {
  const auto line = [&](const char* label, const std::string& text) {
    return "         " + paint(padded(label, 8), "dim") + text + "\n";
  };
  std::string text = line("what", one.what);
  if (!one.call.empty()) text += line("call", one.call);
  text += line("law", one.law);
  text += line("stands", one.header + ", " + one.tag);
  text += line("plugin", name_of(what));
  return text;
}

}  // namespace

std::string shell_word(const std::string& text) {
  static constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=:,./@%";
  if (!text.empty() && text.find_first_not_of(plain) == std::string::npos) return text;
  std::string word = "'";
  for (const char each : text) word += each == '\'' ? std::string("'\\''") : std::string(1, each);
  return word + "'";
}

std::string reproduce(const subject& what, const case_result& result, std::uint64_t seed) {
  std::string with;
  for (const library& one : what.with) with += " --with " + shell_word(one.file.string());
  return "tocsin plugin test " + shell_word(what.file.string()) + with + what.arguments + " --only " +
         std::string(result.about.name) + " --seed " + std::to_string(seed);
}

std::string to_text(const subject& what, const case_result& result, std::uint64_t seed, const painter& paint) {
  constexpr std::size_t width = 49;
  const std::string name = padded(std::string(result.about.name), width);
  if (result.verdict == verdict::ok) return paint("ok      ", "ok") + " " + std::string(result.about.name) + "\n";
  if (result.verdict == verdict::skipped)
    return paint("skipped ", "skipped") + " " + name + paint(result.reason, "dim") + "\n";
  std::string text = paint("FAILED  ", "failed") + " " + std::string(result.about.name) + "\n";
  constexpr std::size_t most = 3;
  for (std::size_t index = 0; index < result.breaches.size() && index < most; ++index)
    text += breach_lines(what, result.breaches[index], paint);
  if (result.breaches.size() > most)
    text += "         " +
            paint("and " + std::to_string(result.breaches.size() - most) + " more; --json has all", "dim") + "\n";
  for (const std::string& line : result.log)
    text += "         " + paint(padded("it said", 8), "dim") + printable(line) + "\n";
  return text + "         " + paint(padded("again", 8), "dim") + reproduce(what, result, seed) + "\n";
}

std::string summary(const report& all, const painter& paint) {
  const std::size_t failed = all.count(verdict::failed);
  std::string text = "\n" + name_of(all.about) + ": " + paint(std::to_string(all.count(verdict::ok)) + " ok", "ok") +
                     ", " + paint(std::to_string(failed) + " failed", failed == 0 ? "dim" : "failed") + ", " +
                     std::to_string(all.count(verdict::skipped)) + " skipped in " + seconds(all.duration);
  if (failed != 0) text += " (seed " + std::to_string(all.seed) + ")";
  return text + "\n";
}

std::string to_json(const report& all) {
  const auto breach_object = [](const breach& one) {
    return sdk::json_writer()
        .raw("what", json_safe(one.what))
        .text("law", one.law)
        .text("header", one.header)
        .text("tag", one.tag)
        .text("call", one.call)
        .str();
  };
  const auto result_object = [&](const case_result& one) {
    sdk::json_writer object;
    object.text("case", one.about.name).text("verdict", word(one.verdict)).integer("ms", one.duration.count());
    if (one.verdict == verdict::skipped) object.raw("reason", json_safe(one.reason));
    if (one.verdict == verdict::failed) {
      object.raw("breaches", json_list(one.breaches, breach_object));
      object.raw("log", json_list(one.log, [](const std::string& line) { return json_safe(line); }));
      object.raw("reproduce", json_safe(reproduce(all.about, one, all.seed)));
    }
    return object.str();
  };
  return sdk::json_writer()
      .raw("file", json_safe(all.about.file.string()))
      .text("id", all.about.id)
      .text("version", all.about.version)
      .text("build_id", all.about.build_id)
      .raw("seed", std::to_string(all.seed))
      .integer("ok", static_cast<std::int64_t>(all.count(verdict::ok)))
      .integer("failed", static_cast<std::int64_t>(all.count(verdict::failed)))
      .integer("skipped", static_cast<std::int64_t>(all.count(verdict::skipped)))
      .raw("cases", json_list(all.results, result_object))
      .str();
}

std::string to_junit(const report& all) {
  const auto time = [](std::chrono::milliseconds duration) {
    char text[32];
    std::snprintf(text, sizeof(text), "%.3f", static_cast<double>(duration.count()) / 1000.0);
    return std::string(text);
  };
  const painter plain = [](std::string_view text, std::string_view) { return std::string(text); };
  const std::string suite = all.about.id.empty() ? all.about.file.filename().string() : all.about.id;
  std::string text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"" + xml(suite) + "\" tests=\"" +
                     std::to_string(all.results.size()) + "\" failures=\"" +
                     std::to_string(all.count(verdict::failed)) + "\" skipped=\"" +
                     std::to_string(all.count(verdict::skipped)) + "\" time=\"" + time(all.duration) + "\">\n";
  for (const case_result& one : all.results) {
    text += "  <testcase classname=\"" + xml(suite) + "\" name=\"" + xml(one.about.name) + "\" time=\"" +
            time(one.duration) + "\"";
    if (one.verdict == verdict::ok) {
      text += "/>\n";
    } else if (one.verdict == verdict::skipped) {
      text += "><skipped message=\"" + xml(one.reason) + "\"/></testcase>\n";
    } else {
      const std::string first = one.breaches.empty() ? "" : one.breaches.front().what;
      text += "><failure message=\"" + xml(first) + "\">" + xml(to_text(all.about, one, all.seed, plain)) +
              "</failure></testcase>\n";
    }
  }
  return text + "</testsuite>\n";
}

}  // namespace tocsin::conformance
