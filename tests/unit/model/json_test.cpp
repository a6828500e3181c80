#include "core/model/json.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace tocsin {
namespace {

TEST(Json, IsParsed) {
  const auto value = parse_json(R"({"a":[1,2.5,true,null,"\u00e9"]})");
  ASSERT_TRUE(value) << value.error().what;
  EXPECT_EQ(value->at("a").as_array().size(), 5u);
}

TEST(Json, MayNotRepeatAMember) {
  const auto value = parse_json(R"({"a":[{"b":1,"b":2}]})");
  ASSERT_FALSE(value);
  EXPECT_NE(value.error().what.find("same name"), std::string::npos);
}

TEST(Json, MayNotBeDeeperThanItsLimit) {
  EXPECT_TRUE(parse_json(std::string(32, '[') + std::string(32, ']')));
  const auto value = parse_json(std::string(33, '[') + std::string(33, ']'));
  ASSERT_FALSE(value);
  EXPECT_NE(value.error().what.find("32 levels"), std::string::npos);
}

TEST(Json, FaultNamesLineAndColumn) {
  const auto value = parse_json("{\n  \"a\": nope\n}");
  ASSERT_FALSE(value);
  EXPECT_EQ(value.error().place.line, 2);
  EXPECT_EQ(value.error().place.column, 8);
}

TEST(Json, RefusesWhatIsNotStrict) {
  for (const char* text : {"", "{", "[1,]", "{} {}", "'a'", "\"\xff\"", "\xef\xbb\xbf{}", "// c\n1", "NaN", "01"})
    EXPECT_FALSE(parse_json(text)) << text;
}

}  // namespace
}  // namespace tocsin
