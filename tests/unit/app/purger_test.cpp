// When the store is asked to forget.
#include "core/app/purger.hpp"

#include "tests/support/fake_store.hpp"
#include "tests/support/manual_clock.hpp"

#include <deque>

namespace tocsin::app {
namespace {

using namespace std::chrono_literals;

// Answers at once with what the test put in.
class forgetting_store final : public test::fake_store {
 public:
  std::deque<result<purge_step>> answers;
  std::vector<time_ms> asked_before;

  void purge(time_ms, time_ms before, callback<purge_step> done) override {
    asked_before.push_back(before);
    auto answer = answers.empty() ? result<purge_step>(purge_step()) : answers.front();
    if (!answers.empty()) answers.pop_front();
    done(std::move(answer));
  }
};

class Purger : public ::testing::Test {
 protected:
  test::manual_clock clock_;
  forgetting_store store_;
  std::chrono::milliseconds retention_ = 24h;
  purger purger_{store_, clock_, [this] { return retention_; }};
};

TEST_F(Purger, GoesOnWhileThereIsMoreAlsoWhereNothingCouldGo) {
  store_.answers = {purge_step{0, true}, purge_step{200, true}, purge_step{0, true}, purge_step{7, false}};
  purger_.start();
  clock_.advance(2s);
  EXPECT_EQ(4u, store_.asked_before.size());
  clock_.advance(59min);
  EXPECT_EQ(4u, store_.asked_before.size());
  clock_.advance(1min);
  EXPECT_EQ(5u, store_.asked_before.size()) << "the next round comes after an hour";
}

TEST_F(Purger, AsksForWhatIsOlderThanTheRetentionInForce) {
  purger_.start();
  clock_.advance(1s);
  retention_ = 48h;
  clock_.advance(1h);
  ASSERT_EQ(2u, store_.asked_before.size());
  EXPECT_EQ(-std::chrono::milliseconds(23h).count(), store_.asked_before[1] - store_.asked_before[0]);
}

TEST_F(Purger, TriesAgainAfterAFaultAndEndsWithTheStore) {
  store_.answers = {fault{"STORE_FULL", "", "", {}}, fault{"STORE_CLOSED", "", "", {}}};
  purger_.start();
  clock_.advance(1s);
  clock_.advance(1h);
  EXPECT_EQ(2u, store_.asked_before.size());
  EXPECT_EQ(0u, clock_.timers());
}

}  // namespace
}  // namespace tocsin::app
