// Checks the form of an entry of "capabilities" and its verb.
#include "core/model/capability.hpp"

#include <algorithm>

namespace tocsin {
namespace {

std::string known_verbs() {
  std::string names;
  for (const capability_verb& one : capability_verbs) {
    if (&one == &capability_verbs.back()) {
      names += " or ";
    } else if (!names.empty()) {
      names += ", ";
    }
    names += one.verb;
  }
  return names;
}

// Dotted keys with commas between them, none of them empty.
bool is_list_of_keys(std::string_view keys) {
  if (keys.empty() || keys.back() == ',' || keys.find(' ') != keys.npos) return false;
  return keys.front() != ',' && keys.find(",,") == keys.npos;
}

constexpr std::string_view target = ": setting:";

}  // namespace

std::string fault_of_capability(std::string_view capability) {
  const auto verb = capability.substr(0, capability.find(':'));
  const bool known = std::any_of(capability_verbs.begin(), capability_verbs.end(),
                                 [&](const capability_verb& one) { return one.verb == verb; });
  if (!known && verb.size() == capability.size())
    return "must be a verb, a colon and the settings that it is about, such as \"read: setting:path\".";
  if (!known) return "begins with \"" + std::string(verb) + "\", which is no verb: it must be " + known_verbs() + ".";
  const auto rest = capability.substr(verb.size());
  if (!rest.starts_with(target) || !is_list_of_keys(rest.substr(target.size())))
    return "must name settings, such as \"" + std::string(verb) + ": setting:path\", with commas between several.";
  return {};
}

std::vector<std::string_view> settings_of_capability(std::string_view capability) {
  std::vector<std::string_view> keys;
  for (auto rest = capability.substr(capability.find(target) + target.size()); !rest.empty();) {
    const auto end = std::min(rest.find(','), rest.size());
    keys.push_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return keys;
}

}  // namespace tocsin
