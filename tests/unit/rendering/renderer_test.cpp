// Tests of the built-in templates.
#include "tests/unit/rendering/rendering_fixture.hpp"

#include <atomic>
#include <thread>

namespace tocsin::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST(Renderer, ShowsTheWholeEventByDefault) {
  event value = plain_event(R"({"robot":"robot-7","since":"23:40","details":{"exit":1}})");
  value.organization = "acme";
  value.time = parse_rfc3339("2026-11-21T23:53:00Z");
  const auto parts = render(value);
  EXPECT_EQ(parts.subject, "[Error] robot-7 is gone");
  EXPECT_EQ(parts.text,
            "robot-7 is gone\n"
            "\n"
            "Severity:     Error\n"
            "Type:         tocsin.robot.disconnected\n"
            "Time:         November 21, 2026 at 23:53 UTC\n"
            "Organization: acme\n"
            "Source:       /robots\n"
            "robot:        robot-7\n"
            "since:        23:40\n"
            "details:      {\"exit\":1}\n"
            "\n"
            "-- \n"
            "Sent by Tocsin\n");
  for (const char* shown : {"robot-7 is gone", "Error", "tocsin.robot.disconnected", "November 21, 2026 at 23:53 UTC",
                            "acme", "since", "23:40", "{&quot;exit&quot;:1}"}) {
    EXPECT_THAT(parts.html, HasSubstr(shown));
  }
}

TEST(Renderer, NamesTheTypeWhereThereIsNoSubject) {
  event value = plain_event("");
  value.subject.clear();
  EXPECT_EQ(render(value).subject, "[Error] tocsin.robot.disconnected");
}

TEST(Renderer, SpeaksOfALicenseInASentence) {
  const auto parts = render(license_event());
  EXPECT_EQ(parts.subject, "[Warning] License of Orchestrator ends in 14 days");
  EXPECT_THAT(parts.text,
              StartsWith("The license of Orchestrator ends in 14 days\n\n"
                         "The license of Orchestrator for Acme GmbH ends on December 5, 2026, in 14 days.\n\n"
                         "83 of 100 seats are in use.\n\n"
                         "Product:      Orchestrator\n"));
  EXPECT_THAT(parts.html, HasSubstr("The license of Orchestrator for Acme GmbH ends on December 5, 2026, in 14 days."));
  EXPECT_THAT(parts.html, HasSubstr("83 / 100"));
}

TEST(Renderer, SaysTodayAndTomorrow) {
  EXPECT_EQ(render(license_event("tocsin.license.expiring", 1)).subject,
            "[Warning] License of Orchestrator ends tomorrow");
  EXPECT_EQ(render(license_event("tocsin.license.expiring", 0)).subject,
            "[Warning] License of Orchestrator ends today");
}

TEST(Renderer, KnowsExpiredAndRenewedLicenses) {
  EXPECT_EQ(render(license_event("tocsin.license.expired", -1)).subject,
            "[Warning] License of Orchestrator has expired");
  EXPECT_THAT(render(license_event("tocsin.license.expired", -1)).text,
              HasSubstr("ended on December 5, 2026, yesterday."));
  EXPECT_THAT(render(license_event("tocsin.license.expired", -3)).text,
              HasSubstr("ended on December 5, 2026, 3 days ago."));
  EXPECT_THAT(render(license_event("tocsin.license.expired", 0)).text, HasSubstr("ended on December 5, 2026.\n"));
  EXPECT_THAT(render(license_event("tocsin.license.renewed", 365)).text,
              HasSubstr("now ends on December 5, 2026, in 365 days."));
}

TEST(Renderer, SaysThatANoticeComesLate) {
  event value = license_event("tocsin.license.expiring", 9);
  value.data.replace(value.data.find("false"), 5, "true");
  EXPECT_THAT(render(value).text, HasSubstr("This notice comes late: it was due 14 days before the end.\n"));
  EXPECT_THAT(render(license_event()).text, Not(HasSubstr("late")));
}

TEST(Renderer, CountsDaysOnTheReadersCalendar) {
  event value = license_event("tocsin.license.expiring", 4);
  value.time = parse_rfc3339("2026-12-02T03:10:00Z");
  EXPECT_THAT(render(value).subject, HasSubstr("ends in 3 days"));
  value.time = parse_rfc3339("2026-12-05T00:10:00Z");
  EXPECT_THAT(render(value).subject, HasSubstr("ends today"));
  EXPECT_THAT(render(value, "en", "America/New_York").subject, HasSubstr("ends tomorrow"));
  value.time.reset();
  EXPECT_THAT(render(value).subject, HasSubstr("ends in 4 days")) << "without a time, as the event says";
}

TEST(Renderer, WritesFrenchInTheOrganizationsTimeZone) {
  const auto parts = render(license_event(), "fr-FR", "Europe/Paris");
  EXPECT_EQ(parts.subject, "[Avertissement] Licence Orchestrator : expire dans 13 jours");
  EXPECT_THAT(parts.text,
              HasSubstr("La licence Orchestrator (titulaire : Acme GmbH) expire le 5 décembre 2026, dans 13 jours."));
  EXPECT_THAT(parts.text, HasSubstr("22 novembre 2026 à 00:53 UTC+1"));
  EXPECT_THAT(parts.text, HasSubstr("Titulaire"));
  EXPECT_THAT(parts.html, HasSubstr("<html lang=\"fr\">"));
}

TEST(Renderer, FallsBackToEnglishAsAWhole) {
  const auto parts = render(license_event(), "de", "Europe/Berlin");
  EXPECT_THAT(parts.text, HasSubstr("ends on December 5, 2026"));
  EXPECT_THAT(parts.html, HasSubstr("<html lang=\"en\">"));
}

TEST(Renderer, ShowsALicenseEventWithoutItsDataByTheDefaultTemplate) {
  for (const char* data : {"", "{}", "[]", R"({"product":"P"})", R"({"product":5,"expires":"x","days_left":"y"})",
                           R"({"product":"P","expires":"soon","days_left":1})"}) {
    event value = license_event();
    value.data = data;
    EXPECT_EQ(render(value).subject, "[Warning] tocsin.license.expiring") << data;
  }
}

TEST(Renderer, LeavesSeatsAndHolderOutWhereThereAreNone) {
  event value = license_event();
  value.data = R"({"product":"P","expires":"2026-12-05T12:00:00Z","days_left":2})";
  value.time.reset();
  EXPECT_THAT(render(value).text, HasSubstr("\n\nThe license of P ends on December 5, 2026, in 2 days.\n\nProduct:"));
}

TEST(Renderer, UsesTheTemplateThatTheRouteNames) {
  EXPECT_EQ(try_render(license_event(), "en", "UTC", "tocsin.license.renewed")->subject,
            "[Warning] License of Orchestrator renewed until December 5, 2026");
  const auto unknown = try_render(license_event(), "en", "UTC", "defualt");
  ASSERT_FALSE(unknown.has_value());
  EXPECT_EQ(unknown.error().code, "RENDER_FAILED");
  EXPECT_THAT(unknown.error().remedy, HasSubstr("default"));
}

TEST(Renderer, ListsItsTemplates) {
  EXPECT_THAT(renderer().templates(),
              ElementsAre("default", "tocsin.license.expired", "tocsin.license.expiring", "tocsin.license.renewed"));
}

TEST(Renderer, MakesOnlyTheWantedParts) {
  const event value = license_event();
  const auto parts =
      renderer().render({&value, "default", "en", "UTC", "acme"}, [](std::string_view part) { return part == "text"; });
  EXPECT_TRUE(parts->subject.empty());
  EXPECT_TRUE(parts->html.empty());
  EXPECT_FALSE(parts->text.empty());
}

TEST(Renderer, EscapesHtmlAndOnlyHtml) {
  const auto parts = render(plain_event(R"({"<b>":"<script>alert('x')</script> & \"y\""})"));
  EXPECT_THAT(parts.html, HasSubstr("&lt;script&gt;alert(&apos;x&apos;)&lt;/script&gt; &amp; &quot;y&quot;"));
  EXPECT_THAT(parts.html, Not(HasSubstr("<script")));
  EXPECT_THAT(parts.text, HasSubstr("<script>alert('x')</script> & \"y\""));
}

TEST(Renderer, HasAPreheaderAColourAndNothingFromOutside) {
  const auto html = render(license_event()).html;
  EXPECT_THAT(html, StartsWith("<!DOCTYPE html>\n"));
  EXPECT_THAT(html, HasSubstr("mso-hide:all;\">The license of Orchestrator for Acme GmbH ends on"));
  EXPECT_THAT(html, HasSubstr("background-color:#a35200"));
  EXPECT_THAT(html, HasSubstr("prefers-color-scheme: dark"));
  for (const char* outside : {"http:", "https:", "src=", "url(", "<link", "<script", "@import"}) {
    EXPECT_THAT(html, Not(HasSubstr(outside)));
  }
  EXPECT_THAT(html, Not(HasSubstr("{{")));
}

TEST(Renderer, KeepsEachSeveritysColour) {
  std::vector<std::string> seen;
  for (const auto level : {severity::info, severity::success, severity::warn, severity::error, severity::fatal}) {
    event value = plain_event("");
    value.severity = level;
    const auto html = render(value).html;
    const auto at = html.find("bgcolor=\"#", html.find("height:6px") - 60);
    seen.push_back(html.substr(at + 9, 7));
  }
  EXPECT_THAT(seen, ElementsAre("#2459b8", "#1a7a43", "#a35200", "#c0272d", "#7d1128"));
}

TEST(Renderer, RendersFromManyThreadsAtOnce) {
  const renderer shared;
  const event value = license_event();
  const auto all = [](std::string_view) { return true; };
  const auto wanted = shared.render({&value, "default", "fr", "Europe/Paris", "acme"}, all);
  std::atomic<int> different{0};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      for (int turn = 0; turn < 50; ++turn) {
        const auto parts = shared.render({&value, "default", "fr", "Europe/Paris", "acme"}, all);
        if (parts->html != wanted->html || parts->text != wanted->text) ++different;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(different, 0);
}

}  // namespace
}  // namespace tocsin::test
