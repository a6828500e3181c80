// Tests of Mustache as we use it.
#include "core/rendering/compiled_template.hpp"

#include <gtest/gtest.h>

namespace tocsin {
namespace {

std::string fill(std::string_view text, const template_values& values, escaping how = escaping::none) {
  auto made = compiled_template::compile(text, how);
  EXPECT_TRUE(made.has_value());
  return made->render(values);
}

TEST(CompiledTemplate, FillsInValuesSectionsAndLists) {
  const template_values values{{{"name", "Ada"}}, {{"rows", {{{"x", "1"}}, {{"x", "2"}}}}}};
  EXPECT_EQ(fill("{{#name}}Hello {{name}}!{{/name}}{{^title}} No title.{{/title}} {{#rows}}{{x}};{{/rows}}", values),
            "Hello Ada! No title. 1;2;");
}

TEST(CompiledTemplate, EscapesForHtmlAlone) {
  const template_values values{{{"v", "<b>&\"'"}}, {}};
  EXPECT_EQ(fill("{{v}}", values, escaping::html), "&lt;b&gt;&amp;&quot;&apos;");
  EXPECT_EQ(fill("{{v}}", values), "<b>&\"'");
}

TEST(CompiledTemplate, DoesNotReadValuesAsTemplates) {
  EXPECT_EQ(fill("{{v}}", {{{"v", "{{name}} {{{name}}} {{#name}}"}, {"name", "no"}}, {}}),
            "{{name}} {{{name}}} {{#name}}");
}

TEST(CompiledTemplate, RefusesWhatIsNotMustache) {
  for (const char* text : {"{{#open}}", "{{/shut}}", "{{unfinished", "{{> partial}}"}) {
    const auto made = compiled_template::compile(text, escaping::none);
    ASSERT_FALSE(made.has_value()) << text;
    EXPECT_EQ(made.error().code, "RENDER_FAILED");
  }
}

}  // namespace
}  // namespace tocsin
