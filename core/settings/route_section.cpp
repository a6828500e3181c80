// Checks routes: their members by a schema, then that what they name is there.
#include "core/settings/route_section.hpp"

#include "core/settings/core_schema.hpp"
#include "core/settings/suggestion.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <set>

namespace tocsin {
namespace {

namespace json = boost::json;

class route_reader {
 public:
  explicit route_reader(settings_file& file) : file_(file) {}

  void read() {
    if (const auto* routes = file_.document->find("routes")) read_route_list(routes->value, "routes", "");
    for (const auto& name : file_.organization_names) {
      const auto& table = file_.document->find("organizations")->value;
      // Not find(): it would look through all organizations for each.
      const auto& members = *table.as_table();
      while (members[next_organization_].name != name) ++next_organization_;
      const auto* routes = members[next_organization_].value.find("routes");
      if (routes) read_route_list(routes->value, "organizations." + name + ".routes", name);
    }
  }

 private:
  void refuse(int line, int column, std::string key, std::string what, std::string remedy) {
    file_.errors.push_back(
        {"SETTINGS_INVALID", std::move(what), std::move(remedy), {file_.site.file, line, column, std::move(key)}});
  }

  void read_route_list(const setting_node& list, const std::string& key, const std::string& organization) {
    if (!list.as_array()) {
      return refuse(list.line, list.column, key,
                    "It must be a list of tables, and this is " + std::string(kind_of(list)) + ".",
                    "Write [[" + key + "]] above each route.");
    }
    std::map<std::string, int> lines;  // of the names
    for (std::size_t at = 0; at < list.as_array()->size(); ++at) {
      const auto& table = (*list.as_array())[at];
      const std::string route_key = key + "[" + std::to_string(at) + "]";
      const setting_site site{file_.site.file, route_key, file_.site.folder};
      faults faulty;
      const auto value = check_value(table, route_schema(), site, faulty);
      file_.errors.insert(file_.errors.end(), faulty.begin(), faulty.end());
      if (!value) continue;
      route made = make_route(value->as_object(), table, route_key, organization, at + 1);
      const auto [found, is_new] = lines.emplace(made.name, table.line);
      if (!is_new) {
        const auto* name = table.find("name");
        refuse(name ? name->value.line : table.line, name ? name->value.column : table.column, route_key + ".name",
               "Another route is called \"" + made.name + "\", in line " + std::to_string(found->second) + ".",
               "Give each route a name of its own.");
      }
      file_.routes.push_back(std::move(made));
    }
  }

  static std::vector<std::string> texts(const json::object& value, std::string_view key) {
    std::vector<std::string> result;
    for (const auto& item : value.at(key).as_array()) result.emplace_back(item.as_string());
    return result;
  }

  route make_route(const json::object& value, const setting_node& table, const std::string& key,
                   const std::string& organization, std::size_t number) {
    route made;
    const auto* name = value.if_contains("name");
    made.name = name ? std::string(name->as_string()) : "route " + std::to_string(number);
    made.organization = organization;
    made.types = texts(value, "types");
    if (const auto* severity = value.if_contains("severity"))
      made.minimum_severity = parse_severity(severity->as_string());
    made.channels = texts(value, "channels");
    made.to = texts(value, "to");
    made.template_name = std::string(value.at("template").as_string());
    made.place = {file_.site.file, table.line, table.column, key};
    check_route_channels(made, table, key);
    check_route_recipients(made, table, key);
    return made;
  }

  void check_route_channels(const route& made, const setting_node& table, const std::string& key) {
    const auto& list = table.find("channels")->value;
    if (made.channels.empty()) {
      refuse(list.line, list.column, key + ".channels", "A route needs at least one channel.",
             "Accepted: " + any_of(channels_of(made.organization)) + ".");
    }
    std::set<std::string> seen;
    for (std::size_t at = 0; at < made.channels.size(); ++at) {
      const auto& name = made.channels[at];
      const auto& node = (*list.as_array())[at];
      const std::string item_key = key + ".channels[" + std::to_string(at) + "]";
      if (!seen.insert(name).second) {
        refuse(node.line, node.column, item_key, "The channel \"" + name + "\" is named twice.", "Name it once.");
      }
      if (has_channel(made.organization, name)) continue;
      if (made.organization.empty() && is_channel_of_any_organization(name)) {
        file_.warnings.push_back({"SETTINGS_INVALID",
                                  "The host has no channel \"" + name +
                                      "\", only organizations have: events of others go nowhere by this route.",
                                  "Define [channels." + name + "] for the host, too.",
                                  {file_.site.file, node.line, node.column, item_key}});
        continue;
      }
      refuse(node.line, node.column, item_key, "There is no channel \"" + name + "\".",
             remedy_for_unknown(name, channels_of(made.organization)));
    }
  }

  void check_route_recipients(route& made, const setting_node& table, const std::string& key) {
    const auto& list = table.find("to")->value;
    if (made.to.empty()) {
      refuse(list.line, list.column, key + ".to", "A route needs at least one recipient.",
             "Write an address, or \"{{recipient}}\" for the event's own.");
    }
    for (std::size_t at = 0; at < made.to.size(); ++at) {
      auto& recipient = made.to[at];
      if (recipient.find("{{") == std::string::npos && recipient.find("}}") == std::string::npos) continue;
      std::string tight = recipient;
      std::erase(tight, ' ');
      if (tight == "{{recipient}}") {
        recipient = tight;
        continue;
      }
      const auto& node = (*list.as_array())[at];
      refuse(node.line, node.column, key + ".to[" + std::to_string(at) + "]",
             "Only the event's own recipient can be filled in here.", "Write \"{{recipient}}\" and nothing else.");
    }
  }

  bool has_channel(const std::string& organization, const std::string& channel) const {
    if (file_.channels.count(channel) > 0) return true;
    const auto found = file_.organizations.find(organization);
    return found != file_.organizations.end() && found->second.channels.count(channel) > 0;
  }

  bool is_channel_of_any_organization(const std::string& channel) const {
    return std::any_of(file_.organizations.begin(), file_.organizations.end(),
                       [&](const auto& entry) { return entry.second.channels.count(channel) > 0; });
  }

  std::vector<std::string> channels_of(const std::string& organization) const {
    std::set<std::string> names;
    for (const auto& [name, layer] : file_.channels) names.insert(name);
    const auto found = file_.organizations.find(organization);
    if (found != file_.organizations.end()) {
      for (const auto& [name, table] : found->second.channels) names.insert(name);
    }
    return {names.begin(), names.end()};
  }

  settings_file& file_;
  std::size_t next_organization_ = 0;
};

}  // namespace

void read_routes(settings_file& file) { route_reader(file).read(); }

}  // namespace tocsin
