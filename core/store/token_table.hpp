// The store's table of tokens.
#pragma once

#include "core/model/token.hpp"
#include "core/store/names.hpp"
#include "core/store/sqlite.hpp"

#include <string>
#include <vector>

namespace tocsin {

// Within a transaction, as `tables`. [store thread]
class token_table {
 public:
  token_table(sqlite::connection& database, name_table& names);

  // False: the name belongs to a token that was not revoked. A revoked one makes room.
  bool add(const token_record& value);
  // False: there is none of this name that was not revoked.
  bool revoke(const std::string& name, time_ms at);
  std::vector<token_record> all();  // by name

 private:
  name_table& names_;
  sqlite::statement find_, put_, revoke_, all_;
};

}  // namespace tocsin
