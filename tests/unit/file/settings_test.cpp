// The file channel's settings, and its manifest against its code.
#include "plugins/channels/file/settings.hpp"
#include "plugins/channels/file/trouble.hpp"
#include "unit/file/folder.hpp"

#include <tocsin/sdk/json.hpp>
#include <tocsin/sdk/string.hpp>

#include <gtest/gtest.h>

#include <cerrno>

namespace tocsin::file {
namespace {

std::string refusal(const std::string& json) {
  try {
    read_settings(json);
  } catch (const sdk::failure& why) {
    return why.what();
  }
  return {};
}

TEST(FileSettings, HaveDefaultsThatKeepNotificationsPrivate) {
  const endpoint_settings read = read_settings(R"({"path":"/var/spool/alerts/"})");
  EXPECT_EQ(read.path, "/var/spool/alerts");
  EXPECT_EQ(read.format, format::maildir);
  EXPECT_EQ(read.mode, 0600u);
  EXPECT_EQ(read.folder_mode(), 0700u);
}

TEST(FileSettings, LetThoseWhoMayReadEnterTheFolders) {
  EXPECT_EQ(read_settings(R"({"path":"/a","mode":"0640"})").folder_mode(), 0750u);
}

TEST(FileSettings, AreRefusedWithTheReasonAndWhatToDo) {
  EXPECT_NE(refusal(R"({"path":""})").find("path is empty"), std::string::npos);
  EXPECT_NE(refusal(R"({"path":"alerts"})").find("relative"), std::string::npos);
  EXPECT_NE(refusal(R"({"path":"/"})").find("root folder"), std::string::npos);
  EXPECT_NE(refusal("{\"path\":\"/a\\u0000b\"}").find("zero byte"), std::string::npos);
  EXPECT_NE(refusal(R"({"path":"/a","format":"mbox"})").find("maildir or jsonl"), std::string::npos);
  EXPECT_NE(refusal(R"({"path":"/a","mode":"0666"})").find("others may not write"), std::string::npos);
  EXPECT_NE(refusal(R"({"path":"/a","mode":"0400"})").find("read and write"), std::string::npos);
  EXPECT_NE(refusal(R"({"path":"/a","mode":"rw"})").find("octal"), std::string::npos);
}

TEST(FileTrouble, SaysWhatTheSystemsErrorsMean) {
  using sdk::outcome_class;
  const auto is = [](int error, outcome_class result, std::string_view code) {
    const verdict what = judge(error, "write to /x");
    EXPECT_EQ(what.result, result) << error;
    EXPECT_EQ(what.code, code) << error;
    EXPECT_EQ(what.detail.find("cannot write to /x: "), 0u);
  };
  is(ENOSPC, outcome_class::transient, "DISK_FULL");
  is(EDQUOT, outcome_class::transient, "DISK_FULL");
  is(EIO, outcome_class::transient, "WRITE_FAILED");
  is(EACCES, outcome_class::config, "PATH_DENIED");
  is(EROFS, outcome_class::config, "PATH_DENIED");
  is(ENOENT, outcome_class::config, "PATH_NOT_FOUND");
  is(ELOOP, outcome_class::config, "PATH_UNSUITABLE");
  is(EISDIR, outcome_class::config, "PATH_UNSUITABLE");
  is(EWOULDBLOCK, outcome_class::transient, "FILE_BUSY");
}

TEST(FileTrouble, UsesOnlyCodesAndClassesOfTheManifest) {
  const std::string manifest = testing::read_file(FILE_MANIFEST);
  for (const int error : {ENOSPC, EIO, EACCES, ENOENT, ELOOP, EWOULDBLOCK}) {
    const verdict what = judge(error, "write");
    const std::string result = what.result == sdk::outcome_class::config ? "config" : "transient";
    bool listed = false;
    sdk::json_reader(manifest).for_each("codes", [&](std::string_view entry) {
      const sdk::json_reader code(entry);
      listed = listed || (code.text("code") == what.code && code.text("class") == result);
    });
    EXPECT_TRUE(listed) << what.code;
  }
}

}  // namespace
}  // namespace tocsin::file
