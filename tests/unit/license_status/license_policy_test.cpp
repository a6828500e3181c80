// When a license is announced, and when not.
#include "plugins/sources/license_status/license_policy.hpp"

#include "plugins/sources/license_status/rfc3339.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

namespace {

using namespace tocsin::license_status;
using namespace std::chrono_literals;

constexpr std::int64_t second_ms = 1000;
constexpr std::int64_t hour_ms = 3600 * second_ms;
constexpr std::int64_t day_ms = 24 * hour_ms;

std::int64_t at(const char* text) { return parse_time(text).value(); }

license license_until(std::int64_t expires_ms) {
  license made;
  made.product = "Robots";
  made.holder = "Acme";
  made.expires_ms = expires_ms;
  return made;
}

// The policy with its memory, as a running source has it.
struct running_policy {
  policy_settings settings{{180, 90, 30, 14, 7, 1}, 60s};
  std::optional<knowledge> known;

  std::vector<notice> look(const license& file, std::int64_t now_ms) {
    std::vector<notice> announced;
    while (true) {
      const decision what = decide(settings, known, file, now_ms);
      if (what.remember) known = from_memory(to_memory(*what.remember));  // through its stored form
      if (!what.announce) return announced;
      EXPECT_TRUE(what.remember) << "an announcement that is not remembered would be repeated";
      announced.push_back(*what.announce);
    }
  }
  std::string names(const license& file, std::int64_t now_ms) {
    std::string all;
    for (const notice& one : look(file, now_ms)) {
      all += one.kind == notice_kind::expiring  ? std::to_string(one.step)
             : one.kind == notice_kind::expired ? "expired"
                                                : "renewed";
      all += one.late ? " late;" : ";";
    }
    return all;
  }
};

const std::int64_t expiry = at("2027-01-31T12:00:00Z");

TEST(LicensePolicy, FiresAStepAtExactlyItsDaysAndNotAMillisecondBefore) {
  for (const std::int64_t step : {180, 90, 30, 14, 7, 1}) {
    running_policy policy;
    policy.settings.steps = {step};
    const license file = license_until(expiry);
    EXPECT_EQ(policy.names(file, expiry - step * day_ms - 1), "");
    const auto fired = policy.look(file, expiry - step * day_ms);
    ASSERT_EQ(fired.size(), 1u);
    EXPECT_EQ(fired[0].step, step);
    EXPECT_EQ(fired[0].days_left, step);
    EXPECT_FALSE(fired[0].late);
  }
}

TEST(LicensePolicy, ExpiresAtExactlyItsEnd) {
  running_policy policy;
  const license file = license_until(expiry);
  EXPECT_EQ(policy.names(file, expiry - 1), "1;");
  const auto fired = policy.look(file, expiry);
  ASSERT_EQ(fired.size(), 1u);
  EXPECT_EQ(fired[0].kind, notice_kind::expired);
  EXPECT_EQ(fired[0].days_left, 0);
  EXPECT_EQ(policy.names(file, expiry + 1000 * day_ms), "");
}

TEST(LicensePolicy, FiresSixStepsAndTheEndFromTwoHundredDaysDayByDay) {
  running_policy policy;
  const license file = license_until(expiry);
  std::string all;
  for (std::int64_t left = 200; left >= -10; --left) all += policy.names(file, expiry - left * day_ms + 5 * second_ms);
  EXPECT_EQ(all, "180;90;30;14;7;1;expired;");
}

TEST(LicensePolicy, CountsDaysByTheCalendarOverALeapDay) {
  running_policy policy;
  const license file = license_until(at("2028-03-01T00:00:00Z"));
  EXPECT_EQ(policy.names(file, at("2028-02-27T00:00:00Z")), "7;");
  EXPECT_EQ(policy.names(file, at("2028-02-28T23:59:59Z")), "");
  EXPECT_EQ(policy.names(file, at("2028-02-29T00:00:00Z")), "1;");  // 2028 has this day
  running_policy common_year;
  const license other = license_until(at("2027-03-01T00:00:00Z"));
  EXPECT_EQ(common_year.names(other, at("2027-02-27T23:59:59Z")), "7;");
  EXPECT_EQ(common_year.names(other, at("2027-02-28T00:00:00Z")), "1;");
}

TEST(LicensePolicy, FiresOnlyTheNearestStepForALicenseThatIsSeenForTheFirstTime) {
  running_policy policy;
  const auto fired = policy.look(license_until(expiry), expiry - 5 * day_ms);
  ASSERT_EQ(fired.size(), 1u);
  EXPECT_EQ(fired[0].step, 7);
  EXPECT_EQ(fired[0].days_left, 5);
  EXPECT_FALSE(fired[0].late) << "nobody was late: the license is new";
}

TEST(LicensePolicy, FiresOnlyTheEndForALicenseThatIsOverWhenFirstSeen) {
  running_policy policy;
  const auto fired = policy.look(license_until(expiry), expiry + 3 * day_ms + hour_ms);
  ASSERT_EQ(fired.size(), 1u);
  EXPECT_EQ(fired[0].kind, notice_kind::expired);
  EXPECT_EQ(fired[0].days_left, -3);
  EXPECT_FALSE(fired[0].late);
}

TEST(LicensePolicy, FiresNothingTwiceOverARestart) {
  running_policy policy;
  const license file = license_until(expiry);
  EXPECT_EQ(policy.names(file, expiry - 30 * day_ms), "30;");
  running_policy restarted{policy.settings, from_memory(to_memory(*policy.known))};
  EXPECT_EQ(restarted.names(file, expiry - 29 * day_ms), "");
  EXPECT_EQ(restarted.names(file, expiry - 14 * day_ms), "14;");
}

TEST(LicensePolicy, FiresTheNearestStepOnceAndLateWhenSeveralWereCrossedWhileTheHostWasDown) {
  running_policy policy;
  const license file = license_until(expiry);
  EXPECT_EQ(policy.names(file, expiry - 195 * day_ms), "");
  EXPECT_TRUE(policy.known) << "a license without an announcement is remembered, too, or nothing could be late";
  EXPECT_EQ(policy.names(file, expiry - 20 * day_ms), "30 late;");
  EXPECT_EQ(policy.names(file, expiry - 13 * day_ms), "14 late;");
  EXPECT_EQ(policy.names(file, expiry + 1 * day_ms), "expired late;");
}

TEST(LicensePolicy, IsNotLateWithinItsTolerance) {
  running_policy policy;
  const license file = license_until(expiry);
  EXPECT_EQ(policy.names(file, expiry - 200 * day_ms), "");
  EXPECT_EQ(policy.names(file, expiry - 180 * day_ms + 60 * second_ms), "180;");
  EXPECT_EQ(policy.names(file, expiry - 90 * day_ms + 60 * second_ms + 1), "90 late;");
}

TEST(LicensePolicy, AnnouncesARenewalAfterAStepAndStartsAnew) {
  running_policy policy;
  EXPECT_EQ(policy.names(license_until(expiry), expiry - 5 * day_ms), "7;");
  const license renewed = license_until(expiry + 365 * day_ms);
  const auto fired = policy.look(renewed, expiry - 4 * day_ms);
  ASSERT_EQ(fired.size(), 1u);
  EXPECT_EQ(fired[0].kind, notice_kind::renewed);
  EXPECT_EQ(fired[0].days_left, 369);
  EXPECT_EQ(fired[0].previous_expires_ms, expiry);
  EXPECT_EQ(policy.names(renewed, expiry - 3 * day_ms), "");
  EXPECT_EQ(policy.names(renewed, renewed.expires_ms - 180 * day_ms), "180;");
}

TEST(LicensePolicy, AnnouncesARenewalAfterTheEnd) {
  running_policy policy;
  EXPECT_EQ(policy.names(license_until(expiry), expiry), "expired;");
  EXPECT_EQ(policy.names(license_until(expiry + 365 * day_ms), expiry + day_ms), "renewed;");
}

TEST(LicensePolicy, AnnouncesTheNearestStepBesideAShortRenewal) {
  running_policy policy;
  EXPECT_EQ(policy.names(license_until(expiry), expiry - hour_ms), "1;");
  EXPECT_EQ(policy.names(license_until(expiry + 10 * day_ms), expiry - hour_ms), "renewed;14;");
}

TEST(LicensePolicy, SaysNothingOfARenewalBeforeAnyStep) {
  running_policy policy;
  EXPECT_EQ(policy.names(license_until(expiry), expiry - 300 * day_ms), "");
  EXPECT_EQ(policy.names(license_until(expiry + 365 * day_ms), expiry - 299 * day_ms), "");
  EXPECT_EQ(policy.known->expires_ms, expiry + 365 * day_ms);
}

TEST(LicensePolicy, StartsAnewWhenTheEndIsMovedNearer) {
  running_policy policy;
  EXPECT_EQ(policy.names(license_until(expiry), expiry - 100 * day_ms), "180;");
  EXPECT_EQ(policy.names(license_until(expiry - 95 * day_ms), expiry - 100 * day_ms), "7;");
}

TEST(LicensePolicy, DoesNotCallALaterEndThatIsPastARenewal) {
  running_policy policy;
  EXPECT_EQ(policy.names(license_until(expiry), expiry + 10 * day_ms), "expired;");
  EXPECT_EQ(policy.names(license_until(expiry + day_ms), expiry + 10 * day_ms), "expired;");
}

TEST(LicensePolicy, FiresNothingTwiceWhenTheClockGoesBack) {
  running_policy policy;
  const license file = license_until(expiry);
  EXPECT_EQ(policy.names(file, expiry - 14 * day_ms), "14;");
  EXPECT_EQ(policy.names(file, expiry - 40 * day_ms), "");
  EXPECT_EQ(policy.names(file, expiry - 25 * day_ms), "");
  EXPECT_EQ(policy.names(file, expiry - 13 * day_ms), "");
  EXPECT_EQ(policy.names(file, expiry + day_ms), "expired late;");
  EXPECT_EQ(policy.names(file, expiry - 2 * day_ms), "");
  EXPECT_EQ(policy.names(file, expiry + 2 * day_ms), "");
}

TEST(LicensePolicy, TakesStepsInAnyOrderAndNoneAtAll) {
  running_policy policy;
  policy.settings.steps = {1, 30, 30, 7};
  const license file = license_until(expiry);
  EXPECT_EQ(policy.names(file, expiry - 20 * day_ms), "30;");
  EXPECT_EQ(policy.names(file, expiry - 6 * day_ms), "7 late;");
  running_policy silent;
  silent.settings.steps = {};
  EXPECT_EQ(silent.names(file, expiry - hour_ms), "");
  EXPECT_EQ(silent.names(file, expiry), "expired;");
}

TEST(LicenseMemory, ForgetsWhatItCannotRead) {
  const knowledge known{expiry, expiry - day_ms, 30, true};
  EXPECT_EQ(from_memory(to_memory(known)), known);
  const knowledge fresh{expiry, 1, std::nullopt, false};
  EXPECT_EQ(from_memory(to_memory(fresh)), fresh);
  for (const char* text : {"", "1", "2 1 1 0 0", "1 x 1 0 0", "1 1 1 -5 0", "1 1 1 0 0 7", "1 1 1 0"}) {
    EXPECT_EQ(from_memory(text), std::nullopt) << text;
  }
}

TEST(CurrentLicenses, KeepsTheOneThatEndsLastOfSeveralFilesForOneLicense) {
  license old_file = license_until(expiry);
  license new_file = license_until(expiry + 365 * day_ms);
  license other = license_until(expiry - day_ms);
  other.product = "Studio";
  const auto current = current_licenses({new_file, other, old_file}, "acme");
  ASSERT_EQ(current.size(), 2u);
  EXPECT_EQ(current[0].product, "Robots");
  EXPECT_EQ(current[0].expires_ms, expiry + 365 * day_ms);
  EXPECT_EQ(current[0].organization, "acme");
  EXPECT_EQ(current[1].product, "Studio");
}

TEST(CurrentLicenses, TellsOrganizationsApart) {
  license own = license_until(expiry);
  own.organization = "globex";
  EXPECT_EQ(current_licenses({license_until(expiry), own}, "acme").size(), 2u);
}

TEST(LicenseIdentity, CannotBeConfusedBySeparatorsInNames) {
  license left = license_until(expiry);
  license right = left;
  left.product = "a/b";
  left.holder = "c";
  right.product = "a";
  right.holder = "b/c";
  EXPECT_NE(identity(left), identity(right));
  EXPECT_EQ(identity(left), "a%2Fb/c/");
}

}  // namespace
