// Opens what is new or changed, closes what is gone.
#include "core/app/open_sources.hpp"

#include <boost/json.hpp>

#include <algorithm>

#include "core/app/plugin_config.hpp"
#include "core/observe/log.hpp"

namespace tocsin::app {
namespace {

bool open_one(plugin_host& plugins, const settings& in_force, const source_settings& source) {
  const auto problem = problem_of(plugins, in_force, "sources", source);
  const auto opened = problem
                          ? result<void>(*problem)
                          : plugins.open_source(source.plugin, {.name = source.name,
                                                                .organization = source.organization,
                                                                .settings = boost::json::serialize(source.settings)});
  if (!opened) {
    log::write(log::level::error, "source cannot run",
               {{"source", source.name}, {"plugin", source.plugin}, {"why", opened.error().to_string()}});
  }
  return opened.has_value();
}

}  // namespace

void open_sources::follow(const settings& in_force, refused_ones refused) {
  const auto& wanted = in_force.sources();
  std::erase_if(known_, [&](const auto& one) {
    const bool stays = std::any_of(wanted.begin(), wanted.end(), [&](const auto& source) {
      return source.name == one.first && source.fingerprint == one.second.fingerprint;
    });
    if (stays) return !one.second.open && refused == refused_ones::tried_again;
    if (one.second.open) plugins_.close_source(one.first);
    return true;
  });
  for (const auto& source : wanted) {
    if (known_.contains(source.name)) continue;
    known_[source.name] = {source.fingerprint, open_one(plugins_, in_force, source)};
  }
}

void open_sources::close() {
  for (const auto& [name, source] : known_)
    if (source.open) plugins_.close_source(name);
  known_.clear();
}

}  // namespace tocsin::app
