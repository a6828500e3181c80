// A license source from its file to what it hands to the host.
#include "plugins/sources/license_status/watcher.hpp"

#include "plugins/sources/license_status/rfc3339.hpp"
#include "unit/license_status/temporary_folder.hpp"
#include "unit/sdk/fake_host.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace {

using namespace tocsin::license_status;
using namespace std::chrono_literals;
namespace sdk = tocsin::sdk;
using tocsin::test::fake_host;
using tocsin::test::temporary_folder;

constexpr std::int64_t day_ms = 24ll * 60 * 60 * 1000;

std::string license_text(const std::string& expires, const std::string& product = "Robots") {
  return R"({"product":")" + product + R"(","holder":"Acme","expires":")" + expires + R"("})";
}

// A source on a fake host that answers each publication at once, as soon as the look is over.
class running_source {
 public:
  explicit running_source(const temporary_folder& folder, std::string path = "") {
    settings_.name = "main";
    settings_.organization = "acme";
    settings_.path = path.empty() ? (folder.path() / "license.json").string() : std::move(path);
    settings_.interval = 2s;
    settings_.steps = {180, 90, 30, 14, 7, 1};
    host.now_ms = parse_time("2027-01-01T12:00:00Z").value();
    start();
  }

  void start() { watch_ = std::make_unique<watcher>(api_, sdk::token{1, 1}, settings_); }

  void answer(tocsin_status status, const char* reason = "") {
    for (; answered_ < host.publications.size(); ++answered_) {
      tocsin_publish_result result{};
      result.struct_size = sizeof(result);
      result.status = status;
      result.reason = sdk::to_abi(reason);
      watch_->published(host.publications[answered_].ticket, sdk::publish_result(result));
    }
  }

  void look() { watch_->look(); }
  void look_and_answer() {
    look();
    answer(TOCSIN_OK);
  }

  // The last parts of the ids of all events so far.
  std::string announced() const {
    std::string all;
    for (const auto& one : host.publications) {
      for (const std::string& id : one.ids) all += id.substr(id.find("Z/") + 2) + ";";
    }
    return all;
  }

  fake_host host;

 private:
  sdk::host_api api_{host.raw()};
  watcher_settings settings_;
  std::unique_ptr<watcher> watch_;
  std::size_t answered_ = 0;
};

TEST(LicenseWatcher, AnnouncesAStepWithItsMemoryInOneCommit) {
  temporary_folder folder;
  folder.write("license.json", license_text("2027-01-11T12:00:00Z"));
  running_source source(folder);
  source.look_and_answer();
  ASSERT_EQ(source.host.publications.size(), 1u);
  EXPECT_EQ(source.host.publications[0].ids,
            std::vector<std::string>{"Robots/Acme/acme/2027-01-11T12:00:00Z/expiring/14"});
  ASSERT_EQ(source.host.publications[0].memory.size(), 1u);
  EXPECT_EQ(source.host.publications[0].memory.begin()->first, "license/Robots/Acme/acme");
  source.look_and_answer();
  EXPECT_EQ(source.host.publications.size(), 1u);
}

TEST(LicenseWatcher, GoesOnWithTheClockWhileTheFileRests) {
  temporary_folder folder;
  folder.write("license.json", license_text("2027-07-20T12:00:00Z"));
  running_source source(folder);
  for (int day = 0; day < 210; ++day, source.host.now_ms += day_ms) source.look_and_answer();
  EXPECT_EQ(source.announced(), "expiring/180;expiring/90;expiring/30;expiring/14;expiring/7;expiring/1;expired;");
}

TEST(LicenseWatcher, AnnouncesNothingAgainAfterARestart) {
  temporary_folder folder;
  folder.write("license.json", license_text("2027-01-11T12:00:00Z"));
  running_source source(folder);
  source.look_and_answer();
  source.start();
  source.look_and_answer();
  source.look_and_answer();
  EXPECT_EQ(source.announced(), "expiring/14;");
}

TEST(LicenseWatcher, AnnouncesARenewalThenTheStepOfTheNewTerm) {
  temporary_folder folder;
  folder.write("license.json", license_text("2027-01-02T12:00:00Z"));
  running_source source(folder);
  source.look_and_answer();
  folder.write("license.json", license_text("2027-01-31T12:00:00Z"));
  source.look_and_answer();
  source.look_and_answer();
  source.look_and_answer();
  EXPECT_EQ(source.announced(), "expiring/1;renewed;expiring/30;");
}

TEST(LicenseWatcher, KnowsALicenseThatReplacesAnotherAsANewOne) {
  temporary_folder folder;
  folder.write("license.json", license_text("2027-01-02T12:00:00Z"));
  running_source source(folder);
  source.look_and_answer();
  folder.write("license.json", license_text("2027-01-31T12:00:00Z", "Studio"));
  source.look_and_answer();
  EXPECT_EQ(source.announced(), "expiring/1;expiring/30;");
  EXPECT_EQ(source.host.memory.size(), 2u);
}

TEST(LicenseWatcher, KeepsWhatItKnowsWhileTheFileIsBadAndComplainsOnce) {
  temporary_folder folder;
  folder.write("license.json", license_text("2027-02-01T12:00:00Z"));
  running_source source(folder);
  source.look_and_answer();
  const auto before = source.host.publications.size();
  folder.write("license.json", "{\"product\":\"Robots\",");
  source.look_and_answer();
  EXPECT_TRUE(source.host.log.empty()) << "it may just be in writing";
  for (int i = 0; i < 5; ++i) source.look_and_answer();
  ASSERT_EQ(source.host.log.size(), 1u) << source.host.log.back();
  EXPECT_NE(source.host.log[0].find("the file is not JSON"), std::string::npos);
  EXPECT_NE(source.host.log[0].find("license.json"), std::string::npos);
  EXPECT_EQ(source.host.publications.size(), before);

  source.host.now_ms += 2 * day_ms;  // 29 days and more are left
  source.look_and_answer();
  EXPECT_EQ(source.host.publications.back().ids.at(0).substr(source.host.publications.back().ids.at(0).size() - 3),
            "/30")
      << "a broken edit must not silence the last good content";

  folder.write("license.json", "{}");
  source.look_and_answer();
  source.look_and_answer();
  EXPECT_EQ(source.host.log.size(), 2u) << "other words, another line";
  folder.write("license.json", license_text("2027-02-01T12:00:00Z"));
  source.look_and_answer();
  EXPECT_EQ(source.host.log.size(), 3u) << "and one when it is over";
}

TEST(LicenseWatcher, TakesAFileThatWasHalfWrittenAtTheNextLook) {
  temporary_folder folder;
  const std::string whole = license_text("2027-01-11T12:00:00Z");
  folder.write("license.json", whole.substr(0, 30));
  running_source source(folder);
  source.look_and_answer();
  EXPECT_TRUE(source.host.publications.empty());
  folder.write("license.json", whole);
  source.look_and_answer();
  EXPECT_EQ(source.announced(), "expiring/14;");
  EXPECT_TRUE(source.host.log.empty());
}

TEST(LicenseWatcher, TriesAgainWhatTheHostDidNotTake) {
  temporary_folder folder;
  folder.write("license.json", license_text("2027-01-11T12:00:00Z"));
  running_source source(folder);
  source.look();
  source.look();
  EXPECT_EQ(source.host.publications.size(), 1u) << "not again before the answer";
  source.answer(TOCSIN_UNAVAILABLE);
  source.look();
  source.answer(TOCSIN_FAILED, "the disk is gone");
  source.look_and_answer();
  source.look_and_answer();
  ASSERT_EQ(source.host.publications.size(), 3u);
  EXPECT_EQ(source.host.publications[0].ids, source.host.publications[2].ids) << "the same event has the same id";
  ASSERT_GE(source.host.log.size(), 1u);
  EXPECT_NE(source.host.log[0].find("the disk is gone"), std::string::npos);
}

TEST(LicenseWatcher, WatchesAllFilesOfAFolder) {
  temporary_folder folder;
  folder.write("a.json", license_text("2027-01-02T12:00:00Z", "A"));
  folder.write("b.json", license_text("2027-01-31T12:00:00Z", "B"));
  folder.write("broken.json", "nonsense");
  running_source source(folder, folder.path().string());
  for (int i = 0; i < 3; ++i) source.look_and_answer();
  EXPECT_EQ(source.announced(), "expiring/1;expiring/30;");
  EXPECT_EQ(source.host.log.size(), 1u);
}

TEST(LicenseWatcher, WaitsForAFileThatIsNotThereYet) {
  temporary_folder folder;
  running_source source(folder);
  source.look_and_answer();
  source.look_and_answer();
  ASSERT_EQ(source.host.log.size(), 1u);
  folder.write("license.json", license_text("2027-01-11T12:00:00Z"));
  source.look_and_answer();
  EXPECT_EQ(source.announced(), "expiring/14;");
}

TEST(LicenseSettings, AreReadWithTheirDefaultsAndRefusedWhereTheyCannotWork) {
  const auto read = [](const char* json) {
    tocsin_source_config raw{};
    raw.struct_size = sizeof(raw);
    raw.name = sdk::to_abi("main");
    raw.settings = sdk::to_abi(json);
    return read_settings(sdk::source_config(raw));
  };
  const watcher_settings defaults = read(R"({"path":"/x"})");
  EXPECT_EQ(defaults.interval, 2s);
  EXPECT_EQ(defaults.steps, (std::vector<std::int64_t>{180, 90, 30, 14, 7, 1}));
  const watcher_settings set = read(R"({"path":"/x","interval":500,"steps":[3]})");
  EXPECT_EQ(set.interval, 500ms);
  EXPECT_EQ(set.steps, (std::vector<std::int64_t>{3}));
  EXPECT_ANY_THROW(read(R"({"path":""})"));
  EXPECT_ANY_THROW(read(R"({"path":"/x","interval":0})"));
}

}  // namespace
