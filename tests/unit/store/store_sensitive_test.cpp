// Sensitive events: sealed on disk, erased at their end.
#include "core/store/sealing.hpp"
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

TEST_F(StoreSensitive, KeepTheStoreClosedWhereTheirKeyIsGone) {
  ASSERT_TRUE(calls().accept(recovery_mail({make_delivery(10)})));
  store_.reset();
  const auto key = folder_.path() / "state" / "store.key";
  std::filesystem::rename(key, folder_.path() / "backup");
  const auto refused = open_sqlite_store(folder_.path() / "state", "mail.example.org");
  ASSERT_FALSE(refused);
  EXPECT_EQ("STORE_KEY_LOST", refused.error().code);
  EXPECT_NE(std::string::npos, refused.error().what.find(key.string() + " is missing")) << refused.error().what;
  EXPECT_FALSE(std::filesystem::exists(key)) << "nothing lies where the backup belongs";
  std::filesystem::rename(folder_.path() / "backup", key);
  open();
  ASSERT_EQ(1u, lease().size());
}

TEST_F(StoreSensitive, KeepTheStoreClosedWhereAnotherKeyIsInItsPlace) {
  ASSERT_TRUE(calls().accept(recovery_mail({make_delivery(10)})));
  ASSERT_EQ(1u, lease().size());  // under way counts as well
  store_.reset();
  const auto key = folder_.path() / "state" / "store.key";
  std::filesystem::remove(key);
  ASSERT_TRUE(sealing_key::make(key));
  const auto refused = open_sqlite_store(folder_.path() / "state", "mail.example.org");
  ASSERT_FALSE(refused);
  EXPECT_EQ("STORE_KEY_LOST", refused.error().code);
}

TEST_F(StoreSensitive, NeedNoKeyOnceTheyAreDone) {
  ASSERT_TRUE(calls().accept(recovery_mail({make_delivery(10)})));
  ASSERT_EQ(1u, lease().size());
  ASSERT_TRUE(calls().settle({settled(10, delivery_state::delivered, "OK")}));
  store_.reset();
  std::filesystem::remove(folder_.path() / "state" / "store.key");
  open();
}

TEST_F(StoreSensitive, AreLeasedUnreadWhereTheirKeyWasGivenUp) {
  ASSERT_TRUE(calls().accept(recovery_mail({make_delivery(10), make_delivery(11)})));
  auto other = one_of(2);
  other.items.front().accepted = now + 1;
  ASSERT_TRUE(calls().accept(other));
  store_.reset();
  const auto key = folder_.path() / "state" / "store.key";
  std::filesystem::remove(key);
  std::ofstream(key.string() + ".lost").close();
  open();
  EXPECT_FALSE(std::filesystem::exists(key.string() + ".lost")) << "it is said once";
  const auto leased = lease(3, now + 1);
  ASSERT_EQ(3u, leased.size());
  EXPECT_EQ(nullptr, leased[0].payload);
  EXPECT_EQ(nullptr, leased[1].payload);
  EXPECT_NE(nullptr, leased[2].payload);
  ASSERT_TRUE(calls().settle(
      {settled(10, delivery_state::dead, "RENDER_FAILED"), settled(11, delivery_state::dead, "RENDER_FAILED")}));
  EXPECT_EQ(0, payload_size()) << "and erased as any other";
}

}  // namespace
}  // namespace tocsin::test
