// Calls of the API that look after the store: check and backup.
#include "core/http/api_exchange.hpp"
#include "core/http/query.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <memory>
#include <string>
#include <utility>

namespace tocsin {
namespace {

namespace json = boost::json;

http_answer refusal_of_upkeep(const fault& why) {
  if (why.code == "BACKUP_EXISTS" || why.code == "STORE_UPKEEP_BUSY") return problem(409, why, "Conflict");
  if (why.code == "BACKUP_FOLDER_MISSING") return bad_request(why);
  if (why.code == "STORE_COPY_FAILED") return problem(507, why, "Insufficient Storage");
  return refusal(why);
}

http_answer answer_of(const store_check& found) {
  json::array problems;
  for (const auto& each : found.problems) problems.emplace_back(each);
  json::object body{{"ok", found.ok()}};
  body["problems"] = std::move(problems);
  body["events"] = found.events;
  body["deliveries"] = found.deliveries;
  body["payloads"] = found.payloads;
  return ok(std::move(body));
}

http_answer answer_of(const store_backup& made) {
  json::object body{{"file", made.file.string()}};
  body["bytes"] = made.bytes;
  body["events"] = made.events;
  body["deliveries"] = made.deliveries;
  body["sensitive_left_out"] = made.left_out;
  return ok(std::move(body));
}

}  // namespace

void api_exchange::check_store() {
  auto self = std::make_shared<api_exchange>(std::move(*this));
  self->parts.check_store([self](const result<store_check>& found) {
    self->done(found ? answer_of(*found) : refusal_of_upkeep(found.error()));
  });
}

void api_exchange::back_up_store(std::string_view query) {
  auto asked = parse_query(query, {"file"});
  if (!asked) return done(bad_request(asked.error()));
  const auto& file = (*asked)["file"];
  if (!file.starts_with('/')) return done(bad_request(bad_value("file", file, "the backup's absolute path")));
  auto self = std::make_shared<api_exchange>(std::move(*this));
  self->parts.back_up_store(file, [self](const result<store_backup>& made) {
    self->done(made ? answer_of(*made) : refusal_of_upkeep(made.error()));
  });
}

}  // namespace tocsin
