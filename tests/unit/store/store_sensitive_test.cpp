// Sensitive events: sealed on disk, erased at their end.
#include "tests/unit/store/store_fixture.hpp"

#include <fstream>

namespace tocsin::test {
namespace {

constexpr const char* link = "https://example.org/reset/7f3a91c2-very-secret-link";

class StoreSensitive : public Store {
 protected:
  accept_batch recovery_mail(std::vector<new_delivery> deliveries) {
    auto payload = make_event("r1");
    payload.type = "tocsin.password.recovery";
    payload.data = std::string(R"({"link":")") + link + R"("})";
    payload.subject = link;
    payload.attributes["token"] = link;
    auto item = make_item(1, payload, std::move(deliveries));
    item.sensitive = true;
    return make_batch({item});
  }
  bool on_disk(std::string_view text) {
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path() / "state")) {
      std::ifstream in(entry.path(), std::ios::binary);
      const std::string all((std::istreambuf_iterator<char>(in)), {});
      if (all.find(text) != std::string::npos) return true;
    }
    return false;
  }
  std::int64_t payload_size() {
    store_.reset();
    const auto size = look(file(), "SELECT coalesce(length(payload), 0) FROM event WHERE id = 1")[0][0];
    open();
    return size;
  }
};

TEST_F(StoreSensitive, AreNowhereOnDiskInClear) {
  ASSERT_TRUE(calls().accept(recovery_mail({make_delivery(10)})));
  EXPECT_FALSE(on_disk(link));
  EXPECT_FALSE(on_disk("very-secret"));
  const auto leased = lease();
  ASSERT_EQ(1u, leased.size());
  EXPECT_EQ(link, leased.front().payload->subject) << "and the attempt has it";
  EXPECT_EQ(link, leased.front().payload->attributes.at("token"));
  EXPECT_FALSE(on_disk(link));
  reopen();
  EXPECT_FALSE(on_disk(link));
  ASSERT_TRUE(calls().accept(make_batch({make_item(2, make_event("plain-to-see"))})));
  EXPECT_TRUE(on_disk("plain-to-see")) << "the search finds what is there";
}

TEST_F(StoreSensitive, AreReadableAfterARestart) {
  ASSERT_TRUE(calls().accept(recovery_mail({make_delivery(10)})));
  reopen();
  const auto leased = lease();
  ASSERT_EQ(1u, leased.size());
  EXPECT_EQ(link, leased.front().payload->subject);
}

TEST_F(StoreSensitive, AreErasedWhenTheirLastDeliveryIsFinal) {
  ASSERT_TRUE(calls().accept(recovery_mail({make_delivery(10), make_delivery(11)})));
  ASSERT_EQ(2u, lease().size());
  ASSERT_TRUE(calls().settle({settled(10, delivery_state::delivered, "OK")}));
  auto again = settled(11, delivery_state::deferred, "TCP_REFUSED");
  again.next_attempt = now;
  ASSERT_TRUE(calls().settle({again}));
  EXPECT_GT(payload_size(), 0) << "one delivery still needs it";
  ASSERT_EQ(1u, lease().size());
  ASSERT_TRUE(calls().settle({settled(11, delivery_state::expired, "EXPIRED", 2)}));
  EXPECT_EQ(0, payload_size());
  EXPECT_EQ("r1", record(10).event_external_id) << "that it was there stays known";
}

TEST_F(StoreSensitive, LastUntilTheChannelThatTookOverIsDone) {
  ASSERT_TRUE(calls().accept(recovery_mail({make_delivery(10)})));
  ASSERT_EQ(1u, lease().size());
  auto over = settled(10, delivery_state::superseded, "RECIPIENT_REJECTED");
  over.successor = make_delivery(50, {"backup", ""});
  ASSERT_TRUE(calls().settle({over}));
  EXPECT_GT(payload_size(), 0);
  ASSERT_EQ(1u, lease(1, now + 1'000, {"backup", ""}).size());
  ASSERT_TRUE(calls().settle({settled(50, delivery_state::delivered, "OK")}));
  EXPECT_EQ(0, payload_size());
}

TEST_F(StoreSensitive, AreNotKeptWhereNobodyGetsThem) {
  ASSERT_TRUE(calls().accept(recovery_mail({})));
  EXPECT_EQ(0, payload_size());
}

TEST_F(StoreSensitive, EndAsRenderFailedWithoutTheirKeyAndHoldUpNobody) {
  ASSERT_TRUE(calls().accept(recovery_mail({make_delivery(10)})));
  auto other = one_of(2);
  other.items.front().accepted = now + 1;
  ASSERT_TRUE(calls().accept(other));
  store_.reset();
  std::filesystem::remove(folder_.path() / "state" / "store.key");
  open();
  const auto leased = lease(1, now + 1);
  ASSERT_EQ(1u, leased.size());
  EXPECT_EQ(delivery_id{20}, leased.front().id);
  EXPECT_EQ(delivery_state::dead, record(10).state);
  EXPECT_EQ("RENDER_FAILED", record(10).code);
  EXPECT_EQ(1u, count_of(*calls().counts("acme"), delivery_state::dead));
}

}  // namespace
}  // namespace tocsin::test
