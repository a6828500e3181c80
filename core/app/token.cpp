// `tocsin token create`, `token list` and `token revoke`.
#include <boost/json.hpp>

#include <cstdio>

#include "core/app/commands.hpp"
#include "core/app/console.hpp"
#include "core/app/remote.hpp"

namespace tocsin::app {
namespace {

namespace json = boost::json;

std::string shown(const json::value& value) {
  return value.is_string() && !value.get_string().empty() ? std::string(value.get_string()) : "-";
}

std::string types_of(const json::object& token) {
  std::string out;
  for (const auto& type : token.at("types").as_array()) out += (out.empty() ? "" : " ") + shown(type);
  return out.empty() ? "-" : out;
}

}  // namespace

// The token alone, so that a script can put it where it belongs.
int token_create(const token_options& options) {
  json::object wanted{{"name", options.name}, {"scope", options.scope}};
  if (!options.organization.empty()) wanted["organization"] = options.organization;
  if (!options.types.empty()) wanted["types"] = json::value_from(options.types);
  const auto answer = call(options.config, "POST", "/v1/tokens", "application/json", json::serialize(wanted));
  if (!answer) return fail(answer.error().why, options.json, answer.error().status);
  const auto& token = answer->at("token").as_string();
  if (options.json) {
    std::printf("%s\n", json::serialize(json::object{{"name", answer->at("name")}, {"token", token}}).c_str());
  } else {
    std::printf("%s\n", token.c_str());
  }
  return exit_done;
}

int token_list(const token_options& options) {
  const auto answer = call(options.config, "GET", "/v1/tokens");
  if (!answer) return fail(answer.error().why, options.json, answer.error().status);
  if (options.json) {
    std::printf("%s\n", json::serialize(*answer).c_str());
    return exit_done;
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& element : answer->at("tokens").as_array()) {
    const auto& token = element.as_object();
    rows.push_back({shown(token.at("name")), shown(token.at("scope")), shown(token.at("organization")), types_of(token),
                    shown(token.at("created")), shown(token.at("revoked"))});
  }
  print_table({"NAME", "SCOPE", "ORGANIZATION", "TYPES", "MADE", "REVOKED"}, rows);
  return exit_done;
}

int token_revoke(const token_options& options) {
  const auto answer = call(options.config, "DELETE", "/v1/tokens/" + percent_encode(options.name));
  if (!answer) return fail(answer.error().why, options.json, answer.error().status);
  if (options.json) {
    std::printf("%s\n", json::serialize(*answer).c_str());
  } else {
    std::printf("%s\n", (paint("revoked", colour::green) + " " + options.name).c_str());
  }
  return exit_done;
}

}  // namespace tocsin::app
