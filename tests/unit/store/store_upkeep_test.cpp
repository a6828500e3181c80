// Checks and backups, of copies of a store that is in use and of stores that are not.
#include "core/store/upkeep.hpp"

#include <sys/stat.h>

#include "tests/unit/store/store_fixture.hpp"

namespace tocsin::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class StoreUpkeep : public Store {
 protected:
  std::filesystem::path state() const { return folder_.path() / "state"; }
  std::filesystem::path target(const char* name = "backup.db") const { return folder_.path() / name; }
  void write_some(int events = 50) {
    for (int id = 1; id <= events; ++id) ASSERT_TRUE(calls().accept(one_of(id)));
    ASSERT_EQ(10u, lease(10).size());
    ASSERT_TRUE(calls().settle({settled(10, delivery_state::delivered, "OK")}));
  }
  result<void> copy(const std::filesystem::path& to) {
    return answer_of<void>([&](auto done) { store_->copy_to(to, done); });
  }
  store_check check_copy() {
    const auto file = copy_beside(state() / "check");
    EXPECT_TRUE(copy(file));
    const std::atomic<bool> never{false};
    auto found = check_store_file(file, state() / "store.key", never);
    remove_copy(file);
    EXPECT_TRUE(found) << found.error().to_string();
    return found ? *found : store_check();
  }
  result<store_backup> back_up() {
    const auto file = copy_beside(target());
    if (auto copied = copy(file); !copied) return copied.error();
    const std::atomic<bool> never{false};
    return finish_backup(file, target(), now, never);
  }
};

TEST_F(StoreUpkeep, AStoreInUseIsFoundToBeWell) {
  write_some();
  const auto found = check_copy();
  EXPECT_THAT(found.problems, ElementsAre());
  EXPECT_EQ(50u, found.events);
  EXPECT_EQ(50u, found.deliveries);
  EXPECT_EQ(50u, found.payloads);
  EXPECT_EQ(1u, std::distance(std::filesystem::directory_iterator(folder_.path()), {})) << "nothing is left beside it";
}

TEST_F(StoreUpkeep, ACopyEndsWhereAnotherCallOfItsLastTransactionIsRefused) {
  write_some();
  std::promise<void> first, second, first_over, second_over;
  store_->counts({}, [&](const auto&) {
    first.set_value();
    first_over.get_future().wait();
  });
  first.get_future().wait();
  std::promise<result<void>> copied;
  store_->copy_to(target(), [&](result<void> how) { copied.set_value(std::move(how)); });  // begins with the next call
  store_->counts({}, [&](const auto&) {
    second.set_value();
    second_over.get_future().wait();
  });
  first_over.set_value();
  second.get_future().wait();
  std::promise<bool> taken;  // its identifier is another's
  store_->accept(make_batch({make_item(900, make_event("x"), {make_delivery(10)})}),
                 [&](const auto& answer) { taken.set_value(answer.has_value()); });
  second_over.set_value();  // the copy ends together with it
  EXPECT_FALSE(taken.get_future().get());
  const auto how = copied.get_future().get();
  ASSERT_TRUE(how) << how.error().to_string();
  const std::atomic<bool> never{false};
  const auto found = check_store_file(target(), state() / "store.key", never);
  ASSERT_TRUE(found);
  EXPECT_EQ(50u, found->deliveries);
}

TEST_F(StoreUpkeep, EachBrokenPromiseIsNamed) {
  write_some();
  store_.reset();
  EXPECT_TRUE(check_stopped_store(state())->ok());
  look(file(), "UPDATE counter SET value = value + 1 WHERE organization <> 0 AND state = 0");
  EXPECT_THAT(check_stopped_store(state())->problems.at(0), HasSubstr("counts"));
  look(file(),
       "UPDATE counter SET value = value - 1 WHERE organization <> 0 AND state = 0;"
       "UPDATE delivery SET due = NULL WHERE id = 500");
  EXPECT_THAT(check_stopped_store(state())->problems, ElementsAre(HasSubstr("due time")));
  look(file(), "UPDATE delivery SET due = 1 WHERE id = 500; UPDATE event SET payload = X'0104' WHERE id = 50");
  EXPECT_THAT(check_stopped_store(state())->problems, ElementsAre(HasSubstr("1 payloads cannot be read")));
}

TEST_F(StoreUpkeep, AStoreThatAHostHasIsNotOpenedBesideIt) {
  EXPECT_EQ("STORE_LOCKED", check_stopped_store(state()).error().code);
  EXPECT_EQ("STORE_LOCKED", back_up_stopped_store(state(), target(), now).error().code);
}

// What is written between two steps of a copy is in the copy, whole: it is the store of one moment.
TEST_F(StoreUpkeep, ACopyMadeWhileOthersWriteIsOneMomentOfTheStore) {
  auto big = one_of(1);
  big.items[0].payload.data = '"' + std::string(20'000'000, 'x') + '"';
  ASSERT_TRUE(calls().accept(std::move(big)));
  std::promise<result<void>> copied;
  const auto file = copy_beside(state() / "check");
  store_->copy_to(file, [&](result<void> answer) { copied.set_value(std::move(answer)); });
  for (int id = 2; id <= 40; ++id) ASSERT_TRUE(calls().accept(one_of(id)));
  ASSERT_TRUE(copied.get_future().get());
  const std::atomic<bool> never{false};
  const auto found = check_store_file(file, state() / "store.key", never);
  ASSERT_TRUE(found);
  EXPECT_THAT(found->problems, ElementsAre());
  EXPECT_GT(found->events, 0u);
  EXPECT_TRUE(check_copy().ok());
}

TEST_F(StoreUpkeep, AHostRunsOnABackup) {
  write_some();
  const auto made = back_up();
  ASSERT_TRUE(made) << made.error().to_string();
  EXPECT_EQ(50u, made->events);
  struct stat facts {};
  ASSERT_EQ(0, ::stat(target().c_str(), &facts));
  EXPECT_EQ(0600u, facts.st_mode & 07777);
  EXPECT_EQ(static_cast<std::uint64_t>(facts.st_size), made->bytes);
  ASSERT_TRUE(calls().accept(one_of(60)));
  store_.reset();
  std::filesystem::remove_all(state());
  std::filesystem::create_directory(state());
  std::filesystem::permissions(state(), std::filesystem::perms::owner_all);
  std::filesystem::rename(target(), file());
  open();
  EXPECT_EQ("OK", record(10).code);
  EXPECT_EQ(49u, lease().size()) << "also what was being sent, which is uncertain";
  EXPECT_FALSE(*calls().get(delivery_id{600})) << "it came later";
}

TEST_F(StoreUpkeep, ABackupHoldsNoContentOfSensitiveEvents) {
  auto secret = one_of(1);
  secret.items[0].sensitive = true;
  ASSERT_TRUE(calls().accept(std::move(secret)));
  ASSERT_TRUE(calls().accept(one_of(2)));
  const auto made = back_up();
  ASSERT_TRUE(made);
  EXPECT_EQ(1u, made->left_out);
  EXPECT_EQ(1, look(target(), "SELECT count(*) FROM event WHERE payload IS NOT NULL")[0][0]);
  EXPECT_EQ(1, look(target(), "SELECT count(*) FROM event WHERE sensitive AND erased_at IS NOT NULL")[0][0]);
}

TEST_F(StoreUpkeep, ABackupOverwritesNothing) {
  write_some();
  std::filesystem::create_symlink(folder_.path() / "elsewhere", target());
  EXPECT_EQ("BACKUP_EXISTS", may_back_up_to(target()).error().code);
  EXPECT_EQ("BACKUP_EXISTS", back_up().error().code) << "also where it came only now";
  EXPECT_EQ("BACKUP_FOLDER_MISSING", may_back_up_to(folder_.path() / "none" / "b.db").error().code);
  EXPECT_EQ(2u, std::distance(std::filesystem::directory_iterator(folder_.path()), {})) << "no copy is left behind";
}

TEST_F(StoreUpkeep, AStoppedHostsStoreIsBackedUpTheSameWay) {
  write_some();
  store_.reset();
  const auto made = back_up_stopped_store(state(), target(), now);
  ASSERT_TRUE(made) << made.error().to_string();
  EXPECT_EQ(50u, made->deliveries);
  EXPECT_EQ(50, look(target(), "SELECT count(*) FROM delivery")[0][0]);
  open();
  EXPECT_EQ(50u, count_of(*calls().counts(), delivery_state::pending) +
                     count_of(*calls().counts(), delivery_state::delivered));
}

TEST_F(StoreUpkeep, ACheckIsCutShortWhenTheHostStops) {
  write_some();
  const auto file = copy_beside(state() / "check");
  ASSERT_TRUE(copy(file));
  const std::atomic<bool> now_already{true};
  const auto found = check_store_file(file, state() / "store.key", now_already);
  EXPECT_TRUE(!found || found->ok()) << "a small one may be through before it looks";
  if (!found) {
    EXPECT_EQ("STORE_CHECK_CUT_SHORT", found.error().code);
  }
}

}  // namespace
}  // namespace tocsin::test
