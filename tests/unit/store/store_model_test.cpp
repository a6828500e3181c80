// The store beside a model that a child could write: after any operations both say the same. Where they do not, the
// operations are cut down to the few that it takes.
#include "tests/unit/store/store_fixture.hpp"

#include <rapidcheck/gtest.h>

#include <map>
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

// What is chosen on the way, one number a choice; behind the end all are 0.
using choices = std::vector<std::uint8_t>;

class modelled_store : public Store {
 public:
  explicit modelled_store(choices script) : script_(std::move(script)) { SetUp(); }
  void TestBody() override {}

  bool goes_on() const { return next_ < script_.size(); }

  void step() {
    switch (pick(10)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return accept();
      case 4:
      case 5:
      case 6:
        return lease_some();
      case 7:
      case 8:
        return settle_some();
      default:
        if (pick(4) == 0) restart();
        time_ += pick(30);
    }
  }

  void compare() {
    state_counts all{};
    std::map<std::string, state_counts> each;
    for (const auto& [id, row] : deliveries_) {
      ++all[static_cast<std::size_t>(row.state)];
      ++each[row.organization][static_cast<std::size_t>(row.state)];
      const auto found = record(static_cast<std::int64_t>(id));
      RC_ASSERT(row.state == found.state);
      RC_ASSERT(row.attempts == found.attempts);
      RC_ASSERT(row.uncertain == found.uncertain);
      RC_ASSERT(row.history == found.history.size());
      RC_ASSERT(row.endpoint == found.endpoint);
    }
    RC_ASSERT(all == *calls().counts());
    for (const auto& [organization, counts] : each) RC_ASSERT(counts == *calls().counts(organization));
  }

  // Of the file itself; the last call.
  void count_rows() {
    store_.reset();
    RC_ASSERT(look(file(), "SELECT organization, state, count(*) FROM delivery GROUP BY 1, 2 ORDER BY 1, 2") ==
              look(file(),
                   "SELECT organization, state, value FROM counter WHERE organization > 0 AND value <> 0"
                   " ORDER BY 1, 2"));
    RC_ASSERT(look(file(), "SELECT state, count(*) FROM delivery GROUP BY 1 ORDER BY 1") ==
              look(file(), "SELECT state, value FROM counter WHERE organization = 0 AND value <> 0 ORDER BY 1"));
  }

 private:
  int pick(int below) { return goes_on() ? script_[next_++] % below : 0; }
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
    RC_ASSERT(answers.has_value());
    for (std::size_t at = 0; at < items.size(); ++at) {
      const auto& item = items[at];
      const bool is_new = known_.emplace(item.payload.organization, item.payload.id).second;
      RC_ASSERT(is_new != answers->at(at).duplicate);
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
    RC_ASSERT(std::min<std::size_t>(limit, waiting) == leased.size());
    for (const auto& each : leased) {
      auto& row = deliveries_.at(each.id);
      RC_ASSERT(is_due(row));
      RC_ASSERT(row.attempts == each.attempts);
      RC_ASSERT(row.uncertain == each.uncertain);
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
    RC_ASSERT(calls().settle(values).has_value());
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

  const choices script_;
  std::size_t next_ = 0;
  std::int64_t last_id_ = 0;
  time_ms time_ = now;
  std::set<std::pair<std::string, std::string>> known_;
  std::map<delivery_id, model_delivery> deliveries_;
};

TEST(StoreModel, AgreesWithTheModelAfterAnyOperations) {
  const bool same = rc::check("store and model say the same", [] {
    modelled_store modelled(*rc::gen::resize(600, rc::gen::arbitrary<choices>()));
    while (modelled.goes_on()) modelled.step();
    modelled.compare();
    modelled.count_rows();
  });
  EXPECT_TRUE(same);
}

}  // namespace
}  // namespace tocsin::test
