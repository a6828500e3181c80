// Answers that several calls of the API give.
#pragma once

#include "core/http/api.hpp"

#include <boost/json/value.hpp>

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tocsin {

http_answer ok(const boost::json::value& body);
http_answer with_header(http_answer answer, const char* name, std::string value);
http_answer bad_request(const fault& why);
// What a fault of bus or store is in HTTP. A publisher that gets 429, 503 or 507 keeps the event and tries again.
http_answer refusal(const fault& why);
http_answer not_found(const std::string& detail);
http_answer not_allowed(const std::string& method, const std::string& allowed);
http_answer unsupported(const std::string& accepted);

// What is asked for becomes that of the caller's organization alone, where it is bound to one. An answer: another one
// was named.
std::optional<http_answer> restrict_to(const principal& by, std::optional<std::string>& organization);

// A query parameter's value that is none.
fault bad_value(const std::string& name, const std::string& value, const std::string& taken);

std::string joined(std::span<const std::string_view> words);  // with a comma between

}  // namespace tocsin
