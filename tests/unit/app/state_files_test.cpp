// The files by which a command finds the running host.
#include "core/app/state_files.hpp"

#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <optional>

namespace tocsin::app {
namespace {

class StateFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "tocsin-app-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path folder_;
};

TEST_F(StateFiles, GiveTheAddressOfAHostThatServes) {
  const auto serving = write_address(folder_, "127.0.0.1:8480");
  ASSERT_TRUE(serving) << serving.error().to_string();
  EXPECT_EQ("127.0.0.1:8480", read_address(folder_));
  struct stat status {};
  ASSERT_EQ(0, ::stat((folder_ / "http.address").c_str(), &status));
  EXPECT_EQ(0600u, status.st_mode & 07777);
}

TEST_F(StateFiles, GiveNoAddressThatACrashedHostLeftBehind) {
  {
    const auto serving = write_address(folder_, "127.0.0.1:8480");
    ASSERT_TRUE(serving);
  }
  ASSERT_TRUE(std::filesystem::exists(folder_ / "http.address"));
  EXPECT_EQ("", read_address(folder_));
  const auto next = write_address(folder_, "127.0.0.1:8481");
  ASSERT_TRUE(next) << next.error().to_string();
  EXPECT_EQ("127.0.0.1:8481", read_address(folder_));
}

TEST_F(StateFiles, GiveNoAddressWhereNoHostRan) { EXPECT_EQ("", read_address(folder_)); }

TEST_F(StateFiles, NameTheFileAndTheReasonWhereAWriteFails) {
  std::filesystem::create_directory(folder_ / "http.address");
  const auto refused = write_address(folder_, "127.0.0.1:8480");
  ASSERT_FALSE(refused);
  EXPECT_NE(std::string::npos, refused.error().what.find("http.address cannot be written: Is a directory"))
      << refused.error().what;
}

}  // namespace
}  // namespace tocsin::app
