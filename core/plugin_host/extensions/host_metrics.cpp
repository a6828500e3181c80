// tocsin.host.metrics/1: a plugin's numbers among the host's.
#include "core/plugin_host/abi_values.hpp"
#include "core/plugin_host/extensions/host_extensions.hpp"

#include <algorithm>

namespace tocsin {
namespace {

constexpr std::uint64_t max_labels = 16;
constexpr std::uint64_t max_bounds = 64;
constexpr std::size_t max_text = 256;
constexpr std::size_t max_name = 100;

// "tocsin_smtp_sessions_total": the plugin's id with "_" for what a name may not have.
std::string served_name(const std::string& plugin, std::string_view name) {
  std::string made = "tocsin_" + plugin + "_";
  std::replace_if(
      made.begin(), made.end(), [](char c) { return !((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')); }, '_');
  return made.append(name);
}

// What is none is shown to nobody as it came: it may be anything.
bool is_name(std::string_view name) { return name.size() <= max_name && is_metric_name(name); }

result<metric_labels> read_labels(const tocsin_field* labels, std::uint64_t count) {
  const auto refused = [](std::string what) { return fault{"METRIC_INVALID", std::move(what), {}, {}}; };
  if (count > max_labels) return refused("A metric takes " + std::to_string(max_labels) + " labels at most.");
  if (count > 0 && !labels) return refused("It passed a number of labels without the labels.");
  metric_labels read;
  for (std::uint64_t index = 0; index < count; ++index) {
    if (!is_name(abi::view(labels[index].name)))
      return refused("The label \"" + abi::line(labels[index].name, 64) +
                     "\" is not of the form [a-z][a-z0-9_]*, or longer than 100 bytes.");
    read.emplace_back(abi::view(labels[index].name), abi::line(labels[index].value, max_text));
  }
  return read;
}

result<metric_definition> read(const plugin_instance& instance, const tocsin_metric& from) {
  const auto refused = [&](std::string what) {
    return fault{"METRIC_INVALID", "The metric \"" + abi::line(from.name, 64) + "\" is refused: " + what, {}, {}};
  };
  metric_definition to;
  if (!is_name(abi::view(from.name)))
    return refused("its name is not of the form [a-z][a-z0-9_]*, or longer than 100 bytes.");
  to.name = served_name(instance.about.id, abi::view(from.name));
  to.help = abi::line(from.help, max_text);
  to.divisor = from.divisor;
  if (from.kind > TOCSIN_METRIC_HISTOGRAM) return refused("its kind is none that this host knows.");
  to.kind = static_cast<metric_kind>(from.kind);
  if (from.bound_count > max_bounds || (from.bound_count > 0 && !from.bounds)) return refused("its bounds are wrong.");
  for (std::uint64_t index = 0; index < from.bound_count; ++index) to.bounds.push_back(from.bounds[index]);
  return to;
}

result<std::uint64_t> number_of(plugin_instance& instance, const tocsin_metric& metric, const tocsin_field* labels,
                                std::uint64_t count) {
  const auto definition = read(instance, metric);
  if (!definition) return definition.error();
  auto told_apart_by = read_labels(labels, count);
  if (!told_apart_by) return told_apart_by.error();
  return instance.metrics.number_of(*instance.services.metrics, instance.about.id, *definition,
                                    std::move(*told_apart_by));
}

std::uint64_t series(void* context, const tocsin_metric* metric, const tocsin_field* labels, std::uint64_t count) {
  return host_call(context, allowed::always, "metrics.series", std::uint64_t{0},
                   [&](plugin_instance& instance) -> std::uint64_t {
                     const argument_check check(instance, "metrics.series");
                     check.fields("labels", labels, count);
                     if (!metric || !instance.services.metrics) return 0;
                     check.size("tocsin_metric", metric->struct_size, TOCSIN_ENDS_AFTER(tocsin_metric, name));
                     const tocsin_metric known = abi::copy_known(metric);
                     check.text("name", known.name);
                     check.text("help", known.help);
                     const auto number = number_of(instance, known, labels, count);
                     if (number) return *number;
                     instance.misbehaves("it asked for a metric that is refused", number.error().to_string());
                     return 0;
                   });
}

// Straight to the number: an instance is never freed, so that not even a late call needs the gate. A checked host has
// the time to look at it as at every other call.
void record(void* context, std::uint64_t number, std::int64_t value) {
  if (!context) return;
  auto& to = *static_cast<plugin_instance*>(context);
  if (!to.services.checked) return to.metrics.record(number, value);
  host_notice(context, allowed::always, "metrics.record",
              [&](plugin_instance& instance) { instance.metrics.record(number, value); });
}

}  // namespace

const tocsin_host_metrics host_metrics_table{sizeof(tocsin_host_metrics), 0, &series, &record};

}  // namespace tocsin
