// A disk that is full, and one that fails.
#include "core/observe/log.hpp"
#include "tests/unit/store/faulty_disk.hpp"
#include "tests/unit/store/store_fixture.hpp"

#include <latch>

namespace tocsin::test {
namespace {

class StoreDisk : public Store {
 protected:
  void SetUp() override {
    faulty_disk::install();
    log::capture([](void*, std::string_view) {}, nullptr);
    Store::SetUp();
  }
  void TearDown() override {
    faulty_disk::full = faulty_disk::sync_fails = false;
    store_.reset();
    log::capture(nullptr, nullptr);
  }
  // The store's thread waits for the latch, from now on; what is called meanwhile is one batch.
  void hold_store(std::latch& held) {
    std::latch reached(1);
    store_->counts({}, [&](result<state_counts>) {
      reached.count_down();
      held.wait();
    });
    reached.wait();
  }
};

TEST_F(StoreDisk, SaysThatItIsFullAndRecoversByItself) {
  ASSERT_TRUE(calls().accept(one_of(1)));
  ASSERT_EQ(1u, lease().size());
  faulty_disk::full = true;
  auto accepted = calls().accept(one_of(2));
  ASSERT_FALSE(accepted);
  EXPECT_EQ("STORE_FULL", accepted.error().code);
  auto settle = calls().settle({settled(10, delivery_state::delivered, "OK")});
  ASSERT_FALSE(settle);
  EXPECT_EQ("STORE_FULL", settle.error().code);
  EXPECT_EQ(delivery_state::sending, record(10).state) << "those who only ask are answered";

  faulty_disk::full = false;
  ASSERT_TRUE(calls().settle({settled(10, delivery_state::delivered, "OK")}));
  auto again = calls().accept(one_of(2));
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->front().duplicate) << "nothing was kept of the one that was refused";
  reopen();
  EXPECT_EQ(delivery_state::delivered, record(10).state);
  EXPECT_EQ(delivery_state::pending, record(20).state);
}

TEST_F(StoreDisk, AnswersEachWriterOfAFullTransactionAndEachReader) {
  std::latch held(1), all(3);
  std::vector<std::string> answers;
  const auto note = [&](const auto& answer) {
    answers.push_back(answer ? "done" : answer.error().code);
    all.count_down();
  };
  hold_store(held);
  store_->accept(one_of(1), note);
  store_->counts({}, note);
  store_->save_pause({{"email", ""}, "TCP_REFUSED", "", now, now, 0, 1}, note);
  faulty_disk::full = true;
  held.count_down();
  all.wait();
  EXPECT_EQ((std::vector<std::string>{"STORE_FULL", "done", "STORE_FULL"}), answers);
}

TEST_F(StoreDisk, AcknowledgesNothingMoreOnceASyncHasFailed) {
  ASSERT_TRUE(calls().accept(one_of(1)));
  faulty_disk::sync_fails = true;
  auto failed = calls().accept(one_of(2));
  ASSERT_FALSE(failed);
  EXPECT_EQ("STORE_FAILED", failed.error().code);
  EXPECT_FALSE(failed.error().what.empty());

  // The disk seems well again: a second sync would succeed, and prove nothing.
  faulty_disk::sync_fails = false;
  const int writes = faulty_disk::writes;
  const int syncs = faulty_disk::syncs;
  for (std::int64_t at = 3; at < 6; ++at) {
    auto accepted = calls().accept(one_of(at));
    ASSERT_FALSE(accepted);
    EXPECT_EQ("STORE_FAILED", accepted.error().code);
  }
  auto counted = calls().counts();
  ASSERT_FALSE(counted);
  EXPECT_EQ("STORE_FAILED", counted.error().code);
  store_.reset();
  EXPECT_EQ(writes, faulty_disk::writes) << "the file is not touched again";
  EXPECT_EQ(syncs, faulty_disk::syncs);

  open();
  EXPECT_EQ(delivery_state::pending, record(10).state) << "what was acknowledged is there after a restart";
}

TEST_F(StoreDisk, SyncsOnceForAllCallsThatWaited) {
  std::latch held(1), all(100);
  hold_store(held);
  for (std::int64_t at = 1; at <= 100; ++at) {
    store_->accept(one_of(at), [&](const auto& answer) {
      EXPECT_TRUE(answer);
      all.count_down();
    });
  }
  const int before = faulty_disk::syncs;
  held.count_down();
  all.wait();
  EXPECT_EQ(before + 1, faulty_disk::syncs);
}

TEST_F(StoreDisk, SyncsBeforeEachAnswer) {
  for (std::int64_t at = 1; at <= 5; ++at) {
    const int before = faulty_disk::syncs;
    ASSERT_TRUE(calls().accept(one_of(at)));
    EXPECT_LT(before, faulty_disk::syncs);
  }
}

}  // namespace
}  // namespace tocsin::test
