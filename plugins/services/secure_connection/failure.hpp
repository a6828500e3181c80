// Why something is over: the stage, the contract's code and one line of detail.
#pragma once

#include <boost/system/result.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace tocsin::secure_connection {

struct failure {
  failure() = default;
  failure(std::string stage_name, std::string code_word, std::string detail_line)
      : stage(std::move(stage_name)), code(std::move(code_word)), detail(std::move(detail_line)) {}

  std::string stage;   // "tls"; empty: none of its own
  std::string code;    // "TLS_NOT_SPOKEN"
  std::string detail;  // one line
};

template <class T>
using result = boost::system::result<T, failure>;

// A peer's words on one line of at most `limit` bytes: control characters and bytes above ASCII become \xNN, so that
// what a hostile peer sends cannot forge a line of a log.
std::string printable(std::string_view text, std::size_t limit = 120);

}  // namespace tocsin::secure_connection
