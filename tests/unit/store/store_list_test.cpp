// Listings: filters, the cursor, and pages.
#include "tests/unit/store/store_fixture.hpp"

namespace tocsin::test {
namespace {

class StoreList : public Store {
 protected:
  std::vector<std::int64_t> list(delivery_filter filter) {
    std::vector<std::int64_t> out;
    auto found = calls().list(std::move(filter));
    EXPECT_TRUE(found);
    for (const auto& each : *found) out.push_back(static_cast<std::int64_t>(each.id));
    return out;
  }
  void write_some() {
    ASSERT_TRUE(calls().accept(make_batch({
        make_item(1, make_event("a", "acme", "/one"), {make_delivery(10, {"email", ""}, "ann@example.org")}),
        make_item(2, make_event("b", "acme", "/two"), {make_delivery(20, {"email", ""}, "bob@example.org")}),
        make_item(3, make_event("a", "globex", "/one"), {make_delivery(30, {"email", ""}, "ann@example.org")}),
        make_item(4, make_event("a", "", "/two"), {make_delivery(40, {"chat", ""}, "ann@example.org")}),
    })));
  }
};

using ids = std::vector<std::int64_t>;

TEST_F(StoreList, ShowsTheNewestFirst) {
  write_some();
  EXPECT_EQ((ids{40, 30, 20, 10}), list({}));
}

TEST_F(StoreList, FindsByWhatTheEventIsCalled) {
  write_some();
  EXPECT_EQ((ids{40, 30, 10}), list({.event_id = "a"}));
  EXPECT_EQ((ids{30, 10}), list({.event_id = "a", .source = "/one"}));
  EXPECT_EQ((ids{10}), list({.event_id = "a", .source = "/one", .organization = "acme"}));
  EXPECT_EQ((ids{}), list({.event_id = "c"}));
  EXPECT_EQ((ids{40, 20}), list({.source = "/two"}));
}

TEST_F(StoreList, FindsByOrganizationAndTheHostsOwn) {
  write_some();
  EXPECT_EQ((ids{20, 10}), list({.organization = "acme"}));
  EXPECT_EQ((ids{40}), list({.organization = ""}));
  EXPECT_EQ((ids{}), list({.organization = "nobody"}));
}

TEST_F(StoreList, FindsByRecipient) {
  write_some();
  EXPECT_EQ((ids{40, 30, 10}), list({.recipient = "ann@example.org"}));
  EXPECT_EQ((ids{}), list({.recipient = "ann"}));
}

// Whichever filter leads the search, the others hold, too.
TEST_F(StoreList, FindsByEveryCombinationOfFilters) {
  write_some();
  const std::vector<std::optional<std::string>> recipients{{}, "ann@example.org", "bob@example.org"};
  const std::vector<std::optional<std::string>> sources{{}, "/one", "/two"};
  const std::vector<std::optional<std::string>> organizations{{}, "acme", ""};
  const std::vector<std::optional<delivery_state>> states{{}, delivery_state::pending, delivery_state::delivered};
  const auto all = *calls().list({});
  for (const auto& recipient : recipients)
    for (const auto& source : sources)
      for (const auto& organization : organizations)
        for (const auto& state : states) {
          ids wanted;
          for (const auto& each : all) {
            if ((!recipient || each.recipient == *recipient) && (!source || each.event_source == *source) &&
                (!organization || each.organization == *organization) && (!state || each.state == *state))
              wanted.push_back(static_cast<std::int64_t>(each.id));
          }
          EXPECT_EQ(wanted,
                    list({.source = source, .organization = organization, .state = state, .recipient = recipient}));
        }
}

TEST_F(StoreList, FindsAnEventByOurIdAndByItsPublishers) {
  write_some();
  ASSERT_TRUE((*calls().accept(make_batch({make_item(5, make_event("a", "acme", "/one"))})))[0].duplicate);
  const auto find = [this](event_query which) {
    return *answer_of<std::vector<event_record>>([&](auto done) { store_->find_events(std::move(which), done); });
  };
  const auto one = find({.id = event_id{1}});
  ASSERT_EQ(1u, one.size());
  EXPECT_EQ("/one", one[0].source);
  EXPECT_EQ(1u, one[0].duplicates);
  EXPECT_EQ(now, one[0].last_duplicate);
  ASSERT_TRUE(one[0].payload);
  EXPECT_EQ(3u, find({.external_id = "a"}).size());
  EXPECT_EQ(event_id{4}, find({.external_id = "a"})[0].id) << "the newest first";
  EXPECT_EQ(event_id{3}, find({.external_id = "a", .organization = "globex"})[0].id);
  EXPECT_TRUE(find({.id = event_id{1}, .organization = "globex"}).empty());
  EXPECT_TRUE(find({.external_id = "nothing"}).empty());
  EXPECT_EQ((ids{10}), list({.own_event = event_id{1}}));
}

TEST_F(StoreList, FindsByEveryState) {
  write_some();
  ASSERT_EQ(3u, lease().size());
  auto deferred = settled(20, delivery_state::deferred, "TCP_REFUSED");
  ASSERT_TRUE(calls().settle({settled(10, delivery_state::delivered, "OK"), deferred}));
  EXPECT_EQ((ids{40}), list({.state = delivery_state::pending}));
  EXPECT_EQ((ids{30}), list({.state = delivery_state::sending}));
  EXPECT_EQ((ids{20}), list({.state = delivery_state::deferred}));
  EXPECT_EQ((ids{10}), list({.state = delivery_state::delivered}));
  EXPECT_EQ((ids{}), list({.state = delivery_state::dead}));
  EXPECT_EQ((ids{}), list({.organization = "globex", .state = delivery_state::deferred}));
}

TEST_F(StoreList, GoesOnAfterTheCursor) {
  write_some();
  EXPECT_EQ((ids{40, 30}), list({.limit = 2}));
  EXPECT_EQ((ids{20, 10}), list({.after = delivery_id{30}, .limit = 2}));
  EXPECT_EQ((ids{10}), list({.organization = "acme", .after = delivery_id{20}}));
  EXPECT_EQ((ids{10}), list({.event_id = "a", .after = delivery_id{30}}));
}

TEST_F(StoreList, ShowsTheHistory) {
  write_some();
  ASSERT_EQ(1u, lease(1).size());
  ASSERT_TRUE(calls().settle({settled(10, delivery_state::delivered, "OK")}));
  auto found = calls().list({.event_id = "a", .source = "/one", .organization = "acme"});
  ASSERT_TRUE(found);
  ASSERT_EQ(1u, found->size());
  ASSERT_EQ(1u, found->front().history.size());
  EXPECT_EQ("OK", found->front().history.front().code);
}

TEST_F(StoreList, FindsOneAmongManyThoughItLooksInSlices) {
  for (std::int64_t base = 0; base < 12'000; base += 1'000) {
    std::vector<accept_item> items;
    for (std::int64_t at = base + 1; at <= base + 1'000; ++at) {
      const bool rare = at == 3 || at == 7'000;
      items.push_back(make_item(at, make_event("e" + std::to_string(at)),
                                {make_delivery(at, {"email", ""}, rare ? "rare@example.org" : "ops@example.org")}));
    }
    ASSERT_TRUE(calls().accept(make_batch(std::move(items))));
  }
  EXPECT_EQ((ids{7'000, 3}), list({.recipient = "rare@example.org"}));
  EXPECT_EQ((ids{3}), list({.recipient = "rare@example.org", .after = delivery_id{7'000}}));
  EXPECT_EQ(1'001u, list({.limit = 50'000}).size()) << "no page is longer";
}

TEST_F(StoreList, FindsAnEventsDeliveriesAmongManyOfTheSameIdThoughItLooksInSlices) {
  for (std::int64_t base = 0; base < 12'000; base += 1'000) {
    std::vector<accept_item> items;
    for (std::int64_t at = base + 1; at <= base + 1'000; ++at) {
      const std::string source = at == 3 || at == 7'000 ? "/rare" : "/" + std::to_string(at);
      items.push_back(make_item(at, make_event("same", at == 3 ? "acme" : "globex", source), {make_delivery(at)}));
    }
    ASSERT_TRUE(calls().accept(make_batch(std::move(items))));
  }
  EXPECT_EQ((ids{7'000, 3}), list({.event_id = "same", .source = "/rare"}));
  EXPECT_EQ((ids{3}), list({.event_id = "same", .source = "/rare", .organization = "acme"}));
  EXPECT_EQ((ids{3}), list({.event_id = "same", .organization = "acme"}));
  EXPECT_EQ((ids{3}), list({.event_id = "same", .source = "/rare", .after = delivery_id{7'000}}));
  EXPECT_EQ((ids{12'000, 11'999}), list({.event_id = "same", .limit = 2}));
  EXPECT_EQ((ids{}), list({.event_id = "same", .source = "/rare", .organization = "unheard of"}));
}

TEST_F(StoreList, KnowsNothingOfAnUnknownDelivery) {
  auto found = calls().get(delivery_id{12345});
  ASSERT_TRUE(found);
  EXPECT_FALSE(*found);
}

}  // namespace
}  // namespace tocsin::test
