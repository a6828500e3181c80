// Reads a plugin's manifest from its JSON form and checks every member of it. docs/formats/manifest.md
#include "core/model/manifest.hpp"

#include "core/model/capability.hpp"
#include "core/model/json.hpp"

#include <tocsin/abi/ext/http_route.h>
#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <initializer_list>
#include <limits>

namespace tocsin {
namespace {

namespace json = boost::json;
using std::string;
using std::string_view;

// Carries a fault out of the nested readers below; never leaves parse_manifest().
struct refused {
  fault why;
};

[[noreturn]] void refuse(string key, string what, string remedy = "Correct it in manifest.json and build again.") {
  throw refused{{"MANIFEST_INVALID", std::move(what), std::move(remedy), {.file = {}, .key = std::move(key)}}};
}

bool lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool digit(char c) { return c >= '0' && c <= '9'; }

// [a-z][a-z0-9]*(-[a-z0-9]+)*, at most 64 characters.
bool is_plugin_id(string_view text) {
  if (text.empty() || text.size() > 64 || digit(text.front()) || text.back() == '-') return false;
  char previous = '-';
  for (char c : text) {
    if (c == '-' ? previous == '-' : !lower_or_digit(c)) return false;
    previous = c;
  }
  return true;
}

bool is_version_part(string_view text) {
  if (text.empty() || text.size() > 9 || (text.size() > 1 && text.front() == '0')) return false;
  return std::all_of(text.begin(), text.end(), digit);
}

// MAJOR.MINOR.PATCH.
bool is_version(string_view text) {
  const auto first = text.find('.');
  if (first == text.npos) return false;
  const auto second = text.find('.', first + 1);
  if (second == text.npos) return false;
  return is_version_part(text.substr(0, first)) && is_version_part(text.substr(first + 1, second - first - 1)) &&
         is_version_part(text.substr(second + 1));
}

// NAME/REVISION or NAME/REVISION-draft, NAME being dotted words.
bool is_extension_id(string_view text) {
  const auto slash = text.find('/');
  if (slash == text.npos || slash == 0 || text.size() > 128) return false;
  const string_view name = text.substr(0, slash);
  if (!std::all_of(name.begin(), name.end(),
                   [](char c) { return lower_or_digit(c) || c == '.' || c == '_' || c == '-'; }))
    return false;
  string_view revision = text.substr(slash + 1);
  if (revision.ends_with("-draft")) revision.remove_suffix(6);
  return is_version_part(revision);
}

bool is_code(string_view text) {
  if (text.empty() || text.size() > 64 || text.front() < 'A' || text.front() > 'Z') return false;
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= 'A' && c <= 'Z') || digit(c) || c == '_'; });
}

string joined(string_view above, string_view key) {
  return above.empty() ? string(key) : string(above) + "." + string(key);
}
string element(string_view list, std::size_t index) { return string(list) + "[" + std::to_string(index) + "]"; }

// One JSON object of the manifest: gives its members by type, and knows where it stands for the fault's sake.
class object_reader {
 public:
  object_reader(const json::value& value, string key) : key_(std::move(key)) {
    if (!value.is_object()) refuse(key_, "must be an object.");
    object_ = &value.get_object();
  }

  void only(std::initializer_list<string_view> known) const {
    for (const auto& member : *object_) {
      if (std::find(known.begin(), known.end(), string_view(member.key())) != known.end()) continue;
      string names;
      for (string_view name : known) names += (names.empty() ? "" : ", ") + string(name);
      refuse(at(member.key()), "is no member of a manifest here; known are " + names + ".");
    }
  }

  const json::value* find(string_view name) const { return object_->if_contains(name); }

  const json::value& need(string_view name) const {
    const json::value* value = find(name);
    if (!value) refuse(at(name), "is missing.");
    return *value;
  }

  string text(string_view name) const { return as_text(need(name), at(name)); }
  string text_or_empty(string_view name) const {
    const json::value* value = find(name);
    return value ? as_text(*value, at(name)) : string();
  }

  std::uint32_t number(string_view name) const {
    const json::value& value = need(name);
    const std::int64_t* number = value.if_int64();
    if (!number || *number < 0 || *number > 0xffff) refuse(at(name), "must be an integer from 0 to 65535.");
    return static_cast<std::uint32_t>(*number);
  }

  json::object object(string_view name) const {
    const json::value* value = find(name);
    if (!value) return {};
    if (!value->is_object()) refuse(at(name), "must be an object.");
    return value->get_object();
  }

  // Calls fn(element, its key) for each element of a list; a list that is not there is empty.
  template <class Function>
  void each(string_view name, Function fn) const {
    const json::value* value = find(name);
    if (!value) return;
    if (!value->is_array()) refuse(at(name), "must be a list.");
    std::size_t index = 0;
    for (const json::value& item : value->get_array()) fn(item, element(at(name), index++));
  }

  std::vector<string> texts(string_view name) const {
    std::vector<string> values;
    each(name, [&](const json::value& item, const string& key) {
      string value = as_text(item, key);
      if (value.empty()) refuse(key, "must not be empty.");
      if (std::find(values.begin(), values.end(), value) != values.end()) refuse(key, "is there twice.");
      values.push_back(std::move(value));
    });
    return values;
  }

  string at(string_view name) const { return joined(key_, name); }

 private:
  static string as_text(const json::value& value, const string& key) {
    const json::string* text = value.if_string();
    if (!text) refuse(key, "must be a string.");
    return string(*text);
  }

  string key_;
  const json::object* object_ = nullptr;
};

outcome_class parse_class(const string& text, const string& key) {
  for (auto each = outcome_class::delivered; each != outcome_class::returned;
       each = static_cast<outcome_class>(static_cast<std::uint32_t>(each) + 1))
    if (to_text(each) == text) return each;
  refuse(key, "\"" + text +
                  "\" is no class; it may be delivered, permanent, transient, throttled, config, auth or "
                  "uncertain.");
}

void read_identity(const object_reader& top, manifest& into) {
  into.id = top.text("id");
  if (!is_plugin_id(into.id)) {
    refuse("id",
           "must be words of lower-case letters and digits joined by '-', beginning with a letter, at most 64 "
           "characters.");
  }
  into.version = top.text("version");
  if (!is_version(into.version)) refuse("version", "must be MAJOR.MINOR.PATCH, such as 1.0.0.");
  const object_reader abi(top.need("abi"), "abi");
  abi.only({"major", "minor"});
  into.abi_major = abi.number("major");
  into.abi_minor = abi.number("minor");
  into.title = top.text_or_empty("title");
  into.description = top.text_or_empty("description");
}

// Services that a plugin calls directly, with pointers: the host does not stand between.
bool hands_over_functions(string_view service) {
  constexpr std::array<string_view, 3> direct{"tocsin.stream/", "tocsin.http_client/", "tocsin.signin/"};
  return std::any_of(direct.begin(), direct.end(), [&](string_view prefix) { return service.starts_with(prefix); });
}

void read_extensions(const object_reader& top, manifest& into) {
  static_cast<void>(top.need("provides"));
  into.provides = top.texts("provides");
  for (std::size_t index = 0; index < into.provides.size(); ++index) {
    if (!is_extension_id(into.provides[index]))
      refuse(element("provides", index), "must be an extension id, such as tocsin.channel/1.");
  }
  top.each("requires", [&](const json::value& item, const string& key) {
    const object_reader requirement(item, key);
    requirement.only({"service", "locality"});
    manifest_requirement value;
    value.service = requirement.text("service");
    if (!is_extension_id(value.service))
      refuse(requirement.at("service"), "must be an extension id, such as tocsin.stream/1.");
    const string locality = requirement.find("locality") ? requirement.text("locality") : "same_process";
    if (locality != "same_process" && locality != "any")
      refuse(requirement.at("locality"), "must be same_process or any.");
    value.same_process = locality == "same_process";
    if (!value.same_process && hands_over_functions(value.service)) {
      refuse(requirement.at("locality"), "must be same_process: " + value.service +
                                             " is a table of functions, which cannot be called from another process.");
    }
    into.requirements.push_back(std::move(value));
  });
}

void read_codes(const object_reader& top, manifest& into) {
  top.each("codes", [&](const json::value& item, const string& key) {
    const object_reader entry(item, key);
    entry.only({"code", "stage", "class", "explanation", "remedy"});
    code_entry value;
    value.code = entry.text("code");
    if (!is_code(value.code)) refuse(entry.at("code"), "must be an upper-case word, such as CERT_EXPIRED.");
    const auto same = [&](const code_entry& other) { return other.code == value.code; };
    if (std::any_of(into.codes.begin(), into.codes.end(), same)) refuse(entry.at("code"), "is there twice.");
    value.stage = entry.text_or_empty("stage");
    value.outcome_class = parse_class(entry.text("class"), entry.at("class"));
    value.explanation = entry.text("explanation");
    value.remedy = entry.text_or_empty("remedy");
    into.codes.push_back(std::move(value));
  });
}

void read_settings(const object_reader& top, manifest& into) {
  into.settings = top.object("settings");
  if (into.settings.empty()) return;
  const object_reader schema(top.need("settings"), "settings");
  schema.only({"type", "title", "description", "properties", "required"});
  if (schema.text("type") != "object") refuse("settings.type", "must be object.");
  static_cast<void>(schema.object("properties"));
  static_cast<void>(schema.texts("required"));
}

void read_groups(const object_reader& top, manifest& into) {
  if (!top.find("groups")) return;
  const object_reader groups(top.need("groups"), "groups");
  for (const auto& member : top.need("groups").get_object())
    into.groups.emplace(member.key(), groups.texts(member.key()));
}

void read_preset(const object_reader& top, manifest& into) {
  if (!top.find("preset")) return;
  const object_reader preset(top.need("preset"), "preset");
  preset.only({"for", "defaults", "constraints", "replies", "quotas", "strip_spaces"});
  preset_data data;
  data.channel_plugin = preset.text("for");
  if (!is_plugin_id(data.channel_plugin)) refuse("preset.for", "must be the id of a channel's plugin.");
  data.defaults = preset.object("defaults");
  for (string_view list : {"constraints", "replies", "quotas"}) {
    preset.each(list, [](const json::value& item, const string& key) {
      if (!item.is_object()) refuse(key, "must be an object.");
    });
  }
  static_cast<void>(preset.texts("strip_spaces"));
  data.json = top.object("preset");
  into.preset = std::move(data);
}

// "/" and segments of letters, digits and "-._~", none of them "." or "..": such a path is the same, encoded or not.
bool is_route_path(string_view text) {
  if (text.empty() || text.size() > 256 || text.front() != '/') return false;
  while (!text.empty()) {
    text.remove_prefix(1);
    const string_view segment = text.substr(0, text.find('/'));
    if (segment.empty() || segment == "." || segment == "..") return false;
    if (!std::all_of(segment.begin(), segment.end(), [](char c) {
          return lower_or_digit(c) || (c >= 'A' && c <= 'Z') || string_view("-._~").find(c) != string_view::npos;
        }))
      return false;
    text.remove_prefix(segment.size());
  }
  return true;
}

// TYPE/SUBTYPE in lower case, without parameters, or */*.
bool is_media_type(string_view text) {
  if (text == "*/*") return true;
  const auto slash = text.find('/');
  if (slash == string_view::npos || slash == 0 || slash + 1 == text.size() || text.size() > 128) return false;
  return std::all_of(text.begin(), text.end(), [&text, slash](const char& c) {
    const bool is_the_slash = &c == text.data() + slash;
    return is_the_slash || lower_or_digit(c) || string_view("-.+_").find(c) != string_view::npos;
  });
}

manifest_http_route read_http_route(const object_reader& entry) {
  entry.only({"method", "path", "scope", "content_types", "summary"});
  manifest_http_route route;
  route.method = entry.text("method");
  constexpr std::array<string_view, 5> methods{"GET", "POST", "PUT", "PATCH", "DELETE"};
  if (std::find(methods.begin(), methods.end(), route.method) == methods.end())
    refuse(entry.at("method"), "must be GET, POST, PUT, PATCH or DELETE.");
  route.path = entry.text("path");
  if (!is_route_path(route.path)) {
    refuse(entry.at("path"),
           "must be a path such as /heartbeat: \"/\" and segments of letters, digits and \"-._~\", at most 256 "
           "characters.");
  }
  if (entry.find("scope")) route.scope = entry.text("scope");
  if (route.scope != "publish" && route.scope != "read" && route.scope != "open")
    refuse(entry.at("scope"), "must be publish, read or open.");
  if (entry.find("content_types")) {
    if (!route.takes_body())
      refuse(entry.at("content_types"), "is for POST, PUT and PATCH: " + route.method + " has no body.");
    route.content_types = entry.texts("content_types");
    if (route.content_types.empty()) refuse(entry.at("content_types"), "must name a type; \"*/*\" is any.");
    for (std::size_t index = 0; index < route.content_types.size(); ++index) {
      if (!is_media_type(route.content_types[index]))
        refuse(element(entry.at("content_types"), index),
               "must be a media type in lower case without parameters, such as application/json, or */*.");
    }
  }
  route.summary = entry.text_or_empty("summary");
  return route;
}

void read_http_routes(const object_reader& top, manifest& into) {
  top.each("http_routes", [&](const json::value& item, const string& key) {
    auto route = read_http_route(object_reader(item, key));
    const auto same = [&](const auto& other) { return other.method == route.method && other.path == route.path; };
    if (std::any_of(into.http_routes.begin(), into.http_routes.end(), same))
      refuse(key, route.method + " " + route.path + " is there twice.");
    into.http_routes.push_back(std::move(route));
  });
  if (!into.http_routes.empty() && !into.provides_extension(TOCSIN_EXT_HTTP_ROUTE))
    refuse("http_routes", "needs " TOCSIN_EXT_HTTP_ROUTE " in \"provides\": nobody would take these requests.");
}

manifest read(const json::value& value) {
  const object_reader top(value, "");
  top.only({"id", "version", "abi", "title", "description", "provides", "requires", "parts", "stages", "codes",
            "capabilities", "settings", "groups", "preset", "http_routes"});
  manifest into;
  read_identity(top, into);
  read_extensions(top, into);
  into.parts = top.texts("parts");
  for (std::size_t index = 0; index < into.parts.size(); ++index) {
    const string& part = into.parts[index];
    if (part != "subject" && part != "text" && part != "html")
      refuse(element("parts", index), "must be subject, text or html.");
  }
  into.stages = top.texts("stages");
  read_codes(top, into);
  into.capabilities = top.texts("capabilities");
  for (std::size_t index = 0; index < into.capabilities.size(); ++index) {
    if (auto wrong = fault_of_capability(into.capabilities[index]); !wrong.empty())
      refuse(element("capabilities", index), std::move(wrong));
  }
  read_settings(top, into);
  read_groups(top, into);
  read_preset(top, into);
  read_http_routes(top, into);
  return into;
}

}  // namespace

bool manifest::provides_extension(std::string_view extension_id) const {
  return std::find(provides.begin(), provides.end(), extension_id) != provides.end();
}

result<manifest> parse_manifest(std::string_view text) {
  result<json::value> value = parse_json(text);
  if (!value) {
    fault why = value.error();
    why.code = "MANIFEST_INVALID";
    return why;
  }
  try {
    return read(*value);
  } catch (const refused& broken) {
    return broken.why;
  }
}

}  // namespace tocsin
