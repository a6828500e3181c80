// What is sealed opens with its own key, for its own row, unchanged; else not at all.
#include "core/store/sealing.hpp"
#include "tests/unit/store/store_fixture.hpp"

#include <sys/stat.h>

#include <fstream>

namespace tocsin::test {
namespace {

class Sealing : public ::testing::Test {
 protected:
  sealing_key key(const char* name = "store.key") {
    auto found = sealing_key::load(folder_.path() / name);
    if (*found) return std::move(**found);
    return std::move(*sealing_key::make(folder_.path() / name));
  }
  temporary_folder folder_;
};

TEST_F(Sealing, OpensWhatItSealed) {
  const auto one = key();
  for (const std::string& text : {std::string(), std::string("x"), std::string(10'000, 'y')}) {
    const auto sealed = one.seal(text, 7);
    ASSERT_TRUE(sealed);
    EXPECT_EQ(text, one.open(*sealed, 7));
  }
}

TEST_F(Sealing, ReadsTheKeyThatItMade) {
  const auto sealed = key().seal("secret", 7);
  EXPECT_EQ("secret", key().open(*sealed, 7));
  EXPECT_EQ(key().id(), key().id());
  EXPECT_EQ(32u, std::filesystem::file_size(folder_.path() / "store.key"));
}

TEST_F(Sealing, NeverSealsTheSameWayTwice) {
  const auto one = key();
  EXPECT_NE(*one.seal("secret", 7), *one.seal("secret", 7));
}

TEST_F(Sealing, OpensNothingOfAnotherKeyOrAnotherRow) {
  const auto one = key(), other = key("other.key");
  const auto sealed = one.seal("secret", 7);
  EXPECT_EQ(std::nullopt, other.open(*sealed, 7));
  EXPECT_EQ(std::nullopt, one.open(*sealed, 8));
  EXPECT_NE(one.id(), other.id());
}

TEST_F(Sealing, OpensNothingThatWasChangedOrCut) {
  const auto one = key();
  const auto sealed = *one.seal("secret", 7);
  for (std::size_t at = 0; at < sealed.size(); ++at) {
    auto changed = sealed;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    EXPECT_EQ(std::nullopt, one.open(changed, 7)) << at;
    EXPECT_EQ(std::nullopt, one.open(sealed.substr(0, at), 7)) << at;
  }
}

TEST_F(Sealing, RefusesAKeyOfTheWrongSizeOrThatOthersMayRead) {
  const auto path = folder_.path() / "store.key";
  std::ofstream(path) << "short";
  ASSERT_EQ(0, ::chmod(path.c_str(), 0600));
  auto opened = sealing_key::load(path);
  ASSERT_FALSE(opened);
  EXPECT_EQ("STORE_FAILED", opened.error().code);
  std::ofstream(path) << std::string(32, 'k');
  ASSERT_EQ(0, ::chmod(path.c_str(), 0640));
  const auto again = sealing_key::load(path);
  ASSERT_FALSE(again);
  EXPECT_NE(std::string::npos, again.error().what.find("0600"));
}

}  // namespace
}  // namespace tocsin::test
