// Tests that every TOML example of docs/settings.md is a file without faults.
#include "tests/unit/settings/settings_fixture.hpp"

#include <sstream>

namespace tocsin::test {
namespace {

struct example {
  int line = 0;
  std::string toml;
};

std::vector<example> examples_of(const std::string& file) {
  std::ifstream stream(file);
  std::vector<example> found;
  std::string line;
  bool inside = false;
  for (int number = 1; std::getline(stream, line); ++number) {
    if (!inside && line == "```toml") {
      inside = true;
      found.push_back({number, ""});
    } else if (inside && line == "```") {
      inside = false;
    } else if (inside) {
      found.back().toml += line + "\n";
    }
  }
  EXPECT_FALSE(inside) << "a block is not closed";
  return found;
}

// The built-in plugins as they are, and the fixture's for the rest.
manifest_catalogue built_in_plugins() {
  auto catalogue = all_plugins();
  for (const char* folder : {"channels/smtp", "presets/gmail", "sources/license_status"}) {
    std::ifstream stream(std::filesystem::path(TOCSIN_PLUGIN_SOURCES) / folder / "manifest.json");
    std::ostringstream text;
    text << stream.rdbuf();
    auto parsed = manifest_of(text.str());
    catalogue[parsed.id] = parsed;
  }
  return catalogue;
}

TEST(SettingsDocs, HaveOnlyExamplesThatWork) {
  const auto examples = examples_of(TOCSIN_SETTINGS_DOC);
  ASSERT_GE(examples.size(), 8u);
  for (const auto& example : examples) {
    const auto loaded = parse_settings(example.toml, "/srv/tocsin/tocsin.toml", built_in_plugins());
    EXPECT_TRUE(loaded.errors.empty()) << "docs/settings.md:" << example.line << "\n" << text_of(loaded.errors);
  }
}

}  // namespace
}  // namespace tocsin::test
