// Names that many rows share, stored once: rows hold their numbers.
#include "core/store/names.hpp"

#include <sqlite3.h>

namespace tocsin {
namespace {

// With 100,000 organizations that take turns, reading a name again is cheaper than holding all of them.
constexpr std::size_t names_in_memory = 20'000;

template <class Map, class Key, class Value>
void remember(Map& map, Key&& key, Value&& value) {
  if (map.size() >= names_in_memory) {
    map.clear();
  }
  map.insert_or_assign(std::forward<Key>(key), std::forward<Value>(value));
}

}  // namespace

name_table::name_table(sqlite::connection& database)
    : database_(database),
      find_name_(database, "SELECT id FROM name WHERE text = ?1"),
      add_name_(database, "INSERT INTO name (text) VALUES (?1)"),
      read_name_(database, "SELECT text FROM name WHERE id = ?1"),
      find_endpoint_(database, "SELECT id FROM endpoint WHERE channel = ?1 AND organization = ?2"),
      add_endpoint_(database, "INSERT INTO endpoint (channel, organization) VALUES (?1, ?2)"),
      read_endpoint_(database, "SELECT channel, organization FROM endpoint WHERE id = ?1") {}

std::optional<std::int64_t> name_table::find(std::string_view text) {
  if (const auto known = numbers_.find(text); known != numbers_.end()) {
    return known->second;
  }
  auto found = find_name_.query(text);
  if (!found.next()) {
    return std::nullopt;
  }
  remember(numbers_, std::string(text), found.integer(0));
  return found.integer(0);
}

std::int64_t name_table::number(std::string_view text) {
  if (const auto known = find(text)) {
    return *known;
  }
  add_name_.run(text);
  const auto made = sqlite3_last_insert_rowid(database_.handle());
  remember(numbers_, std::string(text), made);
  return made;
}

const std::string& name_table::text(std::int64_t number) {
  if (const auto known = texts_.find(number); known != texts_.end()) {
    return known->second;
  }
  auto found = read_name_.query(number);
  remember(texts_, number, found.next() ? std::string(found.text(0)) : std::string());
  return texts_.at(number);
}

std::optional<std::int64_t> name_table::find_endpoint(const endpoint_key& key) {
  if (const auto known = endpoint_numbers_.find(key); known != endpoint_numbers_.end()) {
    return known->second;
  }
  const auto channel = find(key.channel);
  const auto organization = find(key.organization);
  if (!channel || !organization) {
    return std::nullopt;
  }
  auto found = find_endpoint_.query(*channel, *organization);
  if (!found.next()) {
    return std::nullopt;
  }
  remember(endpoint_numbers_, key, found.integer(0));
  return found.integer(0);
}

std::int64_t name_table::endpoint_number(const endpoint_key& key) {
  if (const auto known = find_endpoint(key)) {
    return *known;
  }
  add_endpoint_.run(number(key.channel), number(key.organization));
  const auto made = sqlite3_last_insert_rowid(database_.handle());
  remember(endpoint_numbers_, key, made);
  return made;
}

const endpoint_key& name_table::endpoint(std::int64_t number) {
  if (const auto known = endpoints_.find(number); known != endpoints_.end()) {
    return known->second;
  }
  endpoint_key key;
  auto found = read_endpoint_.query(number);
  if (found.next()) {
    key.channel = text(found.integer(0));
    key.organization = text(found.integer(1));
  }
  remember(endpoints_, number, std::move(key));
  return endpoints_.at(number);
}

void name_table::forget() {
  numbers_.clear();
  texts_.clear();
  endpoint_numbers_.clear();
  endpoints_.clear();
}

}  // namespace tocsin
