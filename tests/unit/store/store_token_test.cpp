// Tokens in the store: what is kept of them, and that a revoked one stays so.
#include "tests/unit/store/store_fixture.hpp"

namespace tocsin::test {
namespace {

token_record sample(std::string name) {
  token_record one;
  one.hash = std::string(31, '\0') + name.front();
  one.name = std::move(name);
  one.scope = "publish";
  one.created = now;
  return one;
}

result<bool> add(store& to, token_record token) {
  return answer_of<bool>([&](auto done) { to.add_token(std::move(token), done); });
}
result<bool> revoke(store& of, const std::string& name, time_ms at) {
  return answer_of<bool>([&](auto done) { of.revoke_token(name, at, done); });
}
std::vector<token_record> all(store& of) {
  return *answer_of<std::vector<token_record>>([&](auto done) { of.tokens(done); });
}

TEST(StoreToken, KeepsTokensOverARestart) {
  const temporary_folder folder;
  {
    const auto opened = *open_sqlite_store(folder.path(), "host.test");
    auto bound = sample("jobs");
    bound.organization = "acme";
    bound.types = {"tocsin.job.*", "say \"hello\""};
    EXPECT_TRUE(*add(*opened, bound));
    EXPECT_TRUE(*add(*opened, sample("all")));
  }
  const auto opened = *open_sqlite_store(folder.path(), "host.test");
  const auto found = all(*opened);
  ASSERT_EQ(2u, found.size());
  EXPECT_EQ("all", found[0].name);
  EXPECT_FALSE(found[0].organization);
  EXPECT_TRUE(found[0].types.empty());
  EXPECT_EQ("jobs", found[1].name);
  EXPECT_EQ(sample("jobs").hash, found[1].hash);
  EXPECT_EQ("publish", found[1].scope);
  EXPECT_EQ("acme", found[1].organization);
  EXPECT_EQ((std::vector<std::string>{"tocsin.job.*", "say \"hello\""}), found[1].types);
  EXPECT_EQ(now, found[1].created);
  EXPECT_FALSE(found[1].revoked);
}

TEST(StoreToken, TakesANameOnceUntilItIsRevoked) {
  const temporary_folder folder;
  const auto opened = *open_sqlite_store(folder.path(), "host.test");
  EXPECT_TRUE(*add(*opened, sample("jobs")));
  auto second = sample("jobs");
  second.hash.back() = 'x';
  EXPECT_FALSE(*add(*opened, second));
  EXPECT_EQ(sample("jobs").hash, all(*opened).front().hash) << "the first one stays as it was";
  EXPECT_FALSE(*revoke(*opened, "others", now));
  EXPECT_TRUE(*revoke(*opened, "jobs", now + 5));
  EXPECT_EQ(now + 5, all(*opened).front().revoked);
  EXPECT_FALSE(*revoke(*opened, "jobs", now + 9)) << "it was revoked before";
  EXPECT_TRUE(*add(*opened, second));
  ASSERT_EQ(1u, all(*opened).size());
  EXPECT_FALSE(all(*opened).front().revoked);
}

}  // namespace
}  // namespace tocsin::test
