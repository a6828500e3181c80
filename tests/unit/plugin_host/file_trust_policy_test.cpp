// Who may own and write a plugin's file and the folders above it.
#include "core/model/file_trust_policy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

namespace tocsin {
namespace {

using testing::HasSubstr;

constexpr std::uint32_t host_user = 1000;
constexpr std::uint32_t stranger = 1001;

file_facts file(std::uint32_t owner = host_user, std::uint32_t mode = 0644) {
  return {"/opt/plugins/a.so", owner, S_IFREG | mode, 50};
}
file_facts folder(std::uint32_t owner = 0, std::uint32_t mode = 0755) {
  return {"/opt/plugins", owner, S_IFDIR | mode, 50};
}
std::string reason(const file_facts& of, std::vector<file_facts> folders = {folder()}) {
  const auto checked = check_trust(of, folders, host_user);
  return checked ? "" : checked.error().to_string();
}

TEST(FileTrustPolicy, TakesAFileOfRootOrOfTheHostsUser) {
  EXPECT_EQ(reason(file(0)), "");
  EXPECT_EQ(reason(file(host_user)), "");
}

TEST(FileTrustPolicy, RefusesAFileOfSomebodyElse) {
  EXPECT_THAT(reason(file(stranger)), HasSubstr("belongs to user 1001"));
}

TEST(FileTrustPolicy, RefusesWhatIsNoRegularFile) {
  file_facts fifo = file();
  fifo.mode = S_IFIFO | 0644;
  EXPECT_THAT(reason(fifo), HasSubstr("no regular file"));
  fifo.mode = S_IFDIR | 0755;
  EXPECT_THAT(reason(fifo), HasSubstr("no regular file"));
}

TEST(FileTrustPolicy, RefusesAFileThatEverybodyMayWrite) {
  EXPECT_THAT(reason(file(host_user, 0646)), HasSubstr("written by everybody"));
}

TEST(FileTrustPolicy, RefusesAFileThatItsGroupMayWriteUnlessTheGroupIsTheOwnersOwn) {
  file_facts shared = file(host_user, 0664);
  EXPECT_THAT(reason(shared), HasSubstr("written by its group (50)"));
  shared.private_group = true;
  EXPECT_EQ(reason(shared), "");
}

TEST(FileTrustPolicy, RefusesAFolderAnywhereAboveThatOthersMayWrite) {
  EXPECT_THAT(reason(file(), {folder(), folder(0, 0777)}), HasSubstr("above it may be written by everybody"));
  EXPECT_THAT(reason(file(), {folder(0, 0775)}), HasSubstr("above it may be written by its group"));
}

TEST(FileTrustPolicy, RefusesAFolderAboveThatSomebodyElseOwns) {
  EXPECT_THAT(reason(file(), {folder(), folder(stranger)}), HasSubstr("belongs to user 1001"));
}

TEST(FileTrustPolicy, TakesSomebodyElsesFolderThatTheProgramLiesBelowToo) {
  file_facts home = folder(stranger);
  home.holds_program = true;
  EXPECT_EQ(reason(file(), {folder(), home}), "");
  home.mode |= S_IWOTH;
  EXPECT_THAT(reason(file(), {folder(), home}), HasSubstr("written by everybody"));
}

TEST(FileTrustPolicy, EndsItsWalkAtAStickyFolderOfRoots) {
  EXPECT_EQ(reason(file(), {folder(host_user, 0700), folder(0, S_ISVTX | 0777), folder(stranger, 0777)}), "");
}

TEST(FileTrustPolicy, DoesNotEndItsWalkAtSomebodyElsesStickyFolder) {
  EXPECT_THAT(reason(file(), {folder(host_user, S_ISVTX | 0777)}), HasSubstr("written by everybody"));
}

}  // namespace
}  // namespace tocsin
