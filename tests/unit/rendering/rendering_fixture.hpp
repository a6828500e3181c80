// Events to render, and a renderer that everybody shares.
#pragma once

#include "core/model/timestamp.hpp"
#include "core/rendering/renderer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace tocsin::test {

inline event license_event(std::string type = "tocsin.license.expiring", int days_left = 14) {
  event made;
  made.id = "1";
  made.source = "/license";
  made.type = std::move(type);
  made.severity = severity::warn;
  made.organization = "acme";
  made.time = *parse_rfc3339("2026-12-05T23:53:00Z") - days_left * std::int64_t{86'400'000};
  made.data = R"({"product":"Orchestrator","holder":"Acme GmbH","expires":"2026-12-05T12:00:00Z","days_left":)" +
              std::to_string(days_left) + R"(,"step":14,"seats":100,"used":83,"late":false})";
  return made;
}

inline event plain_event(std::string data) {
  event made;
  made.id = "7";
  made.source = "/robots";
  made.type = "tocsin.robot.disconnected";
  made.subject = "robot-7 is gone";
  made.severity = severity::error;
  made.data = std::move(data);
  return made;
}

inline result<rendered_parts> try_render(const event& value, const std::string& language = "en",
                                         const std::string& zone = "UTC", const std::string& name = "default") {
  static const renderer shared;
  return shared.render({&value, name, language, zone, value.organization}, [](std::string_view) { return true; });
}

inline rendered_parts render(const event& value, const std::string& language = "en", const std::string& zone = "UTC") {
  auto parts = try_render(value, language, zone);
  EXPECT_TRUE(parts.has_value());
  return *parts;
}

}  // namespace tocsin::test
