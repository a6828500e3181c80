// Why a route takes an event, or does not.
#include "core/routing/route_trace.hpp"

#include "core/routing/router.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tocsin::test {
namespace {

using testing::HasSubstr;

route rule(std::string name, std::vector<std::string> types, std::string organization = {}) {
  route out;
  out.name = std::move(name);
  out.types = std::move(types);
  out.organization = std::move(organization);
  out.channels = {"email"};
  out.to = {"ops@example.org"};
  return out;
}

event robot() {
  event out;
  out.type = "tocsin.robot.disconnected";
  out.severity = severity::warn;
  out.organization = "acme";
  return out;
}

TEST(RouteTrace, NamesTheFirstReasonForWhichARouteDoesNotMatch) {
  auto severe = rule("severe", {"tocsin.*"});
  severe.minimum_severity = severity::error;
  auto own = rule("own", {});
  own.to = {"{{recipient}}"};
  const std::vector<route> routes{rule("licenses", {"tocsin.license.*"}), severe, own, rule("all", {})};
  const auto traced = trace_routes(routes, robot(), true);
  ASSERT_EQ(4u, traced.routes.size());
  EXPECT_EQ(route_verdict::type, traced.routes[0].verdict);
  EXPECT_THAT(traced.routes[0].why, HasSubstr("tocsin.license.*"));
  EXPECT_EQ(route_verdict::severity, traced.routes[1].verdict);
  EXPECT_EQ("It takes error and above; the event is warn.", traced.routes[1].why);
  EXPECT_EQ(route_verdict::no_recipient, traced.routes[2].verdict);
  EXPECT_EQ(route_verdict::matched, traced.routes[3].verdict);
  EXPECT_EQ(route_verdict::recipient_unknown, trace_routes(routes, robot(), false).routes[2].verdict);
}

TEST(RouteTrace, CountsRoutesOfOtherOrganizationsWithoutNamingThem) {
  const std::vector<route> routes{rule("host", {"x"}), rule("mine", {}, "acme"), rule("theirs", {}, "globex"),
                                  rule("theirs, too", {"x"}, "globex")};
  const auto traced = trace_routes(routes, robot(), true);
  EXPECT_EQ(2u, traced.routes.size());
  EXPECT_EQ(1u, traced.of_others);
}

TEST(RouteTrace, SaysWhatTheRouterDoes) {
  for (const auto* type : {"tocsin.robot.disconnected", "tocsin.license.expiring", "x"}) {
    for (const auto level : {severity::info, severity::warn, severity::fatal}) {
      auto severe = rule("severe", {"tocsin.*", "x"});
      severe.minimum_severity = severity::warn;
      auto value = robot();
      value.type = type;
      value.severity = level;
      for (const auto& one : {severe, rule("robots", {"tocsin.robot.*"}), rule("theirs", {}, "globex")}) {
        const auto traced = trace_routes(std::vector{one}, value, true);
        const bool matched = !traced.routes.empty() && traced.routes[0].verdict == route_verdict::matched;
        EXPECT_EQ(!router({one}).plan(value).empty(), matched) << one.name << " " << type;
      }
    }
  }
}

}  // namespace
}  // namespace tocsin::test
