// Reads {"product", "holder", "expires", "days_left", "step", "seats", "used", "late"}.
#include "core/rendering/license_values.hpp"

#include "core/model/timestamp.hpp"
#include "core/rendering/clean_text.hpp"
#include "core/rendering/localized_time.hpp"

#include <boost/json.hpp>

namespace tocsin {
namespace {

namespace json = boost::json;

std::string text_at(const json::object& data, std::string_view key) {
  const auto* value = data.if_contains(key);
  return value && value->is_string() ? one_line(value->get_string(), 200) : "";
}

std::optional<std::int64_t> number_at(const json::object& data, std::string_view key) {
  const auto* value = data.if_contains(key);
  return value && value->is_int64() ? std::optional(value->get_int64()) : std::nullopt;
}

// Exactly one of today, tomorrow and in_days, so that a template has a sentence for each.
void add_days(std::int64_t days_left, template_values::texts& values) {
  if (days_left == 0) values["today"] = "0";
  if (days_left == 1) values["tomorrow"] = "1";
  if (days_left > 1) values["in_days"] = std::to_string(days_left);
  if (days_left == -1) values["yesterday"] = "1";
  if (days_left < -1 && days_left > -1'000'000) values["days_ago"] = std::to_string(-days_left);
}

}  // namespace

std::optional<license_values> read_license(const json::object& data, const labels& words, const std::string& locale,
                                           const std::string& time_zone, std::optional<time_ms> said) {
  const std::string product = text_at(data, "product");
  const auto expires = parse_rfc3339(text_at(data, "expires"));
  auto days_left = number_at(data, "days_left");
  if (product.empty() || !expires || !days_left) return std::nullopt;
  // As a reader counts who sees both dates.
  if (said) days_left = calendar_days(*said, *expires, time_zone);

  license_values made;
  auto& values = made.values;
  values["product"] = product;
  values["date"] = localized_date(*expires, locale, time_zone);
  made.rows.emplace_back(words.product, product);
  if (const auto holder = text_at(data, "holder"); !holder.empty()) {
    values["holder"] = holder;
    made.rows.emplace_back(words.holder, holder);
  }
  made.rows.emplace_back(words.expires, localized_date_time(*expires, locale, time_zone));
  add_days(*days_left, values);
  if (*days_left >= 0) made.rows.emplace_back(words.days_left, std::to_string(*days_left));
  const auto seats = number_at(data, "seats");
  const auto used = number_at(data, "used");
  if (seats && used && *seats > 0) {
    values["seats"] = std::to_string(*seats);
    values["used"] = std::to_string(*used);
    made.rows.emplace_back(words.seats, std::to_string(*used) + " / " + std::to_string(*seats));
  }
  const auto* late = data.if_contains("late");
  const auto step = number_at(data, "step");
  if (late && late->is_bool() && late->get_bool() && step && *step > 1) {
    values["late"] = "1";
    values["step"] = std::to_string(*step);
  }
  return made;
}

}  // namespace tocsin
