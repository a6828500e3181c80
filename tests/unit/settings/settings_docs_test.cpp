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

TEST(SettingsDocs, HaveOnlyExamplesThatWork) {
  const auto examples = examples_of(TOCSIN_SETTINGS_DOC);
  ASSERT_GE(examples.size(), 8u);
  for (const auto& example : examples) {
    const auto loaded = load(example.toml);
    EXPECT_TRUE(loaded.errors.empty()) << "docs/settings.md:" << example.line << "\n" << text_of(loaded.errors);
  }
}

}  // namespace
}  // namespace tocsin::test
