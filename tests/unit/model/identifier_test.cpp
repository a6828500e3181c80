#include "core/model/identifier.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

namespace tocsin {
namespace {

TEST(Identifier, ReadsBackWhatItShows) {
  const event_id id{0x0123456789abcdef};
  const auto text = to_text(id);
  EXPECT_EQ(text.size(), 13u);
  EXPECT_EQ(parse_event_id(text), id);
}

TEST(Identifier, IsReadInLowerCaseToo) {
  std::string text = to_text(delivery_id{987654321});
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  EXPECT_EQ(parse_delivery_id(text), delivery_id{987654321});
}

TEST(Identifier, RefusesWhatIsNone) {
  for (const char* text : {"", "0", "00000000000000", "000000000000U", "ZZZZZZZZZZZZZ", "0000000-00000"})
    EXPECT_EQ(parse_event_id(text), std::nullopt) << text;
}

TEST(IdentifierSource, GrowsAlsoWhenTheClockGoesBack) {
  identifier_source source;
  const auto first = source.next(2'000);
  const auto second = source.next(1'000);
  EXPECT_GT(second, first);
}

TEST(IdentifierSource, GoesOnAboveWhatTheStoreHas) {
  identifier_source source;
  source.raise_to(std::int64_t{1} << 60);
  EXPECT_GT(source.next(1'000), std::int64_t{1} << 60);
}

TEST(IdentifierSource, GivesEachThreadItsOwn) {
  identifier_source source;
  std::vector<std::int64_t> all[4];
  {
    std::vector<std::jthread> threads;
    for (auto& mine : all)
      threads.emplace_back([&source, &mine] {
        for (int n = 0; n < 5'000; ++n) mine.push_back(source.next(1'000));
      });
  }
  std::vector<std::int64_t> together;
  for (const auto& mine : all) together.insert(together.end(), mine.begin(), mine.end());
  std::sort(together.begin(), together.end());
  EXPECT_EQ(std::adjacent_find(together.begin(), together.end()), together.end());
}

}  // namespace
}  // namespace tocsin
