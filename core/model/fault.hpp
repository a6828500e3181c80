// A fault: what went wrong, where, why, and what to do about it, in words for the person who reads it.
#pragma once

#include <boost/system/result.hpp>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace tocsin {

// Where in an operator's files a fault lies. Members that do not apply are empty or 0.
struct place {
  std::string file;
  int line = 0;     // from 1
  int column = 0;   // from 1
  std::string key;  // dotted: "channels.email.port"

  bool operator==(const place&) const = default;
};

// A place that has a key and no file: settings that did not come from one.
inline place at_key(std::string key) {
  place where;
  where.key = std::move(key);
  return where;
}

struct fault {
  std::string code;    // a stable upper-case word: "SETTINGS_INVALID"
  std::string what;    // one sentence: what is wrong and why
  std::string remedy;  // one sentence: what to do; may be empty
  tocsin::place place;

  fault() = default;
  // Two texts at least, so that a lone string is never taken for a fault where a result may hold either.
  fault(std::string code_word, std::string sentence, std::string what_to_do = {}, tocsin::place where = {})
      : code(std::move(code_word)), what(std::move(sentence)), remedy(std::move(what_to_do)), place(std::move(where)) {}

  // "tocsin.toml:12:8: channels.email.port: what. remedy"
  std::string to_string() const;
  bool operator==(const fault&) const = default;
};

using faults = std::vector<fault>;

// A value, or the fault that kept it from being. error() is the fault.
template <class T>
using result = boost::system::result<T, fault>;

// Asked for the value of a result that has none: a defect of the caller's.
[[noreturn]] inline void throw_exception_from_error(const fault& why, const boost::source_location&) {
  throw std::logic_error(why.to_string());
}

}  // namespace tocsin
