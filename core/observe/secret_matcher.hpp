// Finds any of many secrets in a text, however many there are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::log {

// Immutable, so that any thread may search while another makes the next one of it: with() shares all but the smaller
// part. A text of n bytes costs O(n) where no secret is near, and a binary search where one begins like it.
class secret_matcher {
 public:
  static constexpr std::size_t shortest = 4;  // bytes; anything shorter would blot out half of every line

  secret_matcher() = default;
  explicit secret_matcher(std::vector<std::string> values);

  // With these values, too; shorter ones are left out.
  secret_matcher with(std::vector<std::string> values) const;
  // text with "***" in the place of every range that is covered by secrets; where they overlap it is one range.
  std::string redact(std::string_view text) const;

 private:
  // Values in order, each with the longest other one that it begins with.
  struct level {
    struct entry {
      std::string value;
      std::size_t shorter;  // index, or none
    };
    static constexpr std::size_t none = static_cast<std::size_t>(-1);

    explicit level(std::vector<std::string> sorted);
    // The length of the longest value that text begins with; 0: there is none.
    std::size_t longest_at(std::string_view text) const;

    std::vector<entry> entries;
    std::vector<std::uint64_t> beginnings;  // a bit for the hash of each value's first bytes
    std::uint64_t mask = 0;
  };

  // Each more than twice as large as the next, so that adding one value costs O(log n) on the average.
  std::vector<std::shared_ptr<const level>> levels_;
};

}  // namespace tocsin::log
