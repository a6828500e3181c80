// Names that many rows share, stored once: rows hold their numbers.
#pragma once

#include "core/model/endpoint.hpp"
#include "core/store/sqlite.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace tocsin {

// Keeps the names of late in memory, a bounded number of them. [store thread]
class name_table {
 public:
  explicit name_table(sqlite::connection& database);

  std::int64_t number(std::string_view text);               // a new name is written down
  std::optional<std::int64_t> find(std::string_view text);  // nothing: never written down
  const std::string& text(std::int64_t number);             // until the next call
  std::int64_t endpoint_number(const endpoint_key& key);    // a new endpoint is written down
  std::optional<std::int64_t> find_endpoint(const endpoint_key& key);
  const endpoint_key& endpoint(std::int64_t number);  // until the next call

  // A transaction was rolled back: what it had written down is no more.
  void forget();

 private:
  struct text_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };

  std::unordered_map<std::string, std::int64_t, text_hash, std::equal_to<>> numbers_;
  std::unordered_map<std::int64_t, std::string> texts_;
  std::unordered_map<endpoint_key, std::int64_t> endpoint_numbers_;
  std::unordered_map<std::int64_t, endpoint_key> endpoints_;

  sqlite::connection& database_;
  sqlite::statement find_name_, add_name_, read_name_;
  sqlite::statement find_endpoint_, add_endpoint_, read_endpoint_;
};

}  // namespace tocsin
