// Time zones by ICU, whose own data needs no tzdata package.
#include "core/settings/time_zone.hpp"

#include <unicode/timezone.h>
#include <unicode/unistr.h>

#include <memory>

namespace tocsin {

bool is_time_zone(const std::string& name) {
  if (name.empty() || name.size() > 64) return false;
  const auto id = icu::UnicodeString::fromUTF8(name);
  const std::unique_ptr<icu::TimeZone> zone(icu::TimeZone::createTimeZone(id));
  return zone && *zone != icu::TimeZone::getUnknown();
}

}  // namespace tocsin
