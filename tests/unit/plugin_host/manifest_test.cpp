// What a manifest may say, and the faults that its author reads.
#include "core/model/manifest.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "core/model/capability.hpp"

namespace tocsin {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* least = R"("id": "smtp", "version": "1.2.3", "abi": {"major": 1, "minor": 0}, "provides": [])";

result<manifest> parse(const std::string& more) {
  return parse_manifest("{" + std::string(least) + (more.empty() ? "" : ", " + more) + "}");
}
// "key: what" of the fault.
std::string fault_of(const result<manifest>& read) {
  return read ? "none" : read.error().place.key + ": " + read.error().what;
}

TEST(Manifest, NeedsIdVersionAbiAndProvidesOnly) {
  const auto read = parse("");
  ASSERT_TRUE(read) << read.error().to_string();
  EXPECT_EQ(read->id, "smtp");
  EXPECT_EQ(read->version, "1.2.3");
  EXPECT_EQ(read->abi_major, 1u);
  for (const std::string missing : {"id", "version", "abi", "provides"}) {
    std::string text = "{" + std::string(least) + "}";
    text.replace(text.find("\"" + missing + "\""), missing.size() + 2, "\"title\"");
    EXPECT_NE(fault_of(parse_manifest(text)), "none") << missing;
  }
}

TEST(Manifest, ReadsEveryMember) {
  const auto read = parse(R"("title": "T", "description": "D", "provides2": 1)");
  EXPECT_THAT(fault_of(read), HasSubstr("provides2: is no member"));
  const auto whole = parse_manifest(R"({
    "id": "gmail", "version": "0.1.0", "abi": {"major": 1, "minor": 2}, "title": "T", "description": "D",
    "provides": ["tocsin.channel/1-draft", "org.example.thing/12"],
    "requires": [{"service": "tocsin.stream/1-draft", "locality": "same_process"}, {"service": "a/1"},
                 {"service": "b/1", "locality": "any"}],
    "parts": ["subject", "html"], "stages": ["dns", "tcp"],
    "codes": [{"code": "TCP_REFUSED", "stage": "tcp", "class": "transient", "explanation": "E.", "remedy": "R."}],
    "capabilities": ["connect: setting:host,port"],
    "settings": {"type": "object", "properties": {"host": {"type": "string"}}, "required": ["host"]},
    "groups": {"server": ["plugin", "limits.messages_per_day"]},
    "preset": {"for": "smtp", "defaults": {"port": 587}, "constraints": [{"key": "port"}], "replies": [], "quotas": [],
               "strip_spaces": ["password"]}
  })");
  ASSERT_TRUE(whole) << whole.error().to_string();
  EXPECT_THAT(whole->provides, ElementsAre("tocsin.channel/1-draft", "org.example.thing/12"));
  EXPECT_TRUE(whole->provides_extension("org.example.thing/12"));
  EXPECT_FALSE(whole->provides_extension("org.example.thing"));
  ASSERT_EQ(whole->requirements.size(), 3u);
  EXPECT_TRUE(whole->requirements[0].same_process);
  EXPECT_TRUE(whole->requirements[1].same_process);
  EXPECT_FALSE(whole->requirements[2].same_process);
  EXPECT_THAT(whole->parts, ElementsAre("subject", "html"));
  EXPECT_THAT(whole->stages, ElementsAre("dns", "tcp"));
  ASSERT_EQ(whole->codes.size(), 1u);
  EXPECT_EQ(whole->codes[0].outcome_class, outcome_class::transient);
  EXPECT_THAT(whole->groups.at("server"), ElementsAre("plugin", "limits.messages_per_day"));
  ASSERT_TRUE(whole->preset);
  EXPECT_EQ(whole->preset->channel_plugin, "smtp");
  EXPECT_EQ(whole->preset->defaults.at("port").as_int64(), 587);
  EXPECT_TRUE(whole->preset->json.contains("constraints"));
  EXPECT_TRUE(whole->preset->json.contains("strip_spaces"));
  EXPECT_TRUE(whole->settings.contains("properties"));
}

TEST(Manifest, TakesOnlyNamesOfSettingsWhoseSpacesGo) {
  const auto read = [](const std::string& names) {
    return parse_manifest(R"({"id": "p", "version": "0.1.0", "abi": {"major": 1, "minor": 0}, "provides": [],
      "preset": {"for": "smtp", "strip_spaces": )" +
                          names + "}}");
  };
  EXPECT_TRUE(read(R"(["password"])"));
  EXPECT_THAT(fault_of(read("true")), HasSubstr("preset.strip_spaces"));
  EXPECT_THAT(fault_of(read("[1]")), HasSubstr("preset.strip_spaces[0]"));
}

result<manifest> with_routes(const std::string& routes) {
  return parse_manifest(R"({"id": "p", "version": "0.1.0", "abi": {"major": 1, "minor": 0},
      "provides": ["tocsin.source/1-draft", "tocsin.http_route/1-draft"], "http_routes": )" +
                        routes + "}");
}

TEST(Manifest, ReadsWhatASourceTakes) {
  const auto read = with_routes(R"([
      {"method": "POST", "path": "/heartbeat", "summary": "One beat"},
      {"method": "GET", "path": "/robots/v1.0/_all~", "scope": "read"},
      {"method": "PUT", "path": "/heartbeat", "scope": "open", "content_types": ["*/*", "text/x-beat+json"]}])");
  ASSERT_TRUE(read) << read.error().to_string();
  ASSERT_EQ(read->http_routes.size(), 3u);
  EXPECT_EQ(read->http_routes[0].scope, "publish");
  EXPECT_EQ(read->http_routes[0].summary, "One beat");
  EXPECT_THAT(read->http_routes[0].content_types, ElementsAre("application/json"));
  EXPECT_FALSE(read->http_routes[1].takes_body());
  EXPECT_EQ(read->http_routes[1].path, "/robots/v1.0/_all~");
  EXPECT_EQ(read->http_routes[2].scope, "open");
  EXPECT_THAT(read->http_routes[2].content_types, ElementsAre("*/*", "text/x-beat+json"));
}

TEST(Manifest, SaysWhatIsWrongWithWhatASourceTakes) {
  const auto fault_at = [](const std::string& route) { return fault_of(with_routes("[" + route + "]")); };
  EXPECT_EQ(fault_at(R"({"path": "/a"})"), "http_routes[0].method: is missing.");
  EXPECT_EQ(fault_at(R"({"method": "HEAD", "path": "/a"})"),
            "http_routes[0].method: must be GET, POST, PUT, PATCH or DELETE.");
  EXPECT_EQ(fault_at(R"({"method": "GET", "path": "/a", "scope": "admin"})"),
            "http_routes[0].scope: must be publish, read or open.");
  EXPECT_EQ(fault_at(R"({"method": "GET", "path": "/a", "content_types": ["text/plain"]})"),
            "http_routes[0].content_types: is for POST, PUT and PATCH: GET has no body.");
  EXPECT_EQ(fault_at(R"({"method": "PUT", "path": "/a", "content_types": []})"),
            "http_routes[0].content_types: must name a type; \"*/*\" is any.");
  for (const std::string type : {"json", "Text/plain", "text/", "/plain", "text/plain; charset=utf-8", "a/b/c"})
    EXPECT_THAT(fault_at(R"({"method": "PUT", "path": "/a", "content_types": [")" + type + "\"]}"),
                HasSubstr("http_routes[0].content_types[0]: must be a media type"))
        << type;
  for (const std::string path :
       {"", "/", "a", "/a/", "//a", "/a//b", "/a b", "/a%20", "/a?b", "/a#b", "/.", "/a/../b", "/\u00e4"})
    EXPECT_THAT(fault_at(R"({"method": "GET", "path": ")" + path + "\"}"),
                HasSubstr("http_routes[0].path: must be a path"))
        << path;
  EXPECT_EQ(fault_at(R"({"method": "GET", "path": "/a"}, {"method": "GET", "path": "/a"})"),
            "http_routes[1]: GET /a is there twice.");
  EXPECT_THAT(fault_at(R"({"method": "GET", "path": "/a", "body": 1})"),
              HasSubstr("http_routes[0].body: is no member"));
  EXPECT_THAT(fault_of(parse(R"("http_routes": [{"method": "GET", "path": "/a"}])")),
              HasSubstr("http_routes: needs tocsin.http_route/1-draft in \"provides\""));
}

TEST(Manifest, HoldsIdsToTheirForm) {
  for (const char* id : {"a", "smtp", "license-status", "a1-b2-c3"})
    EXPECT_TRUE(parse_manifest(R"({"id": ")" + std::string(id) +
                               R"(", "version": "1.0.0", "abi": {"major": 1, "minor": 0}, "provides": []})"))
        << id;
  for (const std::string& id :
       {std::string(), std::string("1a"), std::string("-a"), std::string("a-"), std::string("a--b"), std::string("A"),
        std::string("a_b"), std::string("../a"), std::string(65, 'a')})
    EXPECT_FALSE(parse_manifest(R"({"id": ")" + id +
                                R"(", "version": "1.0.0", "abi": {"major": 1, "minor": 0}, "provides": []})"))
        << id;
}

TEST(Manifest, HoldsVersionsToThreeNumbers) {
  for (const std::string version : {"1", "1.0", "1.0.0.0", "1.0.x", "01.0.0", "1..0", "", "1.0.0-rc1", "v1.0.0"})
    EXPECT_FALSE(parse_manifest(R"({"id": "a", "version": ")" + version +
                                R"(", "abi": {"major": 1, "minor": 0}, "provides": []})"))
        << version;
}

TEST(Manifest, NamesTheMemberThatIsWrong) {
  EXPECT_THAT(fault_of(parse(R"("title": 1)")), HasSubstr("title: must be a string"));
  EXPECT_THAT(fault_of(parse(R"("parts": ["subject", "pdf"])")), HasSubstr("parts[1]: must be subject, text or html"));
  EXPECT_THAT(fault_of(parse(R"("stages": ["a", "a"])")), HasSubstr("stages[1]: is there twice"));
  EXPECT_THAT(fault_of(parse(R"("requires": [{"service": "x"}])")), HasSubstr("requires[0].service: must be"));
  EXPECT_THAT(fault_of(parse(R"("requires": [{"service": "x/1", "locality": "moon"}])")),
              HasSubstr("requires[0].locality: must be same_process or any"));
  EXPECT_THAT(fault_of(parse(R"("requires": [{"service": "tocsin.stream/1-draft", "locality": "any"}])")),
              HasSubstr("requires[0].locality: must be same_process: tocsin.stream/1-draft is a table of functions"));
  EXPECT_THAT(fault_of(parse(R"("codes": [{"code": "x", "class": "auth", "explanation": ""}])")),
              HasSubstr("codes[0].code: must be an upper-case word"));
  EXPECT_THAT(fault_of(parse(R"("codes": [{"code": "X", "class": "returned", "explanation": ""}])")),
              HasSubstr("codes[0].class: \"returned\" is no class"));
  EXPECT_THAT(fault_of(parse(R"("codes": [{"code": "X", "class": "auth"}])")),
              HasSubstr("codes[0].explanation: is missing"));
  EXPECT_THAT(fault_of(parse(R"("settings": {"type": "array"})")), HasSubstr("settings.type: must be object"));
  EXPECT_THAT(fault_of(parse(R"("groups": {"server": "host"})")), HasSubstr("groups.server: must be a list"));
  EXPECT_THAT(fault_of(parse(R"("preset": {"defaults": {}})")), HasSubstr("preset.for: is missing"));
}

TEST(Manifest, TakesTheVerbsOfTheTableAndListsThemWhereThereIsAnother) {
  for (const capability_verb& one : capability_verbs)
    EXPECT_TRUE(parse(R"("capabilities": [")" + std::string(one.verb) + R"(: setting:a.b,c"])")) << one.verb;
  EXPECT_THAT(
      fault_of(parse(R"("capabilities": ["read: setting:a", "erase: setting:a"])")),
      HasSubstr("capabilities[1]: begins with \"erase\", which is no verb: it must be connect, listen, read, run "
                "or write."));
  for (const std::string wrong : {"read", "read:", "read: ", "read: path", "read:setting:a",
                                  "read: setting:", "read: setting:a,", "read: setting:a, b", "read: setting:a,,b"})
    EXPECT_THAT(fault_of(parse(R"("capabilities": [")" + wrong + "\"]")),
                HasSubstr("capabilities[0]: must name settings, such as \"read: setting:path\""))
        << wrong;
  for (const std::string wrong : {" read: setting:a", "Read: setting:a", "reads: setting:a"})
    EXPECT_THAT(fault_of(parse(R"("capabilities": [")" + wrong + "\"]")), HasSubstr("which is no verb")) << wrong;
  EXPECT_THAT(fault_of(parse(R"("capabilities": ["read setting:path"])")), HasSubstr("is no verb"));
  EXPECT_THAT(fault_of(parse(R"("capabilities": ["reads"])")), HasSubstr("must be a verb, a colon and the settings"));
}

TEST(Manifest, TheGuideForAuthorsHasTheTableOfVerbs) {
  std::ifstream file(AUTHORS_GUIDE);
  const std::string guide{std::istreambuf_iterator<char>(file), {}};
  std::string table = "| verb | the plugin |\n|---|---|\n";
  for (const capability_verb& one : capability_verbs)
    table += "| `" + std::string(one.verb) + "` | " + std::string(one.meaning) + " |\n";
  EXPECT_THAT(guide, HasSubstr(table + "\n"));
}

TEST(Manifest, RefusesWhatIsNoJsonObjectAndSaysWhere) {
  const auto broken = parse_manifest("{\n  \"id\": \"a\",\n  oops\n}");
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().code, "MANIFEST_INVALID");
  EXPECT_EQ(broken.error().place.line, 3);
  EXPECT_FALSE(parse_manifest("[]"));
  EXPECT_FALSE(parse_manifest(""));
}

TEST(CodeTable, ExplainsEveryCodeOfTheHosts) {
  const code_table codes;
  for (const char* code :
       {"OK", "RENDER_FAILED", "CHANNEL_UNKNOWN", "SETTINGS_INVALID", "RECIPIENT_INVALID", "PLUGIN_CRASHED",
        "PLUGIN_HUNG", "EXPIRED", "SILENCED", "INHIBITED", "QUIET_HOURS", "RATE_CAPPED", "MUTED", "COMMAND_TIMEOUT"}) {
    const code_entry& entry = codes.find(code);
    EXPECT_EQ(entry.code, code);
    EXPECT_NE(entry.explanation, "") << code;
    EXPECT_EQ(entry.remedy.empty(), entry.code == "OK") << code;
  }
}

TEST(CodeTable, KeepsAnEntryThatIsThereAlready) {
  code_table codes;
  const std::vector<code_entry> more{{"OK", "", outcome_class::auth, "Not so.", ""},
                                     {"TCP_REFUSED", "tcp", outcome_class::transient, "Refused.", "Start it."}};
  codes.add(more);
  EXPECT_EQ(codes.find("OK").outcome_class, outcome_class::delivered);
  EXPECT_EQ(codes.find("TCP_REFUSED").stage, "tcp");
  EXPECT_EQ(codes.find("NO_SUCH_CODE").outcome_class, outcome_class::transient);
}

}  // namespace
}  // namespace tocsin
