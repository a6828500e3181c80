// No statement of the store goes through a whole table, however SQLite would like to.
#include "core/store/schema.hpp"
#include "core/store/sealing.hpp"
#include "core/store/tables.hpp"

#include "tests/unit/store/store_fixture.hpp"

namespace tocsin::test {
namespace {

TEST(StorePlan, EveryStatementGoesByAnIndex) {
  const temporary_folder folder;
  sqlite::connection database(folder.path() / "tocsin.db");
  sqlite::migrate(database);
  const auto key = sealing_key::make(folder.path() / "store.key");
  ASSERT_TRUE(key);
  const tables all(database, *key, 1);
  std::vector<std::string> texts;
  for (auto* one = sqlite3_next_stmt(database.handle(), nullptr); one != nullptr;
       one = sqlite3_next_stmt(database.handle(), one)) {
    texts.emplace_back(sqlite3_sql(one));
  }
  ASSERT_GT(texts.size(), 50u);
  // Small by nature: paused endpoints, tokens; what is being sent.
  const auto may_scan = [](const std::string& plan) {
    return plan.find("SCAN pause") != std::string::npos || plan.find("SCAN token") != std::string::npos ||
           plan.find("delivery_leased") != std::string::npos || plan.find("SCAN CONSTANT ROW") != std::string::npos ||
           plan.find("SCAN (subquery") != std::string::npos;
  };
  for (const auto& text : texts) {
    sqlite::statement explain(database, "EXPLAIN QUERY PLAN " + text);
    auto plan = explain.query();
    while (plan.next()) {
      const std::string step(plan.text(3));
      EXPECT_TRUE(step.find("SCAN") == std::string::npos || may_scan(step)) << step << "\n" << text;
    }
  }
}

}  // namespace
}  // namespace tocsin::test
