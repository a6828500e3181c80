// Errors in the words of RFC 9457, with our code beside them.
#include "core/http/api.hpp"
#include "core/model/utf8.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace tocsin {
namespace {

namespace json = boost::json;

http_answer to_answer(int status, const json::object& body) {
  http_answer answer;
  answer.status = status;
  answer.content_type = "application/problem+json";
  answer.body = json::serialize(body);
  return answer;
}

json::object members(int status, std::string_view code, std::string_view title, std::string_view detail) {
  json::object body;
  body["type"] = "about:blank";
  body["title"] = title;
  body["status"] = status;
  body["detail"] = make_utf8(detail);
  body["code"] = code;
  return body;
}

}  // namespace

http_answer problem(int status, std::string_view code, std::string_view title, std::string_view detail) {
  return to_answer(status, members(status, code, title, detail));
}

http_answer problem(int status, const fault& why, std::string_view title) {
  auto body = members(status, why.code, title, why.what);
  if (!why.remedy.empty()) body["remedy"] = make_utf8(why.remedy);
  if (!why.place.key.empty()) body["key"] = make_utf8(why.place.key);
  if (why.place.line > 0) body["line"] = why.place.line;
  if (why.place.column > 0) body["column"] = why.place.column;
  return to_answer(status, body);
}

}  // namespace tocsin
