// Keeps the series, and writes them as Prometheus text.
#include "core/observe/metrics.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace tocsin {
namespace {

constexpr std::size_t longest_name = 200;
constexpr std::size_t most_bounds = 64;

bool ends_in(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

fault refused(const std::string& name, std::string what) {
  return {"METRIC_INVALID", "The metric \"" + name + "\" is refused: " + std::move(what), {}, {}};
}

result<void> check(const metric_definition& definition, const metric_labels& labels) {
  const std::string& name = definition.name;
  if (!is_metric_name(name)) return refused(name, "its name is not of the form [a-z][a-z0-9_]*, or too long.");
  if (ends_in(name, "_total") != (definition.kind == metric_kind::counter))
    return refused(name, "a counter's name ends in \"_total\", and no other's does.");
  if (definition.divisor < 1) return refused(name, "its divisor is less than 1.");
  if (definition.kind == metric_kind::histogram) {
    const auto& bounds = definition.bounds;
    if (bounds.empty() || bounds.size() > most_bounds)
      return refused(name, "a histogram takes 1 to " + std::to_string(most_bounds) + " bounds.");
    if (std::adjacent_find(bounds.begin(), bounds.end(), std::greater_equal<>()) != bounds.end())
      return refused(name, "its bounds do not rise.");
  } else if (!definition.bounds.empty()) {
    return refused(name, "only a histogram has bounds.");
  }
  for (std::size_t index = 0; index < labels.size(); ++index) {
    const std::string& label = labels[index].first;
    if (!is_metric_name(label) || label == "le")
      return refused(name, "its label \"" + label + "\" is not of the form [a-z][a-z0-9_]*, or is \"le\".");
    if (index > 0 && labels[index - 1].first == label) return refused(name, "its label \"" + label + "\" comes twice.");
  }
  return {};
}

std::vector<std::string> names_of(const metric_labels& labels) {
  std::vector<std::string> names;
  for (const auto& [label, value] : labels) names.push_back(label);
  return names;
}

// What the lines of a histogram add to its name.
constexpr std::array<std::string_view, 3> histogram_suffixes{"_bucket", "_sum", "_count"};

// Backslash and line feed are escaped in help; in values the quotation mark is, too.
std::string escaped(std::string_view text, bool quoted) {
  std::string made;
  for (const char c : text) {
    if (c == '\\') {
      made += "\\\\";
    } else if (c == '\n') {
      made += "\\n";
    } else if (c == '"' && quoted) {
      made += "\\\"";
    } else {
      made += c;
    }
  }
  return made;
}

std::string number(std::int64_t value, std::int64_t divisor) {
  if (value % divisor == 0) return std::to_string(value / divisor);
  char text[32];
  const double quotient = static_cast<double>(value) / static_cast<double>(divisor);
  const auto end = std::to_chars(text, text + sizeof text, quotient);
  return {text, end.ptr};
}

// "{host=\"a\",le=\"1\"}"; empty where there is no label.
std::string label_text(const metric_labels& labels, std::string_view le = {}) {
  std::string made;
  const auto add = [&](std::string_view name, std::string_view value) {
    made += made.empty() ? "{" : ",";
    made += name;
    made += "=\"" + escaped(value, true) + "\"";
  };
  for (const auto& [name, value] : labels) add(name, value);
  if (!le.empty()) add("le", le);
  if (!made.empty()) made += '}';
  return made;
}

std::string_view to_text(metric_kind kind) {
  return kind == metric_kind::counter ? "counter" : kind == metric_kind::gauge ? "gauge" : "histogram";
}

void write_series(std::string& text, const metric_definition& metric, const metric_labels& labels,
                  const metric_series& series) {
  if (metric.kind != metric_kind::histogram) {
    text += metric.name + label_text(labels) + " " + number(series.value(), metric.divisor) + "\n";
    return;
  }
  const auto buckets = series.buckets();
  std::uint64_t count = 0;
  for (std::size_t index = 0; index < buckets.size(); ++index) {
    count += buckets[index];
    const std::string le = index < metric.bounds.size() ? number(metric.bounds[index], metric.divisor) : "+Inf";
    text += metric.name + "_bucket" + label_text(labels, le) + " " + std::to_string(count) + "\n";
  }
  text += metric.name + "_sum" + label_text(labels) + " " + number(series.value(), metric.divisor) + "\n";
  text += metric.name + "_count" + label_text(labels) + " " + std::to_string(count) + "\n";
}

}  // namespace

bool is_metric_name(std::string_view name) {
  const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
  return !name.empty() && name.size() <= longest_name && name.front() >= 'a' && name.front() <= 'z' &&
         std::all_of(name.begin(), name.end(), fits);
}

metric_series::metric_series(metric_kind kind, std::vector<std::int64_t> bounds)
    : kind_(kind), bounds_(std::move(bounds)), buckets_(kind == metric_kind::histogram ? bounds_.size() + 1 : 0) {}

void metric_series::record(std::int64_t value) {
  if (kind_ == metric_kind::gauge) {
    value_.store(value, std::memory_order_relaxed);
    return;
  }
  if (kind_ == metric_kind::counter) {
    if (value > 0) value_.fetch_add(value, std::memory_order_relaxed);
    return;
  }
  const auto bound = std::lower_bound(bounds_.begin(), bounds_.end(), value);
  buckets_[static_cast<std::size_t>(bound - bounds_.begin())].fetch_add(1, std::memory_order_relaxed);
  value_.fetch_add(value, std::memory_order_relaxed);
}

std::vector<std::uint64_t> metric_series::buckets() const {
  std::vector<std::uint64_t> counts;
  for (const auto& bucket : buckets_) counts.push_back(bucket.load(std::memory_order_relaxed));
  return counts;
}

// The lines of a histogram bear longer names than its own, and none of them may be another metric's.
result<void> metric_registry::check_free(const metric_definition& definition) const {
  const std::string& name = definition.name;
  for (const auto suffix : histogram_suffixes) {
    if (definition.kind == metric_kind::histogram && families_.contains(name + std::string(suffix)))
      return refused(name, "there is a metric \"" + name + std::string(suffix) + "\" already.");
    if (!ends_in(name, suffix)) continue;
    const auto shorter = families_.find(name.substr(0, name.size() - suffix.size()));
    if (shorter != families_.end() && shorter->second.definition.kind == metric_kind::histogram)
      return refused(name, "a line of the histogram \"" + shorter->first + "\" has this name.");
  }
  return {};
}

result<std::shared_ptr<metric_series>> metric_registry::series(const metric_definition& definition,
                                                               metric_labels labels, std::string_view owner) {
  std::sort(labels.begin(), labels.end());
  if (auto fine = check(definition, labels); !fine) return fine.error();
  const std::lock_guard lock(mutex_);
  const auto at = families_.find(definition.name);
  if (at == families_.end()) {
    if (auto free = check_free(definition); !free) return free.error();
    family& made = families_[definition.name];
    made.definition = definition;
    made.owner = owner;
    made.label_names = names_of(labels);
    return made.series[std::move(labels)] = std::make_shared<metric_series>(definition.kind, definition.bounds);
  }
  family& known = at->second;
  if (known.owner != owner || known.read) {
    return refused(definition.name, "it is a metric of " +
                                        (known.owner.empty() ? "the host's." : "the plugin \"" + known.owner + "\"."));
  }
  if (known.definition.kind != definition.kind || known.definition.divisor != definition.divisor ||
      known.definition.bounds != definition.bounds)
    return refused(definition.name, "it has another kind, divisor or bounds already.");
  if (known.label_names != names_of(labels))
    return refused(definition.name, "every series of a metric bears the same labels, and this one bears others.");
  auto& found = known.series[std::move(labels)];
  if (!found) found = std::make_shared<metric_series>(definition.kind, definition.bounds);
  return found;
}

void metric_registry::watch(const metric_definition& definition, std::function<std::vector<metric_sample>()> read) {
  const std::lock_guard lock(mutex_);
  family& own = families_[definition.name];
  own.definition = definition;
  own.read = std::move(read);
}

std::string metric_registry::text() const {
  // Written without the mutex: whoever asks for a new series does not wait for it.
  std::vector<family> all;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, own] : families_) all.push_back(own);
  }
  std::string text;
  for (const family& own : all) {
    const metric_definition& metric = own.definition;
    const auto samples = own.read ? own.read() : std::vector<metric_sample>();
    if (samples.empty() && own.series.empty()) continue;
    text += "# HELP " + metric.name + " " + escaped(metric.help, false) + "\n";
    text += "# TYPE " + metric.name + " " + std::string(to_text(metric.kind)) + "\n";
    for (const metric_sample& sample : samples)
      text += metric.name + label_text(sample.labels) + " " + number(sample.value, metric.divisor) + "\n";
    for (const auto& [labels, series] : own.series) write_series(text, metric, labels, *series);
  }
  return text;
}

}  // namespace tocsin
