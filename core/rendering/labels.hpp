// The words of the host's own that stand in messages, by language.
#pragma once

#include "core/model/event.hpp"

#include <string>
#include <string_view>

namespace tocsin {

struct labels {
  std::string_view language;  // of these words: "en"
  std::string_view severities[5];
  std::string_view severity, type, time, organization, source, data;
  std::string_view product, holder, expires, days_left, seats;
  std::string_view separator;    // between a label and its value
  std::string_view more_fields;  // with {n} for how many
  std::string_view footer;

  std::string_view name_of(tocsin::severity value) const { return severities[static_cast<std::size_t>(value)]; }
};

// By the language's first subtag ("fr-CA": French); English where there is none for it.
const labels& labels_for(std::string_view language);

// The language tag to format dates by: the one asked for if its words are there, else "en".
std::string locale_for(std::string_view language);

}  // namespace tocsin
