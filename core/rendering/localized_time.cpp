// Dates and times by ICU.
#include "core/rendering/localized_time.hpp"

#include "core/model/timestamp.hpp"

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
  std::unique_ptr<icu::TimeZone> zone(icu::TimeZone::createTimeZone(icu::UnicodeString::fromUTF8(time_zone)));
  if (!zone || *zone == icu::TimeZone::getUnknown()) {
    zone.reset(icu::TimeZone::createTimeZone(icu::UnicodeString("Etc/UTC", -1, US_INV)));
  }
  format->adoptTimeZone(zone.release());
  return format;
}

std::string localized(time_ms time, const char* skeleton, const std::string& language, const std::string& time_zone) {
  thread_local std::unordered_map<std::string, std::unique_ptr<icu::SimpleDateFormat>> formats;
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

}  // namespace

std::string localized_date_time(time_ms time, const std::string& language, const std::string& time_zone) {
  return localized(time, "yMMMMdHHmmz", language, time_zone);
}

std::string localized_date(time_ms time, const std::string& language, const std::string& time_zone) {
  return localized(time, "yMMMMd", language, time_zone);
}

}  // namespace tocsin
