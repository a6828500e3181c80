// Routing: which deliveries an event becomes.
#include "core/routing/router.hpp"

#include "core/routing/type_index.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

namespace tocsin {
namespace {

route make_route(std::string name, std::vector<std::string> types, std::vector<std::string> to = {"ops@example.org"},
                 std::vector<std::string> channels = {"email"}) {
  route made;
  made.name = std::move(name);
  made.types = std::move(types);
  made.to = std::move(to);
  made.channels = std::move(channels);
  return made;
}

event make_event(std::string type, std::string organization = {}, std::string recipient = {}) {
  event made;
  made.id = "1";
  made.source = "/test";
  made.type = std::move(type);
  made.organization = std::move(organization);
  made.recipient = std::move(recipient);
  return made;
}

std::vector<std::string> names(const std::vector<planned_delivery>& plan) {
  std::vector<std::string> result;
  for (const auto& delivery : plan) result.push_back(delivery.route);
  return result;
}

using list = std::vector<std::string>;

TEST(Router, FindsRoutesByExactTypePrefixAndAnyGlobInTheFilesOrder) {
  const router routes(
      {make_route("suffix", {"*.expiring"}, {"a"}), make_route("exact", {"tocsin.license.expiring"}, {"b"}),
       make_route("other", {"tocsin.robot.*"}, {"c"}), make_route("prefix", {"tocsin.license.*"}, {"d"}),
       make_route("every", {}, {"e"}), make_route("middle", {"tocsin.*.exp*"}, {"f"})});
  EXPECT_EQ(names(routes.plan(make_event("tocsin.license.expiring"))),
            (list{"suffix", "exact", "prefix", "every", "middle"}));
  EXPECT_EQ(names(routes.plan(make_event("tocsin.robot.available"))), (list{"other", "every"}));
}

TEST(Router, ARouteThatMatchesByTwoOfItsTypesFiresOnce) {
  const router routes({make_route("both", {"tocsin.*", "tocsin.job.faulted", "*"})});
  EXPECT_EQ(names(routes.plan(make_event("tocsin.job.faulted"))), (list{"both"}));
}

TEST(Router, HostRoutesMatchEveryOrganizationAndAnOrganizationsOnlyItsOwn) {
  auto acme = make_route("acme", {"*"}, {"acme@example.org"});
  acme.organization = "acme";
  auto umbrella = make_route("umbrella", {"*"}, {"umbrella@example.org"});
  umbrella.organization = "umbrella";
  const router routes({acme, make_route("host", {"*"}), umbrella});
  EXPECT_EQ(names(routes.plan(make_event("t"))), (list{"host"}));
  EXPECT_EQ(names(routes.plan(make_event("t", "acme"))), (list{"acme", "host"}));
  EXPECT_EQ(names(routes.plan(make_event("t", "undeclared"))), (list{"host"}));
}

TEST(Router, AsksForTheMinimumSeverity) {
  auto rule = make_route("warnings", {"*"});
  rule.minimum_severity = severity::warn;
  const router routes({rule});
  auto value = make_event("t");
  for (const auto level : {severity::info, severity::success}) {
    value.severity = level;
    EXPECT_TRUE(routes.plan(value).empty());
  }
  for (const auto level : {severity::warn, severity::error, severity::fatal}) {
    value.severity = level;
    EXPECT_EQ(routes.plan(value).size(), 1u);
  }
}

TEST(Router, TheEventsOwnRecipientIsUsedAndWithoutOneNothingMatches) {
  const router routes({make_route("own", {"*"}, {"{{recipient}}"})});
  EXPECT_TRUE(routes.plan(make_event("t")).empty());
  const auto plan = routes.plan(make_event("t", "", "user@example.org"));
  ASSERT_EQ(plan.size(), 1u);
  EXPECT_EQ(plan[0].recipient, "user@example.org");
}

TEST(Router, ARecipientGetsAnEventOverAChannelOnceAndTheFirstRouteWins) {
  auto second = make_route("second", {"*"}, {"ops@example.org", "{{recipient}}"});
  second.template_name = "other";
  const router routes({make_route("first", {"*"}), second, make_route("third", {"*"}, {"ops@example.org"}, {"chat"})});
  const auto plan = routes.plan(make_event("t", "", "ops@example.org"));
  ASSERT_EQ(plan.size(), 2u);
  EXPECT_EQ(plan[0].route, "first");
  EXPECT_EQ(plan[0].template_name, "default");
  EXPECT_EQ(plan[1].route, "third");
  EXPECT_EQ(plan[1].channels, (list{"chat"}));
}

TEST(Router, AFallbackThatAnotherRouteUsesForTheSameRecipientIsLeftOut) {
  const router routes({make_route("first", {"*"}, {"a", "b"}, {"email", "chat", "file"}),
                       make_route("second", {"*"}, {"a"}, {"chat"})});
  const auto plan = routes.plan(make_event("t"));
  ASSERT_EQ(plan.size(), 3u);
  EXPECT_EQ(plan[0].channels, (list{"email", "file"}));
  EXPECT_EQ(plan[1].channels, (list{"email", "chat", "file"}));
}

TEST(Router, WithoutRoutesPlansNothing) {
  const router routes({});
  EXPECT_TRUE(routes.plan(make_event("t", "acme", "a")).empty());
}

// The cost of a look-up is what it finds: 10,000 routes of other types, prefixes and organizations are not looked at.
TEST(TypeIndex, FindsOnlyThePatternsThatMatchAmongTenThousand) {
  type_index index;
  std::vector<std::string> patterns;
  std::mt19937 random(7);
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    std::string pattern = "org" + std::to_string(random() % 100) + ".kind" + std::to_string(random() % 100);
    if (i % 3 == 1) pattern += ".*";
    if (i % 3 == 2) pattern = "*." + pattern;
    patterns.push_back(pattern);
    index.add(pattern, i);
  }
  std::size_t total = 0;
  for (int i = 0; i < 200; ++i) {
    const std::string type = "org" + std::to_string(random() % 100) + ".kind" + std::to_string(random() % 100) + ".x";
    std::vector<std::uint32_t> found, expected;
    index.find(type, found);
    std::sort(found.begin(), found.end());
    for (std::uint32_t p = 0; p < patterns.size(); ++p) {
      if (matches_glob(patterns[p], type)) expected.push_back(p);
    }
    EXPECT_EQ(found, expected) << type;
    total += found.size();
  }
  EXPECT_GT(total, 0u);
}

}  // namespace
}  // namespace tocsin
