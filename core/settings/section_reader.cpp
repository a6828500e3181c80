// Reads a table of the core's own settings by its schema.
#include "core/settings/section_reader.hpp"

#include <boost/json.hpp>

namespace tocsin {

namespace json = boost::json;

section_reader::section_reader(const setting_node* table, const json::object& schema, setting_site site, faults& errors)
    : site_(std::move(site)), errors_(errors) {
  table_place_ = {site_.file, table ? table->line : 0, table ? table->column : 0, site_.key};
  if (table) {
    for (auto& leaf : check_table(*table, schema, site_, unknown_keys::refuse, errors_)) {
      written_.emplace(leaf.key, std::move(leaf));
    }
  }
  for (const auto& leaf : leaves_of(schema)) {
    const auto* standard = leaf.schema->if_contains("default");
    if (!standard) continue;
    if (auto value = check_value(to_setting_node(*standard), *leaf.schema, site_, errors_)) {
      defaults_[leaf.key] = {leaf.key, std::move(*value), *standard, 0, 0};
    }
  }
}

const json::value* section_reader::value(const std::string& key) const {
  if (const auto found = written_.find(key); found != written_.end()) return &found->second.value;
  if (const auto found = defaults_.find(key); found != defaults_.end()) return &found->second.value;
  return nullptr;
}

std::string section_reader::text(const std::string& key) const {
  const auto* found = value(key);
  return found && found->is_string() ? std::string(found->get_string()) : "";
}

std::chrono::milliseconds section_reader::duration(const std::string& key) const {
  const auto* found = value(key);
  return std::chrono::milliseconds(found && found->is_int64() ? found->get_int64() : 0);
}

std::uint64_t section_reader::size(const std::string& key) const {
  const auto* found = value(key);
  return found && found->is_number() ? found->to_number<std::uint64_t>() : 0;
}

std::vector<std::string> section_reader::texts(const std::string& key) const {
  std::vector<std::string> result;
  const auto* found = value(key);
  if (!found || !found->is_array()) return result;
  for (const auto& item : found->get_array()) {
    if (item.is_string()) result.emplace_back(item.get_string());
  }
  return result;
}

bool section_reader::is_written(const std::string& key) const { return written_.count(key) > 0; }

place section_reader::where(const std::string& key) const {
  place result = table_place_;
  result.key += "." + key;
  if (const auto found = written_.find(key); found != written_.end()) {
    result.line = found->second.line;
    result.column = found->second.column;
  }
  return result;
}

void section_reader::refuse(const std::string& key, std::string what, std::string remedy) const {
  errors_.push_back({"SETTINGS_INVALID", std::move(what), std::move(remedy), where(key)});
}

void section_reader::note_origins(const std::string& level, origin_map& origins) const {
  for (const auto& [key, leaf] : written_) {
    origins[site_.key + "." + key].push_back({level, where(key), json::serialize(leaf.shown)});
  }
  for (const auto& [key, leaf] : defaults_) {
    origins[site_.key + "." + key].push_back({"default", {}, json::serialize(leaf.shown)});
  }
}

}  // namespace tocsin
