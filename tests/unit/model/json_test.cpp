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

TEST(JsonParts, AreTheMembersOrElementsAsTheyAreWritten) {
  const auto members = json_parts(R"( {"a" : 1.50 , "b\"}" : "x,\\\"]" ,"c":[1, {"d":2}], "":{ } } )");
  ASSERT_EQ(members.size(), 4u);
  EXPECT_EQ(members[0].name, "\"a\"");
  EXPECT_EQ(members[0].value, "1.50");
  EXPECT_EQ(members[1].name, R"("b\"}")");
  EXPECT_EQ(members[1].value, R"("x,\\\"]")");
  EXPECT_EQ(members[2].value, R"([1, {"d":2}])");
  EXPECT_EQ(members[3].name, "\"\"");
  EXPECT_EQ(members[3].value, "{ }");
  const auto elements = json_parts("[ 1 ,[2,3],\"four\" ]");
  ASSERT_EQ(elements.size(), 3u);
  EXPECT_EQ(elements[0].name, "");
  EXPECT_EQ(elements[0].value, "1");
  EXPECT_EQ(elements[1].value, "[2,3]");
  EXPECT_EQ(elements[2].value, "\"four\"");
  EXPECT_TRUE(json_parts("[]").empty());
  EXPECT_TRUE(json_parts(" { } ").empty());
  EXPECT_TRUE(json_parts("5").empty());
}

TEST(CompactJson, DropsWhiteSpaceBetweenPartsOnly) {
  EXPECT_EQ(compact_json("{ \"a b\" :\n[1.50,\t\"x \\\" y\" ]\r\n}"), "{\"a b\":[1.50,\"x \\\" y\"]}");
  EXPECT_EQ(compact_json(" 1E2 "), "1E2");
}

}  // namespace
}  // namespace tocsin
