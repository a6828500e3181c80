// The store beside a model that a child could write: after any operations both say the same.
#include "tests/unit/store/store_fixture.hpp"

#include <map>
#include <random>
#include <set>

namespace tocsin::test {
namespace {

struct model_delivery {
  std::string organization;
  endpoint_key endpoint;
  delivery_state state = delivery_state::pending;
  std::uint32_t attempts = 0;
  bool uncertain = false;
  std::size_t history = 0;
  time_ms due = now;
};

class StoreModel : public Store {
 protected:
  int pick(int below) { return static_cast<int>(random_() % static_cast<unsigned>(below)); }
  std::string organization() { return std::array{"", "acme", "globex"}[static_cast<std::size_t>(pick(3))]; }
  endpoint_key endpoint() { return {std::array{"email", "chat"}[static_cast<std::size_t>(pick(2))], organization()}; }

  void accept() {
    std::vector<accept_item> items;
    for (int at = pick(4); at >= 0; --at) {
      auto payload = make_event("e" + std::to_string(pick(400)), organization());
      payload.severity = static_cast<severity>(pick(5));
      std::vector<new_delivery> deliveries;
      for (int more = pick(3); more > 0; --more) {
        deliveries.push_back(make_delivery(++last_id_, endpoint()));
        deliveries.back().leased = pick(2) == 0;
      }
      items.push_back(make_item(++last_id_, std::move(payload), std::move(deliveries)));
      items.back().sensitive = pick(4) == 0;
    }
    auto answers = calls().accept(make_batch(items));
    ASSERT_TRUE(answers);
    for (std::size_t at = 0; at < items.size(); ++at) {
      const auto& item = items[at];
      const bool is_new = known_.emplace(item.payload.organization, item.payload.id).second;
      ASSERT_EQ(!is_new, answers->at(at).duplicate);
      for (const auto& delivery : item.deliveries) {
        if (!is_new) continue;
        auto& row = deliveries_[delivery.id];
        row.organization = item.payload.organization;
        row.endpoint = delivery.endpoint;
        if (delivery.leased) row.state = delivery_state::sending;
      }
    }
  }

  void lease_some() {
    const auto key = endpoint();
    const auto limit = static_cast<std::uint32_t>(pick(6));
    std::size_t waiting = 0;
    for (const auto& [id, row] : deliveries_) waiting += is_due(row) && row.endpoint == key ? 1 : 0;
    const auto leased = lease(limit, time_, key);
    ASSERT_EQ(std::min<std::size_t>(limit, waiting), leased.size());
    for (const auto& each : leased) {
      auto& row = deliveries_.at(each.id);
      ASSERT_TRUE(is_due(row));
      ASSERT_EQ(row.attempts, each.attempts);
      ASSERT_EQ(row.uncertain, each.uncertain);
      row.state = delivery_state::sending;
    }
  }

  void settle_some() {
    std::vector<settlement> values;
    for (auto& [id, row] : deliveries_) {
      if (pick(3) != 0) continue;
      constexpr std::array states = {delivery_state::deferred, delivery_state::delivered, delivery_state::dead,
                                     delivery_state::pending};
      auto value =
          settled(static_cast<std::int64_t>(id), states[static_cast<std::size_t>(pick(4))], "CODE", row.attempts + 1);
      value.next_attempt = time_ + pick(50);
      value.record_attempt = pick(4) != 0;
      value.uncertain = row.uncertain || pick(5) == 0;
      values.push_back(value);
      if (row.state != delivery_state::sending) continue;
      row.state = value.state;
      row.attempts = value.attempts;
      row.uncertain = value.uncertain;
      row.history += value.record_attempt ? 1 : 0;
      row.due = *value.next_attempt;
    }
    ASSERT_TRUE(calls().settle(values));
  }

  void restart() {
    reopen();
    for (auto& [id, row] : deliveries_) {
      if (row.state != delivery_state::sending) continue;
      row.state = delivery_state::pending;
      row.uncertain = true;
      row.due = now;
      ++row.attempts;
    }
  }

  bool is_due(const model_delivery& row) const {
    return (row.state == delivery_state::pending || row.state == delivery_state::deferred) && row.due <= time_;
  }

  void compare() {
    state_counts all{};
    std::map<std::string, state_counts> each;
    for (const auto& [id, row] : deliveries_) {
      ++all[static_cast<std::size_t>(row.state)];
      ++each[row.organization][static_cast<std::size_t>(row.state)];
      const auto found = record(static_cast<std::int64_t>(id));
      ASSERT_EQ(row.state, found.state);
      ASSERT_EQ(row.attempts, found.attempts);
      ASSERT_EQ(row.uncertain, found.uncertain);
      ASSERT_EQ(row.history, found.history.size());
      ASSERT_EQ(row.endpoint, found.endpoint);
    }
    ASSERT_EQ(all, *calls().counts());
    for (const auto& [organization, counts] : each) ASSERT_EQ(counts, *calls().counts(organization));
  }

  std::mt19937 random_{20'260'105};
  std::int64_t last_id_ = 0;
  time_ms time_ = now;
  std::set<std::pair<std::string, std::string>> known_;
  std::map<delivery_id, model_delivery> deliveries_;
};

TEST_F(StoreModel, AgreesWithTheModelAfterRandomOperations) {
  for (int step = 1; step <= 600; ++step) {
    switch (pick(10)) {
      case 0:
      case 1:
      case 2:
      case 3:
        accept();
        break;
      case 4:
      case 5:
      case 6:
        lease_some();
        break;
      case 7:
      case 8:
        settle_some();
        break;
      default:
        if (pick(8) == 0) restart();
        time_ += pick(30);
    }
    if (HasFatalFailure()) FAIL() << "at step " << step;
    if (step % 150 == 0) compare();
  }
  store_.reset();
  EXPECT_EQ(look(file(), "SELECT organization, state, count(*) FROM delivery GROUP BY 1, 2 ORDER BY 1, 2"),
            look(file(),
                 "SELECT organization, state, value FROM counter WHERE organization > 0 AND value <> 0"
                 " ORDER BY 1, 2"))
      << "counters by organization equal a full count";
  EXPECT_EQ(look(file(), "SELECT state, count(*) FROM delivery GROUP BY 1 ORDER BY 1"),
            look(file(), "SELECT state, value FROM counter WHERE organization = 0 AND value <> 0 ORDER BY 1"));
}

}  // namespace
}  // namespace tocsin::test
