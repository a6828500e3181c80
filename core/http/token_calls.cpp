// Calls of the API that make, list and revoke tokens.
#include "core/http/api_exchange.hpp"
#include "core/http/query.hpp"
#include "core/http/token_registry.hpp"
#include "core/model/json.hpp"
#include "core/model/timestamp.hpp"
#include "core/observe/log.hpp"
#include "core/runtime/clock.hpp"

#include <boost/json/array.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

namespace tocsin {
namespace {

namespace json = boost::json;

constexpr std::size_t longest_name = 64;
constexpr std::size_t most_types = 100;

fault invalid(const char* key, std::string what, std::string remedy = {}) {
  return {"REQUEST_INVALID", std::move(what), std::move(remedy), at_key(key)};
}

bool is_token_name(std::string_view name) {
  return !name.empty() && name.size() <= longest_name && name != "admin.token" &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
                  c == '-';
         });
}

result<std::vector<std::string>> read_types(const json::value& value) {
  const auto* list = value.if_array();
  if (list == nullptr || list->empty() || list->size() > most_types)
    return invalid("types", "It is a list of 1 to 100 globs.", "Leave it out for every type.");
  std::vector<std::string> types;
  for (const auto& one : *list) {
    const auto* text = one.if_string();
    if (text == nullptr || text->empty()) return invalid("types", "A glob is a text that is not empty.");
    types.emplace_back(*text);
  }
  return types;
}

result<void> read_member(std::string_view name, const json::value& value, token_record& into) {
  if (name == "types") {
    auto types = read_types(value);
    if (!types) return types.error();
    into.types = std::move(*types);
    return {};
  }
  const auto* text = value.if_string();
  if (name == "name") {
    if (text == nullptr || !is_token_name(*text))
      return invalid("name", "It has 1 to 64 letters, digits and \".\", \"_\", \"-\", and is not \"admin.token\".");
    into.name = *text;
  } else if (name == "scope") {
    if (text == nullptr || !parse_scope(*text)) return invalid("scope", "It is publish, read, operate or admin.");
    into.scope = *text;
  } else if (name == "organization") {
    if (value.is_null()) return {};
    if (text == nullptr || text->empty() || text->size() > 255)
      return invalid("organization", "It is a name, or null for a token of the host.");
    into.organization = std::string(*text);
  } else {
    return invalid(std::string(name).c_str(), "There is no such member.",
                   "Those taken are name, scope, organization and types.");
  }
  return {};
}

result<token_record> read_token(std::string_view body) {
  const auto value = parse_json(body);
  if (!value) return value.error();
  const auto* object = value->if_object();
  if (object == nullptr) return invalid("", "The body is a JSON object.");
  token_record token;
  for (const auto& [name, member] : *object) {
    if (auto fine = read_member(name, member, token); !fine) return fine.error();
  }
  if (token.name.empty()) return invalid("name", "It is missing.");
  if (token.scope.empty()) return invalid("scope", "It is missing.", "Say publish, read, operate or admin.");
  if (!token.types.empty() && token.scope != to_text(scope::publish))
    return invalid("types", "Types narrow what a token may publish, and this one's scope is " + token.scope + ".",
                   "Leave types out, or make a token with the scope publish.");
  return token;
}

json::object to_json_object(const token_record& token) {
  json::object out{{"name", token.name}, {"scope", token.scope}};
  out["organization"] = token.organization ? json::value(*token.organization) : json::value(nullptr);
  json::array types;
  for (const auto& type : token.types) types.emplace_back(type);
  out["types"] = std::move(types);
  out["created"] = to_rfc3339(token.created);
  out["revoked"] = token.revoked ? json::value(to_rfc3339(*token.revoked)) : json::value(nullptr);
  return out;
}

// The one time that the token itself is told.
http_answer made_token(const token_record& record, const std::string& token) {
  auto body = to_json_object(record);
  body.erase("revoked");
  body["token"] = token;
  auto answer = ok(std::move(body));
  answer.status = 201;
  return answer;
}

}  // namespace

void api_exchange::list_tokens() {
  auto self = std::make_shared<api_exchange>(std::move(*this));
  self->parts.store->tokens([self](result<std::vector<token_record>> found) {
    if (!found) return self->done(refusal(found.error()));
    json::array list;
    for (const auto& one : *found) list.push_back(to_json_object(one));
    self->done(ok({{"tokens", std::move(list)}}));
  });
}

void api_exchange::create_token() {
  auto record = read_token(request.body);
  if (!record) return done(bad_request(record.error()));
  const std::string token = make_token();
  if (token.empty())
    return done(problem(500, "REQUEST_FAILED", "Internal Server Error", "There are no random numbers."));
  record->hash = hash_of_token(token);
  record->created = parts.clock->now();
  auto self = std::make_shared<api_exchange>(std::move(*this));
  self->parts.store->add_token(*record, [self, token, record = *record](result<bool> added) {
    if (!added) return self->done(refusal(added.error()));
    if (!*added) {
      return self->done(problem(409,
                                {"TOKEN_EXISTS", "There is a token \"" + record.name + "\" already.",
                                 "Take another name, or revoke that one first.", at_key("name")},
                                "Conflict"));
    }
    self->tokens.add(record);
    log::write(log::level::info, "token made",
               {{"name", record.name}, {"scope", record.scope}, {"by", self->by->name}});
    self->done(made_token(record, token));
  });
}

// It allows nothing any more from here on, also where the store cannot write that down: the answer then says so.
void api_exchange::revoke_token(std::string_view name) {
  auto wanted = percent_decode(name).value_or("");
  tokens.remove(wanted);
  const auto at = parts.clock->now();
  auto self = std::make_shared<api_exchange>(std::move(*this));
  self->parts.store->revoke_token(wanted, at, [self, wanted, at](result<bool> revoked) {
    if (!revoked) return self->done(refusal(revoked.error()));
    if (!*revoked) return self->done(not_found("There is no token \"" + wanted + "\"."));
    self->tokens.remove(wanted);  // one of this name that was being made meanwhile
    log::write(log::level::info, "token revoked", {{"name", wanted}, {"by", self->by->name}});
    self->done(ok({{"name", wanted}, {"revoked", to_rfc3339(at)}}));
  });
}

}  // namespace tocsin
