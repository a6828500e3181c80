// Events are written down once, whole or not at all.
#include "tests/unit/store/store_fixture.hpp"

#include <latch>

namespace tocsin::test {
namespace {

using StoreAccept = Store;

TEST_F(StoreAccept, WritesAnEventWithItsDeliveries) {
  auto answers = calls().accept(
      make_batch({make_item(1, make_event("42"), {make_delivery(10), make_delivery(11, {"chat", "acme"}, "room")})}));
  ASSERT_TRUE(answers);
  ASSERT_EQ(1u, answers->size());
  EXPECT_EQ(event_id{1}, answers->front().id);
  EXPECT_FALSE(answers->front().duplicate);

  const auto found = record(11);
  EXPECT_EQ(event_id{1}, found.event);
  EXPECT_EQ("42", found.event_external_id);
  EXPECT_EQ("/license", found.event_source);
  EXPECT_EQ("tocsin.license.expiring", found.event_type);
  EXPECT_EQ("acme", found.organization);
  EXPECT_EQ((endpoint_key{"chat", "acme"}), found.endpoint);
  EXPECT_EQ("room", found.recipient);
  EXPECT_EQ("operators", found.route);
  EXPECT_EQ(delivery_state::pending, found.state);
  EXPECT_EQ("", found.code);
  EXPECT_EQ("11@mail.example.org", found.message_id);
  EXPECT_EQ(now, found.created);
  EXPECT_EQ(now, found.next_attempt);
  EXPECT_TRUE(found.history.empty());
}

TEST_F(StoreAccept, AnswersADuplicateWithTheFirstOnesIdAndWritesNothingOfIt) {
  ASSERT_TRUE(calls().accept(make_batch({make_item(1, make_event("42"), {make_delivery(10)})})));
  auto again = calls().accept(make_batch({make_item(2, make_event("42"), {make_delivery(20)})}));
  ASSERT_TRUE(again);
  EXPECT_EQ(event_id{1}, again->front().id);
  EXPECT_TRUE(again->front().duplicate);
  auto none = calls().get(delivery_id{20});
  ASSERT_TRUE(none);
  EXPECT_FALSE(*none);
}

TEST_F(StoreAccept, FindsADuplicateWithinOneBatch) {
  auto answers = calls().accept(make_batch({make_item(1, make_event("42")), make_item(2, make_event("42"))}));
  ASSERT_TRUE(answers);
  EXPECT_FALSE(answers->at(0).duplicate);
  EXPECT_TRUE(answers->at(1).duplicate);
  EXPECT_EQ(event_id{1}, answers->at(1).id);
}

TEST_F(StoreAccept, KeepsOrganizationsAndSourcesApart) {
  auto answers = calls().accept(
      make_batch({make_item(1, make_event("42", "acme", "/a")), make_item(2, make_event("42", "globex", "/a")),
                  make_item(3, make_event("42", "", "/a")), make_item(4, make_event("42", "acme", "/b"))}));
  ASSERT_TRUE(answers);
  for (const auto& answer : *answers) EXPECT_FALSE(answer.duplicate);
}

TEST_F(StoreAccept, RemembersAnEventOverARestart) {
  ASSERT_TRUE(calls().accept(make_batch({make_item(1, make_event("42"))})));
  reopen();
  auto again = calls().accept(make_batch({make_item(2, make_event("42"))}));
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->front().duplicate);
}

TEST_F(StoreAccept, ForgetsAnEventWhenItsTimeIsOver) {
  ASSERT_TRUE(calls().accept(make_batch({make_item(1, make_event("42"))})));
  auto later = make_batch({make_item(2, make_event("42"))});
  later.now = now + 7 * day;
  later.remember_until = later.now + 7 * day;
  auto again = calls().accept(later);
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->front().duplicate);

  auto third = make_batch({make_item(3, make_event("42"))});
  third.now = now + 8 * day;
  auto answer = calls().accept(third);
  ASSERT_TRUE(answer);
  EXPECT_TRUE(answer->front().duplicate);
  EXPECT_EQ(event_id{2}, answer->front().id) << "the latest one that bears this id";
}

TEST_F(StoreAccept, LeavesNothingOfABatchWithAFaultInItsMiddle) {
  ASSERT_TRUE(calls().accept(one_of(7)));
  auto batch = make_batch({make_item(1, make_event("a", "new-organization"), {make_delivery(10)}),
                           make_item(2, make_event("b"), {make_delivery(70)}),  // 70 is taken
                           make_item(3, make_event("c"), {make_delivery(30)})});
  batch.memory.push_back({"license", "seen", "yes"});
  auto answers = calls().accept(std::move(batch));
  ASSERT_FALSE(answers);
  EXPECT_EQ("STORE_REFUSED", answers.error().code);

  auto all = calls().list({});
  ASSERT_TRUE(all);
  ASSERT_EQ(1u, all->size());
  EXPECT_EQ(delivery_id{70}, all->front().id);
  EXPECT_EQ("", *calls().recall("license", "seen"));
  EXPECT_EQ(1u, count_of(*calls().counts(), delivery_state::pending));
  EXPECT_EQ(0u, count_of(*calls().counts("new-organization"), delivery_state::pending));

  auto again = calls().accept(make_batch({make_item(1, make_event("a", "new-organization"), {make_delivery(10)})}));
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->front().duplicate) << "its dedup key was not kept";
  EXPECT_EQ("new-organization", record(10).organization);
}

TEST_F(StoreAccept, RefusesTheFaultyCallOfATransactionAndCarriesOutTheOthers) {
  ASSERT_TRUE(calls().accept(one_of(7)));
  // While the first callback holds the store's thread, the calls after it come together into one transaction.
  std::latch held(1), all(4);
  std::vector<std::string> order;
  const auto note = [&](std::string name) {
    return [&, name](const auto& answer) {
      order.push_back(name + (answer ? " done" : " " + answer.error().code));
      all.count_down();
    };
  };
  std::latch reached(1);
  store_->counts({}, [&](result<state_counts>) {
    reached.count_down();
    held.wait();
  });
  reached.wait();
  store_->accept(one_of(1), note("first"));
  store_->accept(make_batch({make_item(2, make_event("x"), {make_delivery(70)})}), note("second"));
  store_->accept(one_of(3), note("third"));
  store_->counts({}, [&](result<state_counts> answer) {
    ASSERT_TRUE(answer);
    order.push_back("counted " + std::to_string(count_of(*answer, delivery_state::pending)));
    all.count_down();
  });
  held.count_down();
  all.wait();
  EXPECT_EQ((std::vector<std::string>{"first done", "second STORE_REFUSED", "third done", "counted 3"}), order);
}

TEST_F(StoreAccept, AnswersCallsInTheOrderInWhichTheyWereMade) {
  std::vector<int> order;
  std::promise<void> last;
  for (int at = 1; at <= 200; ++at) {
    store_->accept(one_of(at), [&order, &last, at](const auto& answer) {
      EXPECT_TRUE(answer);
      order.push_back(at);
      if (at == 200) last.set_value();
    });
  }
  last.get_future().wait();
  ASSERT_EQ(200u, order.size());
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST_F(StoreAccept, KeepsWhatASourceRemembersAndForgetsWhatItEmpties) {
  auto batch = make_batch({});
  batch.memory = {{"license", "step", "30"}, {"license", "holder", "Acme"}, {"robots", "step", "x"}};
  ASSERT_TRUE(calls().accept(batch));
  reopen();
  EXPECT_EQ("30", *calls().recall("license", "step"));
  EXPECT_EQ("", *calls().recall("license", "unknown"));
  batch.memory = {{"license", "step", ""}, {"license", "holder", "Globex"}};
  ASSERT_TRUE(calls().accept(batch));
  EXPECT_EQ("", *calls().recall("license", "step"));
  EXPECT_EQ("Globex", *calls().recall("license", "holder"));
  EXPECT_EQ("x", *calls().recall("robots", "step"));
}

TEST_F(StoreAccept, WritesADeliveryWithAReservedSlotAsSending) {
  auto delivery = make_delivery(10);
  delivery.leased = true;
  ASSERT_TRUE(calls().accept(make_batch({make_item(1, make_event("42"), {delivery})})));
  EXPECT_EQ(delivery_state::sending, record(10).state);
  EXPECT_EQ(std::nullopt, record(10).next_attempt);
  EXPECT_TRUE(lease().empty());
  EXPECT_EQ(1u, count_of(*calls().counts("acme"), delivery_state::sending));
}

TEST_F(StoreAccept, CountsEachOrganizationAndAllOfThem) {
  ASSERT_TRUE(calls().accept(make_batch({make_item(1, make_event("1", "acme"), {make_delivery(10), make_delivery(11)}),
                                         make_item(2, make_event("2", "globex"), {make_delivery(20)}),
                                         make_item(3, make_event("3", ""), {make_delivery(30)})})));
  EXPECT_EQ(4u, count_of(*calls().counts(), delivery_state::pending));
  EXPECT_EQ(2u, count_of(*calls().counts("acme"), delivery_state::pending));
  EXPECT_EQ(1u, count_of(*calls().counts("globex"), delivery_state::pending));
  EXPECT_EQ(1u, count_of(*calls().counts(""), delivery_state::pending)) << "the host's own";
  EXPECT_EQ(state_counts{}, *calls().counts("nobody"));
}

TEST_F(StoreAccept, AnswersWithStoreClosedOnceItIsClosed) {
  store_->close();
  auto answers = calls().accept(one_of(1));
  ASSERT_FALSE(answers);
  EXPECT_EQ("STORE_CLOSED", answers.error().code);
  auto counts = calls().counts();
  ASSERT_FALSE(counts);
  EXPECT_EQ("STORE_CLOSED", counts.error().code);
}

TEST_F(StoreAccept, CarriesOutBeforeClosingWhatWasHandedIn) {
  int done = 0;
  for (int at = 1; at <= 50; ++at) {
    store_->accept(one_of(at), [&done](const auto& answer) { done += answer ? 1 : 0; });
  }
  store_->close();
  EXPECT_EQ(50, done);
  reopen();
  EXPECT_EQ(50u, count_of(*calls().counts(), delivery_state::pending));
}

}  // namespace
}  // namespace tocsin::test
