// The sources that one plugin has open, by the tokens that it gave them, and the credits of each.
#pragma once

#include "core/model/fault.hpp"

#include <tocsin/abi/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace tocsin {

// One open source. Its credits bound what it has under way. [any thread]
class open_source_entry {
 public:
  open_source_entry(std::string name, std::uint64_t credits) : name_(std::move(name)), credits_(credits) {}

  const std::string& name() const { return name_; }
  std::uint64_t credits() const { return credits_; }
  // False: not so many are left.
  bool take_credits(std::uint64_t count);
  void give_back(std::uint64_t count);

 private:
  const std::string name_;
  const std::uint64_t credits_;
  std::mutex mutex_;
  std::uint64_t used_ = 0;
};

// [any thread]; begin_opening() and end_opening() from one thread at a time.
class source_table {
 public:
  using entry_ptr = std::shared_ptr<open_source_entry>;

  void begin_opening(entry_ptr source);
  // The plugin answered this token. A fault: it cannot name a source.
  result<void> end_opening(tocsin_token token);
  void fail_opening();

  // Null: no open source has this token.
  entry_ptr find(tocsin_token token) const;
  // The same, but while a source opens an unknown token means that one: the host does not know its token yet, and the
  // plugin already asks for what it remembers. Only for reading; what is published must not depend on a guess.
  entry_ptr find_or_opening(tocsin_token token) const;
  bool is_opening() const;
  // By the name of [sources.NAME]: its token, and it is gone.
  bool remove(const std::string& name, tocsin_token& token);
  bool has(const std::string& name) const;
  // {0, 0}: no such source is open.
  tocsin_token token_of(const std::string& name) const;
  void clear();

 private:
  using key = std::pair<std::uint64_t, std::uint64_t>;
  mutable std::mutex mutex_;
  std::map<key, entry_ptr> open_;
  entry_ptr opening_;
};

}  // namespace tocsin
