// The store's table of tokens.
#include "core/store/token_table.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <span>

namespace tocsin {
namespace {

std::string json_of(const std::vector<std::string>& texts) {
  boost::json::array out;
  for (const auto& text : texts) out.emplace_back(text);
  return boost::json::serialize(out);
}

std::vector<std::string> texts_of(std::string_view json) {
  std::vector<std::string> out;
  boost::system::error_code error;
  const auto value = boost::json::parse(json, error);
  const auto* list = error ? nullptr : value.if_array();
  // A token whose types cannot be read may publish none, and not all.
  if (list == nullptr) return {std::string()};
  for (const auto& each : *list) {
    const auto* text = each.if_string();
    out.emplace_back(text == nullptr ? std::string() : std::string(*text));
  }
  return out;
}

}  // namespace

token_table::token_table(sqlite::connection& database, name_table& names)
    : names_(names),
      find_(database, "SELECT revoked_at FROM token WHERE name = ?1"),
      put_(database,
           "INSERT OR REPLACE INTO token (name, hash, scope, organization, types, created_at, revoked_at)"
           " VALUES (?1, ?2, ?3, ?4, ?5, ?6, NULL)"),
      revoke_(database, "UPDATE token SET revoked_at = ?2 WHERE name = ?1"),
      all_(database, "SELECT name, hash, scope, organization, types, created_at, revoked_at FROM token ORDER BY name") {
}

bool token_table::add(const token_record& value) {
  {
    auto known = find_.query(value.name);
    if (known.next() && known.is_null(0)) return false;
  }
  std::optional<std::int64_t> organization;
  if (value.organization) organization = names_.number(*value.organization);
  const auto hash = std::as_bytes(std::span(value.hash));
  put_.run(value.name, hash, value.scope, organization, json_of(value.types), value.created);
  return true;
}

bool token_table::revoke(const std::string& name, time_ms at) {
  {
    auto known = find_.query(name);
    if (!known.next() || !known.is_null(0)) return false;
  }
  revoke_.run(name, at);
  return true;
}

std::vector<token_record> token_table::all() {
  std::vector<token_record> out;
  auto found = all_.query();
  while (found.next()) {
    token_record one;
    one.name = found.text(0);
    const auto hash = found.blob(1);
    one.hash.assign(reinterpret_cast<const char*>(hash.data()), hash.size());
    one.scope = found.text(2);
    if (const auto number = found.optional_integer(3)) one.organization = names_.text(*number);
    one.types = texts_of(found.text(4));
    one.created = found.integer(5);
    one.revoked = found.optional_integer(6);
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace tocsin
