// Files that are replaced in one step.
#include "core/runtime/whole_file.hpp"

#include "core/model/hex.hpp"

#include <gtest/gtest.h>

#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

namespace tocsin {
namespace {

namespace fs = std::filesystem;

class WholeFile : public testing::Test {
 protected:
  WholeFile() {
    std::string name = (fs::temp_directory_path() / "tocsin-runtime-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~WholeFile() override { fs::remove_all(folder_); }
  std::string text() const {
    std::ifstream in(file());
    return {std::istreambuf_iterator<char>(in), {}};
  }
  fs::path file() const { return folder_ / "file"; }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }

  fs::path folder_;
};

TEST_F(WholeFile, TakesThePlaceOfTheOldOneAndIsPrivate) {
  ASSERT_EQ(replace_file(file(), "old").error, 0);
  const auto written = replace_file(file(), "new");
  ASSERT_EQ(written.error, 0);
  EXPECT_TRUE(written.file);
  EXPECT_EQ(text(), "new");
  struct stat seen {};
  ASSERT_EQ(::stat(file().c_str(), &seen), 0);
  EXPECT_EQ(seen.st_mode & 07777, 0600u);
  EXPECT_EQ(files(), 1u);
}

TEST_F(WholeFile, IsAsItWasWhereTheLastStepIsRefused) {
  ASSERT_EQ(replace_file(file(), "old").error, 0);
  EXPECT_EQ(replace_file(file(), "new", [](int) { return EPERM; }).error, EPERM);
  EXPECT_EQ(text(), "old");
  EXPECT_EQ(files(), 1u) << "what was written beside it is left";
}

TEST_F(WholeFile, SaysWhyThereIsNone) { EXPECT_EQ(replace_file(folder_ / "none" / "file", "new").error, ENOENT); }

TEST(Hex, IsTwoDigitsAByte) {
  constexpr std::array<unsigned char, 4> bytes{0x00, 0x0f, 0xa5, 0xff};
  EXPECT_EQ(to_hex(std::as_bytes(std::span(bytes))), "000fa5ff");
  EXPECT_EQ(to_hex({}), "");
}

}  // namespace
}  // namespace tocsin
