// The tokens of this host, by their hashes, in memory: whose is the one that came with a request?
#pragma once

#include "core/http/principal.hpp"
#include "core/model/token.hpp"

#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tocsin {

// SHA-256: a token is 256 random bits, so that nothing slower is needed.
std::string hash_of_token(std::string_view token);
// Empty: the system gives no random numbers.
std::string make_token();

// [any thread]
class token_registry {
 public:
  // administrator: what is in admin.token; empty: there is none. kept: what the store has; those that were revoked, or
  // whose scope is unknown, are left out.
  token_registry(const std::string& administrator, const std::vector<token_record>& kept);

  // Null: it is none of them. What is compared is its hash, so that the time tells nothing of a token.
  principal_ptr find(std::string_view token) const;

  void add(const token_record& token);
  void remove(const std::string& name);

 private:
  mutable std::shared_mutex mutex_;
  std::unordered_map<std::string, principal_ptr> by_hash_;
};

}  // namespace tocsin
