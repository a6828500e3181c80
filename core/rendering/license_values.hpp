// What the templates of tocsin.license.* say: values and rows out of a license event's data.
#pragma once

#include "core/model/event.hpp"
#include "core/rendering/compiled_template.hpp"
#include "core/rendering/labels.hpp"

#include <boost/json/object.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tocsin {

struct license_values {
  template_values::texts values;
  std::vector<std::pair<std::string, std::string>> rows;  // label, value
};

// said: the event's time, from which the days are counted on the zone's calendar; without it, those of the data.
// Nothing where the data lacks the product or a date that can be read: the default template shows it then.
std::optional<license_values> read_license(const boost::json::object& data, const labels& words,
                                           const std::string& locale, const std::string& time_zone,
                                           std::optional<time_ms> said);

}  // namespace tocsin
