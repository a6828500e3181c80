// Notices as events.
#include "plugins/sources/license_status/license_event.hpp"

#include "plugins/sources/license_status/rfc3339.hpp"

#include <gtest/gtest.h>

#include <string>

namespace {

using namespace tocsin::license_status;

license sample() {
  license made;
  made.product = "Robots Pro";
  made.holder = "Acme";
  made.organization = "acme";
  made.expires_ms = parse_time("2027-01-31T12:00:00Z").value();
  made.seats = 100;
  made.used = 83;
  return made;
}

TEST(LicenseEvent, CarriesAllThatATemplateMayShow) {
  notice what;
  what.step = 30;
  what.days_left = 28;
  what.late = true;
  const license_event made = make_event(what, sample(), "main");
  const tocsin::sdk::event event = made.view(1234);
  EXPECT_EQ(event.type, "tocsin.license.expiring");
  EXPECT_EQ(event.source, "/license/main");
  EXPECT_EQ(event.severity, "warn");
  EXPECT_EQ(event.organization, "acme");
  EXPECT_EQ(event.component, "Robots Pro");
  EXPECT_EQ(event.time_ms, 1234);
  EXPECT_EQ(event.id, "Robots%20Pro/Acme/acme/2027-01-31T12:00:00Z/expiring/30");
  EXPECT_EQ(event.data,
            R"({"product":"Robots Pro","holder":"Acme","expires":"2027-01-31T12:00:00Z","days_left":28,"step":30,)"
            R"("seats":100,"used":83,"late":true})");
}

TEST(LicenseEvent, LeavesOutWhatIsNotKnown) {
  license file = sample();
  file.seats.reset();
  file.used.reset();
  notice what;
  what.kind = notice_kind::expired;
  EXPECT_EQ(make_event(what, file, "main").data,
            R"({"product":"Robots Pro","holder":"Acme","expires":"2027-01-31T12:00:00Z","days_left":0,"late":false})");
}

TEST(LicenseEvent, TellsTheOldEndOfARenewedLicense) {
  notice what;
  what.kind = notice_kind::renewed;
  what.previous_expires_ms = parse_time("2026-01-31T12:00:00Z").value();
  const license_event made = make_event(what, sample(), "main");
  EXPECT_EQ(made.type, "tocsin.license.renewed");
  EXPECT_EQ(made.severity, "success");
  EXPECT_NE(made.data.find(R"("previous_expires":"2026-01-31T12:00:00Z")"), std::string::npos);
}

TEST(LicenseEvent, GrowsInSeverityTowardsTheEnd) {
  const auto severity_at = [](std::int64_t step) {
    notice what;
    what.step = step;
    return std::string(make_event(what, sample(), "main").severity);
  };
  EXPECT_EQ(severity_at(180), "info");
  EXPECT_EQ(severity_at(90), "info");
  EXPECT_EQ(severity_at(30), "warn");
  EXPECT_EQ(severity_at(14), "warn");
  EXPECT_EQ(severity_at(7), "error");
  EXPECT_EQ(severity_at(1), "error");
  notice what;
  what.kind = notice_kind::expired;
  EXPECT_EQ(make_event(what, sample(), "main").severity, "fatal");
}

TEST(LicenseEvent, HasAUriForAnyNameOfASource) {
  EXPECT_EQ(make_event(notice{}, sample(), "my licenses/é").uri, "/license/my%20licenses%2F%C3%A9");
}

}  // namespace
