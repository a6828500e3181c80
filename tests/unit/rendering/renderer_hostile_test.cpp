// Tests that no data breaks a message: it stays bounded, readable and whole.
#include "core/rendering/clean_text.hpp"
#include "tests/unit/rendering/rendering_fixture.hpp"

namespace tocsin::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::size_t bound = 600'000;

void expect_sound(const event& value) {
  const auto parts = try_render(value);
  ASSERT_TRUE(parts.has_value());
  EXPECT_LT(parts->text.size(), bound);
  EXPECT_LT(parts->html.size(), bound);
  EXPECT_LE(count_characters(parts->subject), 200u);
  EXPECT_EQ(parts->subject.find_first_of("\r\n"), std::string::npos);
  EXPECT_TRUE(parts->html.ends_with("</html>\n"));
  EXPECT_TRUE(parts->text.ends_with("Sent by Tocsin\n"));
  for (const auto* part : {&parts->subject, &parts->text, &parts->html}) {
    EXPECT_EQ(clean_text(*part, part->size()), *part) << "valid UTF-8 without control characters";
  }
}

TEST(RendererHostile, DataThatIsNotJsonIsShownAsText) {
  for (const std::string& data :
       {std::string("{"), std::string("\xff\xfe\x00\x01", 4), std::string("{\"a\":1,\"a\":2}"), std::string("null"),
        std::string(1 << 20, '['), std::string("{{#x}}{{/y}}")}) {
    expect_sound(plain_event(data));
  }
}

TEST(RendererHostile, TenThousandFieldsAreCutWithANote) {
  std::string data = "{\"f0\":0";
  for (int at = 1; at < 10000; ++at) data += ",\"f" + std::to_string(at) + "\":\"<" + std::to_string(at) + ">\"";
  const event value = plain_event(data + "}");
  expect_sound(value);
  EXPECT_THAT(render(value).text, HasSubstr("9900 further fields are not shown."));
}

TEST(RendererHostile, AMegabyteIsCut) {
  expect_sound(plain_event("{\"a\":\"" + std::string(1 << 20, '<') + "\"}"));
  expect_sound(plain_event("{\"" + std::string(1 << 20, 'k') + "\":1}"));
  std::string many = "{\"x\":1";
  for (int at = 0; at < 100; ++at) many += ",\"f" + std::to_string(at) + "\":\"" + std::string(5000, '\'') + "\"";
  expect_sound(plain_event(many + "}"));  // though every character is escaped
}

TEST(RendererHostile, DeepNestingIsShownAsText) {
  std::string deep = "{\"a\":";
  for (int at = 0; at < 31; ++at) deep += "[";
  for (int at = 0; at < 31; ++at) deep += "]";
  expect_sound(plain_event(deep + "}"));
  expect_sound(plain_event("{\"a\":" + std::string(100000, '[') + std::string(100000, ']') + "}"));
}

TEST(RendererHostile, SubjectsStayOneLine) {
  event value = plain_event("{}");
  value.subject = "x\r\nBcc: victim@example.org\r\n\r\nbody";
  EXPECT_EQ(render(value).subject, "[Error] x Bcc: victim@example.org body");
  value.subject = std::string(5000, 'x');
  expect_sound(value);
  value.subject.clear();
  for (int at = 0; at < 500; ++at) value.subject += "😀";
  expect_sound(value);
  EXPECT_EQ(count_characters(render(value).subject), 200u);
  value.subject = "{{severity}}{{{x}}}";
  EXPECT_EQ(render(value).subject, "[Error] {{severity}}{{{x}}}");
}

TEST(RendererHostile, LicenseDataCannotBreakOutOfItsSentence) {
  event value = license_event();
  value.time.reset();
  value.data =
      R"({"product":"P\n\nFake paragraph\r\nBcc: x","holder":"</td></table><a href='x'>","expires":"2026-12-05T12:00:00Z",
                   "days_left":9223372036854775807,"seats":-5,"used":9223372036854775807,"late":true,"step":-3})";
  expect_sound(value);
  EXPECT_THAT(render(value).subject, HasSubstr("License of P Fake paragraph Bcc: x ends in 9223372036854775807 days"));
  EXPECT_THAT(render(value).html, Not(HasSubstr("<a href")));
  value.data = R"({"product":"P","expires":"2026-12-05T12:00:00Z","days_left":-9223372036854775808})";
  value.type = "tocsin.license.expired";
  expect_sound(value);
}

}  // namespace
}  // namespace tocsin::test
