// Tests of the nearest known name.
#include "core/settings/suggestion.hpp"

#include <gtest/gtest.h>

namespace tocsin {
namespace {

TEST(Suggestion, CountsChangesAndSwappedNeighbours) {
  EXPECT_EQ(edit_distance("port", "port"), 0u);
  EXPECT_EQ(edit_distance("prot", "port"), 1u);
  EXPECT_EQ(edit_distance("", "port"), 4u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
}

TEST(Suggestion, FindsWhatWasMeant) {
  const std::vector<std::string> known = {"host", "port", "secure_connection", "username"};
  EXPECT_EQ(nearest("prot", known), "port");
  EXPECT_EQ(nearest("Secure-Connection", known), "secure_connection");
  EXPECT_EQ(nearest("user_name", known), "username");
  EXPECT_EQ(nearest("colour", known), "");
  EXPECT_EQ(nearest("", known), "");
  EXPECT_EQ(nearest(std::string(100000, 'x'), known), "");
}

TEST(Suggestion, ListsNamesAsPeopleDo) {
  EXPECT_EQ(any_of(std::vector<std::string>{"a", "b", "c"}), "\"a\", \"b\" or \"c\"");
  EXPECT_EQ(any_of({}), "nothing");
}

}  // namespace
}  // namespace tocsin
