// The list of the host's own metrics: tools/make-metrics-page makes the table of docs/metrics.md of it.
#pragma once

#include "core/observe/metrics.hpp"

#include <string_view>
#include <vector>

namespace tocsin::app {

// The definition of a metric in the list, with what only its use knows. Throws std::logic_error for any other name.
metric_definition listed_metric(std::string_view name, std::int64_t divisor = 1, std::vector<std::int64_t> bounds = {});
// The names of its labels, in order.
std::vector<std::string> labels_of(std::string_view name);

}  // namespace tocsin::app
