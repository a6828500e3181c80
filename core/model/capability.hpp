// What a plugin's manifest may ask for: the verbs of its "capabilities", each with what the plugin then does.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin {

struct capability_verb {
  std::string_view verb;
  std::string_view meaning;  // of what its setting names; docs/plugin-authoring.md has the same words
};

// The one table: the manifest reader refuses any other verb.
inline constexpr std::array capability_verbs{
    capability_verb{"connect", "opens connections to the host and port"},
    capability_verb{"listen", "takes connections at the address and port"},
    capability_verb{"read",
                    "reads the file or folder; a channel's file must be readable, and one that has changed is a change "
                    "of its settings"},
    capability_verb{"run", "starts the program"},
    capability_verb{"write", "writes to the file or folder"},
};

// What is wrong with one entry, "VERB: setting:KEY[,KEY...]"; empty: nothing.
std::string fault_of_capability(std::string_view capability);

// The dotted keys of an entry that has no fault; they are parts of it.
std::vector<std::string_view> settings_of_capability(std::string_view capability);

}  // namespace tocsin
