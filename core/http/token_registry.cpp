// The tokens of this host, by their hashes, in memory: whose is the one that came with a request?
#include "core/http/token_registry.hpp"

#include "core/model/hex.hpp"
#include "core/observe/log.hpp"

#include <openssl/rand.h>
#include <openssl/sha.h>

#include <array>
#include <span>

namespace tocsin {
namespace {

// No other token has this name.
constexpr const char* administrator_name = "admin.token";

}  // namespace

std::string hash_of_token(std::string_view token) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> hash{};
  SHA256(reinterpret_cast<const unsigned char*>(token.data()), token.size(), hash.data());
  return {hash.begin(), hash.end()};
}

// The word before the digits lets a tool that looks for leaked secrets know it.
std::string make_token() {
  std::array<unsigned char, 32> random{};
  if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1) return {};
  return "tocsin_" + to_hex(std::as_bytes(std::span(random)));
}

token_registry::token_registry(const std::string& administrator, const std::vector<token_record>& kept) {
  for (const auto& token : kept) add(token);
  if (administrator.empty()) return;
  by_hash_[hash_of_token(administrator)] = std::make_shared<principal>(principal{administrator_name, scope::admin});
}

principal_ptr token_registry::find(std::string_view token) const {
  const auto hash = hash_of_token(token);
  const std::shared_lock lock(mutex_);
  const auto found = by_hash_.find(hash);
  return found == by_hash_.end() ? nullptr : found->second;
}

void token_registry::add(const token_record& token) {
  if (token.revoked) return;
  const auto allows = parse_scope(token.scope);
  if (!allows) {
    log::write(log::level::warn, "a token allows nothing: its scope is unknown to this version",
               {{"name", token.name}, {"scope", token.scope}});
    return;
  }
  auto made = std::make_shared<principal>(principal{token.name, *allows, token.organization, token.types});
  const std::lock_guard lock(mutex_);
  by_hash_[token.hash] = std::move(made);
}

void token_registry::remove(const std::string& name) {
  if (name == administrator_name) return;
  const std::lock_guard lock(mutex_);
  std::erase_if(by_hash_, [&name](const auto& one) { return one.second->name == name; });
}

}  // namespace tocsin
