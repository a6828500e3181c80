// One table of the core's own settings: its checked values by key, defaults filled in, origins noted.
#pragma once

#include "core/settings/schema.hpp"
#include "core/settings/settings.hpp"

#include <boost/json/value.hpp>

#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace tocsin {

using origin_map = std::map<std::string, std::vector<setting_origin>>;

class section_reader {
 public:
  // table: null where it is not written. site.key: its dotted name.
  section_reader(const setting_node* table, const boost::json::object& schema, setting_site site, faults& errors);

  // The value that is written, else the default. Null: neither.
  const boost::json::value* value(const std::string& key) const;
  std::string text(const std::string& key) const;
  std::chrono::milliseconds duration(const std::string& key) const;
  std::uint64_t size(const std::string& key) const;
  std::vector<std::string> texts(const std::string& key) const;

  bool is_written(const std::string& key) const;
  place where(const std::string& key) const;
  // A fault at the key's value.
  void refuse(const std::string& key, std::string what, std::string remedy) const;
  // level: the table's own.
  void note_origins(const std::string& level, origin_map& origins) const;

 private:
  setting_site site_;
  place table_place_;
  std::map<std::string, checked_leaf> written_;
  std::map<std::string, checked_leaf> defaults_;
  faults& errors_;
};

}  // namespace tocsin
