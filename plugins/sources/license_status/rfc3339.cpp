// RFC 3339 times, without the locale and without the machine's time zone.
#include "plugins/sources/license_status/rfc3339.hpp"

#include <array>
#include <chrono>
#include <cstdio>

namespace tocsin::license_status {
namespace {

namespace chrono = std::chrono;

// Takes text from the front, piece by piece; after the first that does not fit, ok() stays false.
class scanner {
 public:
  explicit scanner(std::string_view text) : rest_(text) {}

  int digits(std::size_t count, int lowest, int highest) {
    int value = 0;
    if (rest_.size() < count) return fail();
    for (std::size_t at = 0; at < count; ++at) {
      if (rest_[at] < '0' || rest_[at] > '9') return fail();
      value = value * 10 + (rest_[at] - '0');
    }
    rest_.remove_prefix(count);
    return value < lowest || value > highest ? fail() : value;
  }

  // One of the characters; which, as its place in them.
  int one_of(std::string_view wanted) {
    const std::size_t found = rest_.empty() ? std::string_view::npos : wanted.find(rest_.front());
    if (found == std::string_view::npos) return fail();
    rest_.remove_prefix(1);
    return static_cast<int>(found);
  }

  // The milliseconds of ".25", 0 where there is no fraction.
  int fraction() {
    if (rest_.empty() || rest_.front() != '.') return 0;
    rest_.remove_prefix(1);
    int value = 0;
    int weight = 100;
    std::size_t count = 0;
    for (; count < rest_.size() && rest_[count] >= '0' && rest_[count] <= '9'; ++count, weight /= 10) {
      value += (rest_[count] - '0') * weight;
    }
    rest_.remove_prefix(count);
    return count == 0 ? fail() : value;
  }

  bool ok() const { return ok_; }
  bool at_end() const { return rest_.empty(); }

 private:
  int fail() {
    ok_ = false;
    return 0;
  }

  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace

std::optional<std::int64_t> parse_time(std::string_view text) {
  scanner scan(text);
  const int year = scan.digits(4, 0, 9999);
  scan.one_of("-");
  const int month = scan.digits(2, 1, 12);
  scan.one_of("-");
  const int day = scan.digits(2, 1, 31);
  scan.one_of("Tt ");
  const int hour = scan.digits(2, 0, 23);
  scan.one_of(":");
  const int minute = scan.digits(2, 0, 59);
  scan.one_of(":");
  const int second = scan.digits(2, 0, 60);
  const int millisecond = scan.fraction();
  const int zone = scan.one_of("Zz+-");
  int offset_minutes = 0;
  if (zone >= 2) {
    offset_minutes = scan.digits(2, 0, 23) * 60;
    scan.one_of(":");
    offset_minutes += scan.digits(2, 0, 59);
    if (zone == 3) offset_minutes = -offset_minutes;
  }
  const chrono::year_month_day date{chrono::year(year), chrono::month(static_cast<unsigned>(month)),
                                    chrono::day(static_cast<unsigned>(day))};
  if (!scan.ok() || !scan.at_end() || !date.ok()) return std::nullopt;
  const auto since_epoch = chrono::sys_days(date).time_since_epoch() + chrono::hours(hour) + chrono::minutes(minute) +
                           chrono::seconds(second) - chrono::minutes(offset_minutes);
  return chrono::duration_cast<chrono::milliseconds>(since_epoch).count() + millisecond;
}

std::string format_time(std::int64_t unix_ms) {
  const chrono::milliseconds since_epoch(unix_ms);
  const auto days = chrono::floor<chrono::days>(since_epoch);
  const chrono::year_month_day date{chrono::sys_days(days)};
  const chrono::hh_mm_ss time(since_epoch - days);
  std::array<char, 80> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                static_cast<int>(time.seconds().count()));
  std::string whole(text.data());
  if (const int rest = static_cast<int>(time.subseconds().count()); rest != 0) {
    std::snprintf(text.data(), text.size(), ".%03d", rest);
    whole += text.data();
  }
  return whole + "Z";
}

}  // namespace tocsin::license_status
