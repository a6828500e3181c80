// The schemas of the OpenAPI document, as JSON: its member `components`.
#pragma once

#include <string_view>

namespace tocsin {

extern const std::string_view openapi_components;

}  // namespace tocsin
