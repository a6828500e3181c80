// Dates and times by ICU.
#include "core/rendering/localized_time.hpp"

#include "core/model/timestamp.hpp"
#include "core/runtime/per_thread.hpp"

#include <unicode/dtptngen.h>
#include <unicode/locid.h>
#include <unicode/smpdtfmt.h>
#include <unicode/timezone.h>
#include <unicode/unistr.h>

#include <memory>
#include <unordered_map>

namespace tocsin {
namespace {

constexpr std::size_t most_formats = 64;  // a thread keeps; each is some 10 kB and takes 100 us to make

// UTC for a name that ICU does not know.
std::unique_ptr<icu::TimeZone> make_zone(const std::string& name) {
  std::unique_ptr<icu::TimeZone> zone(icu::TimeZone::createTimeZone(icu::UnicodeString::fromUTF8(name)));
  if (!zone || *zone == icu::TimeZone::getUnknown()) {
    zone.reset(icu::TimeZone::createTimeZone(icu::UnicodeString("Etc/UTC", -1, US_INV)));
  }
  return zone;
}

std::unique_ptr<icu::SimpleDateFormat> make_format(const char* skeleton, const std::string& language,
                                                   const std::string& time_zone) {
  UErrorCode status = U_ZERO_ERROR;
  auto locale = icu::Locale::forLanguageTag(language, status);
  if (U_FAILURE(status) || locale.isBogus()) {
    status = U_ZERO_ERROR;
    locale = icu::Locale::getEnglish();
  }
  const std::unique_ptr<icu::DateTimePatternGenerator> generator(
      icu::DateTimePatternGenerator::createInstance(locale, status));
  if (U_FAILURE(status)) return nullptr;
  const auto pattern = generator->getBestPattern(icu::UnicodeString(skeleton, -1, US_INV), status);
  auto format = std::make_unique<icu::SimpleDateFormat>(pattern, locale, status);
  if (U_FAILURE(status)) return nullptr;
  format->adoptTimeZone(make_zone(time_zone).release());
  return format;
}

std::string localized(time_ms time, const char* skeleton, const std::string& language, const std::string& time_zone) {
  static auto* const of_thread =
      new per_thread<std::unordered_map<std::string, std::unique_ptr<icu::SimpleDateFormat>>>;
  auto& formats = of_thread->get();
  const std::string key = std::string(skeleton) + "|" + language + "|" + time_zone;
  auto found = formats.find(key);
  if (found == formats.end()) {
    if (formats.size() >= most_formats) formats.clear();
    found = formats.emplace(key, make_format(skeleton, language, time_zone)).first;
  }
  if (!found->second) return to_rfc3339(time);
  icu::UnicodeString text;
  found->second->format(static_cast<UDate>(time), text);
  std::string utf8;
  return text.toUTF8String(utf8);
}

// Days since 1970-01-01 on the zone's own calendar.
std::int64_t day_number(time_ms time, const icu::TimeZone& zone) {
  std::int32_t raw = 0, saving = 0;
  UErrorCode status = U_ZERO_ERROR;
  zone.getOffset(static_cast<UDate>(time), false, raw, saving, status);
  constexpr std::int64_t day = 24 * 60 * 60 * 1000;
  const std::int64_t local = time + raw + saving;
  return local / day - (local % day < 0 ? 1 : 0);
}

}  // namespace

std::string localized_date_time(time_ms time, const std::string& language, const std::string& time_zone) {
  return localized(time, "yMMMMdHHmmz", language, time_zone);
}

std::string localized_date(time_ms time, const std::string& language, const std::string& time_zone) {
  return localized(time, "yMMMMd", language, time_zone);
}

std::int64_t calendar_days(time_ms from, time_ms to, const std::string& time_zone) {
  const auto zone = make_zone(time_zone);
  return day_number(to, *zone) - day_number(from, *zone);
}

}  // namespace tocsin
