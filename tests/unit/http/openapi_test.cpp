// The OpenAPI document and the routes table say the same, both ways.
#include "core/http/openapi.hpp"
#include "core/http/routes.hpp"
#include "tests/unit/http/api_fixture.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace tocsin::test {
namespace {

using Openapi = Api;

struct operation {
  std::string scope;
  bool for_organizations = true;
  std::set<std::string> content_types;

  bool operator==(const operation&) const = default;
};

// By "METHOD path"; the names within braces do not matter.
using operations = std::map<std::string, operation>;

std::string without_names(std::string_view path) {
  std::string out;
  bool within = false;
  for (const char c : path) {
    if (!within || c == '}') out += c;
    if (c == '{') within = true;
    if (c == '}') within = false;
  }
  return out;
}

std::string upper(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) { return static_cast<char>(c - 32); });
  return out;
}

operations of_document(const boost::json::object& document) {
  operations all;
  for (const auto& [path, item] : document.at("paths").as_object()) {
    for (const auto& [method, what] : item.as_object()) {
      const auto& described = what.as_object();
      operation one;
      const bool open = described.at("security").as_array().empty();
      one.scope = open ? "open" : std::string(described.at("x-scope").as_string());
      one.for_organizations = open || described.at("x-organization-tokens").as_bool();
      if (const auto* body = described.if_contains("requestBody")) {
        for (const auto& [type, schema] : body->at("content").as_object()) one.content_types.emplace(type);
      }
      all[upper(method) + " " + without_names(path)] = std::move(one);
    }
  }
  return all;
}

operations of_table() {
  operations all;
  for (const auto& route : all_routes()) {
    const bool to_source = route.call == api_call::source;
    std::vector<std::string_view> methods(route.methods.begin(), route.methods.end());
    if (to_source) methods = {"GET", "POST", "PUT", "PATCH", "DELETE"};
    for (const auto method : methods) {
      operation one;
      one.scope = to_text(route.needs);
      one.for_organizations = route.whose == callers::all;
      for (const auto type : route.content_types) {
        if (!type.empty()) one.content_types.emplace(type);
      }
      std::string path(route.path);
      if (path.ends_with('*')) path.replace(path.size() - 1, 1, "{}");
      all[std::string(method) + " " + path] = std::move(one);
    }
  }
  return all;
}

TEST_F(Openapi, SaysWhatTheRoutesTableSaysAndNothingElse) {
  const auto document = boost::json::parse(openapi_document()).as_object();
  const auto described = of_document(document);
  const auto routed = of_table();
  for (const auto& [what, one] : routed) {
    ASSERT_TRUE(described.contains(what)) << what << " is not described";
    EXPECT_EQ(one.scope, described.at(what).scope) << what;
    EXPECT_EQ(one.for_organizations, described.at(what).for_organizations) << what;
    EXPECT_EQ(one.content_types, described.at(what).content_types) << what;
  }
  for (const auto& [what, one] : described)
    EXPECT_TRUE(routed.contains(what)) << what << " is described, and not there";
}

TEST_F(Openapi, IsThereWithoutAToken) {
  const auto answer = call("GET", "/v1/openapi.json", {}, {}, "");
  EXPECT_EQ(200, answer.status);
  EXPECT_EQ("application/json", answer.content_type);
  EXPECT_EQ(openapi_document(), answer.body);
}

TEST_F(Openapi, NamesEachOperationOnce) {
  const auto document = boost::json::parse(openapi_document()).as_object();
  EXPECT_EQ("3.1.0", document.at("openapi").as_string());
  std::set<std::string> ids;
  for (const auto& [path, item] : document.at("paths").as_object()) {
    for (const auto& [method, what] : item.as_object()) {
      const std::string id(what.at("operationId").as_string());
      EXPECT_TRUE(ids.insert(id).second) << id << " is there twice";
      EXPECT_FALSE(what.at("summary").as_string().empty()) << id;
      EXPECT_FALSE(what.at("responses").as_object().empty()) << id;
    }
  }
}

}  // namespace
}  // namespace tocsin::test
