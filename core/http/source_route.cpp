// Requests to sources: addresses, methods, and answers.
#include "core/http/source_route.hpp"

#include "core/http/query.hpp"

#include <algorithm>
#include <utility>

namespace tocsin {
namespace {

constexpr std::string_view prefix = "/v1/sources/";

http_answer with_retry(http_answer answer, const char* seconds) {
  answer.headers["Retry-After"] = seconds;
  return answer;
}

}  // namespace

std::optional<source_address> parse_source_address(std::string_view path) {
  if (!path.starts_with(prefix)) return std::nullopt;
  path.remove_prefix(prefix.size());
  const auto end = path.find('/');
  if (end == std::string_view::npos) return std::nullopt;
  const auto source = percent_decode(path.substr(0, end));
  const auto rest = percent_decode(path.substr(end));
  if (!source || !rest) return std::nullopt;
  // An encoded slash is no separator, so that it stands in no path of a source's.
  if (std::count(rest->begin(), rest->end(), '/') != std::count(path.begin(), path.end(), '/')) return std::nullopt;
  return source_address{*source, *rest};
}

std::vector<manifest_http_route> routes_at(const std::vector<manifest_http_route>& all, std::string_view path) {
  std::vector<manifest_http_route> found;
  std::copy_if(all.begin(), all.end(), std::back_inserter(found), [path](const auto& one) { return one.path == path; });
  return found;
}

const manifest_http_route* route_for(const std::vector<manifest_http_route>& at_path, std::string_view method) {
  const auto wanted = method == "HEAD" ? "GET" : method;
  const auto found =
      std::find_if(at_path.begin(), at_path.end(), [wanted](const auto& one) { return one.method == wanted; });
  return found == at_path.end() ? nullptr : &*found;
}

std::string methods_of(const std::vector<manifest_http_route>& at_path) {
  std::string out;
  for (const auto& one : at_path) out += (out.empty() ? "" : ", ") + one.method + (one.method == "GET" ? ", HEAD" : "");
  return out;
}

bool takes_content_type(const manifest_http_route& route, std::string_view content_type) {
  return std::any_of(route.content_types.begin(), route.content_types.end(),
                     [content_type](const auto& one) { return one == "*/*" || one == content_type; });
}

http_answer to_http(result<source_answer> what) {
  if (what) return {what->status, std::move(what->content_type), std::move(what->body), std::move(what->headers)};
  const fault& why = what.error();
  if (why.code == "SOURCE_BUSY") return with_retry(problem(503, why, "Service Unavailable"), "1");
  if (why.code == "SOURCE_DOWN") return with_retry(problem(503, why, "Service Unavailable"), "10");
  if (why.code == "SOURCE_TIMEOUT") return problem(504, why, "Gateway Timeout");
  return problem(500, why, "Internal Server Error");
}

}  // namespace tocsin
