// tocsin.host.log/1: a plugin's lines in the host's log.
#include "core/observe/log.hpp"

#include "core/plugin_host/abi_values.hpp"
#include "core/plugin_host/extensions/host_extensions.hpp"

#include <algorithm>

namespace tocsin {
namespace {

constexpr std::uint64_t max_fields = 64;

log::level level_of(tocsin_log_level level) {
  switch (level) {
    case TOCSIN_LOG_DEBUG:
      return log::level::debug;
    case TOCSIN_LOG_WARN:
      return log::level::warn;
    case TOCSIN_LOG_ERROR:
      return log::level::error;
    case TOCSIN_LOG_HOST_MISBEHAVING:
      return log::level::error;
    default:
      return log::level::info;
  }
}

void write(void* context, tocsin_log_level level, tocsin_string text, const tocsin_field* fields,
           std::uint64_t field_count) {
  host_notice(context, allowed::always, "log.write", [&](plugin_instance& instance) {
    const argument_check check(instance, "log.write");
    check.text("text", text);
    check.fields("fields", fields, field_count);
    std::vector<std::string> names;
    std::vector<log::field> shown;
    const std::uint64_t count = fields ? std::min(field_count, max_fields) : 0;
    names.reserve(count);
    shown.push_back({"plugin", instance.about.id});
    if (level == TOCSIN_LOG_HOST_MISBEHAVING) shown.push_back({"misbehaving", "host"});
    for (std::uint64_t index = 0; index < count; ++index) {
      const std::string& name = names.emplace_back(abi::line(fields[index].name, 64));
      shown.push_back({name, abi::line(fields[index].value)});
    }
    log::write(level_of(level), abi::line(text), shown);
  });
}

}  // namespace

const tocsin_host_log host_log_table{sizeof(tocsin_host_log), 0, &write};

}  // namespace tocsin
