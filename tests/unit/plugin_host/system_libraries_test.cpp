// Whether the libraries that a plugin needs can be found, without loading one.
#include "core/plugin_host/files/system_libraries.hpp"

#include "core/plugin_host/files/manifest_reader.hpp"
#include "support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

namespace tocsin {
namespace {

using testing::Contains;
using testing::HasSubstr;
using names = std::vector<std::string>;

TEST(SystemLibraries, AreReadFromThePluginsDynamicSection) {
  const auto bytes = test::read_bytes(test::plugin_path("marking"));
  const auto notes = read_library_notes(bytes);
  ASSERT_TRUE(notes);
  EXPECT_THAT(notes->needed, Contains("libc.so.6"));
  EXPECT_TRUE(check_needed(notes->needed));
}

TEST(SystemLibraries, NamesTheOneThatIsNotInstalled) {
  const auto found = check_needed(names{"libc.so.6", "libtocsin-nowhere.so.9"});
  ASSERT_FALSE(found);
  EXPECT_THAT(found.error().what, HasSubstr("libtocsin-nowhere.so.9, which is not installed"));
}

TEST(SystemLibraries, RefusesOneThatIsNamedByItsPath) {
  const auto found = check_needed(names{"./libc.so.6"});
  ASSERT_FALSE(found);
  EXPECT_THAT(found.error().what, HasSubstr("by its path"));
}

TEST(SystemLibraries, LooksInTheLibraryPathOfTheEnvironment) {
  const test::temporary_folder folder;
  std::ofstream(folder.path() / "libtocsin-elsewhere.so") << "x";
  EXPECT_FALSE(check_needed(names{"libtocsin-elsewhere.so"}));
  ASSERT_EQ(::setenv("LD_LIBRARY_PATH", ("/nonexistent:" + folder.path().string()).c_str(), 1), 0);
  EXPECT_TRUE(check_needed(names{"libtocsin-elsewhere.so"}));
  ::unsetenv("LD_LIBRARY_PATH");
}

}  // namespace
}  // namespace tocsin
