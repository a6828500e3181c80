// The channel as the host calls it.
#include "plugins/channels/file/channel.hpp"
#include "unit/file/folder.hpp"
#include "unit/smtp/test_host.hpp"

#include <gtest/gtest.h>

#include <sys/stat.h>

namespace tocsin::file {
namespace {

using smtp::testing::message_batch;

class FileChannel : public ::testing::Test {
 protected:
  tocsin_token open(const std::string& name, const std::string& format = "maildir") {
    const std::string settings = R"({"path":")" + (folder / name) + R"(","format":")" + format + R"("})";
    tocsin_endpoint raw{};
    raw.struct_size = sizeof(raw);
    raw.channel = sdk::to_abi("backup");
    raw.settings = sdk::to_abi(settings);
    return channel.open(sdk::endpoint(raw)).name;
  }
  void deliver(message_batch& batch) {
    const auto& list = batch.list();
    channel.deliver(sdk::messages(list.data(), list.size()));
  }
  std::vector<smtp::testing::seen_stage> diagnose(tocsin_token endpoint) {
    tocsin_diagnosis raw{};
    raw.struct_size = sizeof(raw);
    raw.run = {7, 1};
    raw.endpoint = endpoint;
    channel.diagnose(sdk::diagnosis(raw));
    EXPECT_TRUE(host.wait_for_diagnosis());
    return host.take_stages();
  }

  testing::private_folder folder;
  smtp::testing::test_host host;
  file_channel channel{sdk::host_api(host.raw())};
};

TEST_F(FileChannel, CompletesEachDeliveryOnceItIsOnTheDisk) {
  const tocsin_token endpoint = open("mail");
  message_batch batch;
  for (std::uint64_t i = 1; i <= 50; ++i) batch.add(endpoint, i, "ops@example.org");
  deliver(batch);
  ASSERT_TRUE(host.wait_for(50));
  for (const auto& outcome : host.take()) EXPECT_EQ(outcome.code, "OK") << outcome.detail;
  EXPECT_EQ(testing::names_in(folder / "mail/new").size(), 50u);
}

TEST_F(FileChannel, TakesAnyRecipientAndStaysInItsFolder) {
  const tocsin_token endpoint = open("mail");
  message_batch batch;
  batch.add(endpoint, 1, "../../../ops");
  batch.add(endpoint, 2, "Équipe \"exploitation\" / nuit\r\nBcc: x@example.org");
  batch.add(endpoint, 3, "");
  deliver(batch);
  ASSERT_TRUE(host.wait_for(3));
  EXPECT_EQ(testing::names_in(folder / "mail/new").size(), 3u);
  EXPECT_EQ(testing::names_in(folder / "."), std::vector<std::string>{"mail"});
}

TEST_F(FileChannel, LetsEndpointsShareAFile) {
  const tocsin_token one = open("alerts", "jsonl");
  const tocsin_token two = open("alerts", "jsonl");
  message_batch batch;
  for (std::uint64_t i = 1; i <= 40; ++i) batch.add(i % 2 == 0 ? one : two, i, "ops");
  deliver(batch);
  channel.close(one);
  ASSERT_TRUE(host.wait_for(40));
  const std::string text = testing::read_file(folder / "alerts");
  const auto outcomes = host.take();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'),
            std::count_if(outcomes.begin(), outcomes.end(), [](const auto& o) { return o.code == "OK"; }));
}

TEST_F(FileChannel, GivesBackADeliveryForAnEndpointThatIsClosed) {
  const tocsin_token endpoint = open("mail");
  channel.close(endpoint);
  message_batch batch;
  batch.add(endpoint, 1, "ops");
  deliver(batch);
  ASSERT_TRUE(host.wait_for(1));
  EXPECT_EQ(host.take().front().result, static_cast<std::uint32_t>(sdk::outcome_class::returned));
}

TEST_F(FileChannel, PausesOnAPathThatCannotWorkAndTriesAFullDiskAgain) {
  testing::write_file(folder / "mail", "a file");
  message_batch batch;
  batch.add(open("mail"), 1, "ops");
  deliver(batch);
  ASSERT_TRUE(host.wait_for(1));
  const auto outcome = host.take().front();
  EXPECT_EQ(outcome.code, "PATH_UNSUITABLE");
  EXPECT_EQ(outcome.result, static_cast<std::uint32_t>(sdk::outcome_class::config));
}

TEST_F(FileChannel, DiagnosesInStages) {
  const auto good = diagnose(open("mail"));
  ASSERT_EQ(good.size(), 3u);
  EXPECT_EQ(good[0].name, "settings");
  EXPECT_EQ(good[1].name, "path");
  EXPECT_EQ(good[2].name, "write");
  EXPECT_TRUE(good[2].ok);

  const auto bad = diagnose(open("no/such/mail"));
  ASSERT_EQ(bad.size(), 2u);
  EXPECT_EQ(bad[1].code, "PATH_NOT_FOUND");
}

}  // namespace
}  // namespace tocsin::file
