// Answers that several calls of the API give.
#include "core/http/answers.hpp"

#include <boost/json/serialize.hpp>

#include <utility>

namespace tocsin {

http_answer ok(const boost::json::value& body) {
  http_answer answer;
  answer.body = boost::json::serialize(body);
  return answer;
}

http_answer bad_request(const fault& why) { return problem(400, why, "Bad Request"); }

http_answer with_header(http_answer answer, const char* name, std::string value) {
  answer.headers[name] = std::move(value);
  return answer;
}

http_answer refusal(const fault& why) {
  if (why.code == "BUS_BUSY") return with_header(problem(429, why, "Too Many Requests"), "Retry-After", "1");
  if (why.code == "STORE_FULL") return with_header(problem(507, why, "Insufficient Storage"), "Retry-After", "60");
  if (why.code == "EVENT_INVALID") return bad_request(why);
  if (why.code == "STORE_REFUSED") return problem(500, why, "Internal Server Error");
  return with_header(problem(503, why, "Service Unavailable"), "Retry-After", "10");
}

std::string joined(std::span<const std::string_view> words) {
  std::string out;
  for (const auto& word : words) {
    if (!word.empty()) out += (out.empty() ? "" : ", ") + std::string(word);
  }
  return out;
}

http_answer not_allowed(const std::string& method, const std::string& allowed) {
  return with_header(problem(405, "METHOD_NOT_ALLOWED", "Method Not Allowed",
                             "This address does not take " + method + ". It takes " + allowed + "."),
                     "Allow", allowed);
}

http_answer unsupported(const std::string& accepted) {
  return with_header(problem(415, "CONTENT_TYPE_UNSUPPORTED", "Unsupported Media Type",
                             "The body comes as one of these content types: " + accepted + "."),
                     "Accept", accepted);
}

http_answer not_found(const std::string& detail) { return problem(404, "NOT_FOUND", "Not Found", detail); }

std::optional<http_answer> restrict_to(const principal& by, std::optional<std::string>& organization) {
  if (organization && !by.reaches(*organization)) {
    return problem(403,
                   {"ORGANIZATION_FORBIDDEN",
                    "The token \"" + by.name + "\" is bound to another organization than \"" + *organization + "\".",
                    "Leave the organization out, or use that one's token.", at_key("organization")},
                   "Forbidden");
  }
  if (by.is_bound()) organization = by.organization;
  return std::nullopt;
}

fault bad_value(const std::string& name, const std::string& value, const std::string& taken) {
  return fault{"REQUEST_INVALID",
               "\"" + value + "\" is no value for the query parameter \"" + name + "\".",
               "It takes " + taken + ".",
               {{}, 0, 0, name}};
}

}  // namespace tocsin
