// The OpenAPI 3.1 document of the API, made from the routes table.
#pragma once

#include <string>

namespace tocsin {

// JSON; the same in every call. [any thread]
const std::string& openapi_document();

}  // namespace tocsin
