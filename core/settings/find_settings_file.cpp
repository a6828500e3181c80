// Finds the settings file: where the command line, the environment and habit say.
#include "core/settings/settings.hpp"

#include <cstdlib>

namespace tocsin {

result<std::filesystem::path> find_settings_file(const std::optional<std::filesystem::path>& given) {
  const auto there = [](const std::filesystem::path& path) {
    std::error_code error;
    return std::filesystem::exists(path, error);
  };
  if (given) {
    if (there(*given)) return *given;
    return fault{"SETTINGS_INVALID",
                 "The settings file that --config names is not there.",
                 "Correct the path.",
                 {given->string(), 0, 0, ""}};
  }
  if (const char* named = std::getenv("TOCSIN_CONFIG"); named && *named) {
    if (there(named)) return std::filesystem::path(named);
    return fault{"SETTINGS_INVALID",
                 "The settings file that $TOCSIN_CONFIG names is not there.",
                 "Correct or unset the variable.",
                 {named, 0, 0, ""}};
  }
  for (const char* usual : {"tocsin.toml", "/etc/tocsin/tocsin.toml"}) {
    if (there(usual)) return std::filesystem::path(usual);
  }
  return fault{"SETTINGS_INVALID",
               "There is no settings file: neither ./tocsin.toml nor /etc/tocsin/tocsin.toml.",
               "Write one, or name it with --config FILE or $TOCSIN_CONFIG.",
               {}};
}

}  // namespace tocsin
