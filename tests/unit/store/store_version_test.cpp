// A store of an earlier version is brought up to date with all that is in it.
#include "tests/unit/store/store_fixture.hpp"

#include <fstream>
#include <iterator>

namespace tocsin::test {
namespace {

class StoreVersion : public Store {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(folder_.path() / "state");
    std::filesystem::permissions(folder_.path() / "state", std::filesystem::perms::owner_all);
    std::ifstream in(STORE_FIXTURES "/version_1.sql");
    const std::string sql(std::istreambuf_iterator<char>(in), {});
    ASSERT_FALSE(sql.empty());
    look(file(), ("PRAGMA foreign_keys = OFF;" + sql).c_str());
    std::filesystem::permissions(file(), std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    auto opened = open_sqlite_store(folder_.path() / "state", "elsewhere.example.org");
    ASSERT_TRUE(opened) << opened.error().to_string();
    store_ = std::move(*opened);
  }
};

TEST_F(StoreVersion, AStoreOfVersion1KeepsItsDeliveriesItsHistoryAndWhatWaits) {
  const auto recovered = calls().recover();
  ASSERT_TRUE(recovered);
  EXPECT_EQ(1u, recovered->interrupted);
  EXPECT_EQ("mail.example.org", recovered->message_host);
  ASSERT_EQ(1u, recovered->pauses.size());
  EXPECT_EQ("AUTH_REJECTED", recovered->pauses[0].code);
  EXPECT_EQ(2u, record(110).history.size());
  EXPECT_EQ("250 Ok", record(110).server_reply);
  const auto due = lease(100, now + day);
  ASSERT_EQ(2u, due.size());
  ASSERT_TRUE(due[0].payload);
  EXPECT_EQ("{}", due[0].payload->data);
  EXPECT_EQ("yes", *calls().recall("license", "seen"));
  EXPECT_TRUE((*calls().accept(make_batch({make_item(99, make_event("42"), {})})))[0].duplicate);
}

TEST_F(StoreVersion, WhatAStoreOfVersion1HasIsFoundByTheNewIndexes) {
  ASSERT_TRUE(calls().recover());
  EXPECT_EQ(2u, calls().list({.source = "/license"})->size());
  EXPECT_EQ(1u, calls().list({.source = "/jobs"})->size());
  EXPECT_EQ(2u, calls().list({.recipient = "ops@example.org"})->size());
  EXPECT_EQ(1u, calls().list({.source = "/license", .recipient = "a@example.org"})->size());
}

TEST_F(StoreVersion, AStoreThatWasBroughtUpToDateHasTheTablesOfANewOne) {
  ASSERT_TRUE(calls().recover());
  store_.reset();
  const auto shape =
      "SELECT count(*), sum(length(sql)), (SELECT user_version FROM pragma_user_version)"
      " FROM sqlite_schema";
  const auto updated = look(file(), shape);
  std::filesystem::remove_all(folder_.path() / "state");
  open();
  store_.reset();
  EXPECT_EQ(look(file(), shape)[0][2], updated[0][2]);
  EXPECT_EQ(look(file(), shape)[0][0], updated[0][0]);
}

}  // namespace
}  // namespace tocsin::test
