#include "core/model/fault.hpp"

namespace tocsin {

std::string fault::to_string() const {
  std::string text;
  if (!place.file.empty()) {
    text += place.file + ":";
    if (place.line > 0) text += std::to_string(place.line) + ":";
    if (place.line > 0 && place.column > 0) text += std::to_string(place.column) + ":";
    text += " ";
  }
  if (!place.key.empty()) text += place.key + ": ";
  text += what;
  if (!remedy.empty()) text += " " + remedy;
  return text;
}

}  // namespace tocsin
