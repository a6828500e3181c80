// Tests of an event's data as fields.
#include "core/rendering/data_fields.hpp"

#include <gtest/gtest.h>

namespace tocsin {
namespace {

event_data read(std::string data, std::string type = "") {
  event value;
  value.data = std::move(data);
  value.data_content_type = std::move(type);
  return read_event_data(value);
}

TEST(DataFields, ShowScalarsAsTheyAreAndNestedValuesAsCompactJson) {
  const auto data =
      read(R"({"text": "two\nlines", "n": 5, "x": 1.5, "on": true, "none": null, "list": [1, "a"], "o": {"k": {}}})");
  ASSERT_EQ(data.fields.size(), 7u);
  EXPECT_EQ(data.fields[0].name, "text");
  EXPECT_EQ(data.fields[0].value, "two\nlines");
  EXPECT_EQ(data.fields[1].value, "5");
  EXPECT_EQ(data.fields[2].value, "1.5");
  EXPECT_EQ(data.fields[3].value, "true");
  EXPECT_EQ(data.fields[4].value, "");
  EXPECT_EQ(data.fields[5].value, R"([1,"a"])");
  EXPECT_EQ(data.fields[6].value, R"({"k":{}})");
}

TEST(DataFields, ShowNumbersAsAPersonWritesThem) {
  const auto data = read(R"({"a": 0.1, "b": -19.9, "c": 1E3, "d": 123456789.25, "e": 1e-7, "f": 1e300, "g": 0.0,
    "h": 18446744073709551615, "i": [1.5, {"k": 2.5E-1}]})");
  std::vector<std::string> shown;
  for (const auto& field : data.fields) shown.push_back(field.value);
  EXPECT_EQ(shown, (std::vector<std::string>{"0.1", "-19.9", "1000", "123456789.25", "0.0000001", "1e+300", "0",
                                             "18446744073709551615", R"([1.5,{"k":0.25}])"}));
}

TEST(DataFields, ShowWhatIsNoJsonObjectAsItIs) {
  EXPECT_EQ(read("[1, 2]").text, "[1,2]");
  EXPECT_EQ(read("\"hello\"").text, "hello");
  EXPECT_EQ(read("not json").text, "not json");
  EXPECT_EQ(read("{\"a\": 1}", "text/plain").text, "{\"a\": 1}");
  EXPECT_EQ(read("{\"a\": 1}", "application/vnd.x+json").fields.size(), 1u);
  EXPECT_TRUE(read("").fields.empty());
  EXPECT_EQ(read("").text, "");
}

TEST(DataFields, AreBounded) {
  std::string many = "{\"f0\": 0";
  for (int at = 1; at < 10000; ++at) many += ",\"f" + std::to_string(at) + "\": 0";
  const auto data = read(many + "}");
  EXPECT_EQ(data.fields.size(), most_fields);
  EXPECT_EQ(data.not_shown, 10000 - most_fields);
  EXPECT_LE(read("{\"a\": \"" + std::string(1 << 20, 'x') + "\"}").fields.at(0).value.size(), longest_value + 3);
  EXPECT_LE(read("{\"a\": [\"" + std::string(1 << 20, 'x') + "\"]}").fields.at(0).value.size(), longest_value + 3);
  EXPECT_LE(read("{\"" + std::string(1 << 20, 'x') + "\": 1}").fields.at(0).name.size(), 103u);
  EXPECT_LE(read(std::string(1 << 20, '[')).text.size(), longest_text + 3);
}

}  // namespace
}  // namespace tocsin
