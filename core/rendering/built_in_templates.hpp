// The files of core/rendering/templates, embedded when the library is built.
#pragma once

#include <span>
#include <string_view>

namespace tocsin {

struct built_in_template {
  std::string_view file;  // "message.default.en.mustache"
  std::string_view text;
};

std::span<const built_in_template> built_in_templates();

}  // namespace tocsin
