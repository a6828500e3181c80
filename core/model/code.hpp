// The table of outcome codes: the host's own, and those that plugins declare in their manifests.
#pragma once

#include "core/model/outcome.hpp"

#include <map>
#include <span>
#include <string>
#include <string_view>

namespace tocsin {

// As manifests write it: "throttled".
std::string_view to_text(outcome_class value);

struct code_entry {
  std::string code;   // "CERT_EXPIRED"
  std::string stage;  // "certificate"; empty: none, or any
  tocsin::outcome_class outcome_class = tocsin::outcome_class::transient;
  std::string explanation;  // one sentence
  std::string remedy;       // one sentence; empty for OK
};

class code_table {
 public:
  code_table();                                   // with the host's own codes
  void add(std::span<const code_entry> entries);  // an entry that is there already stays
  // The entry, or one that says that the code is not known.
  const code_entry& find(std::string_view code) const;
  const std::map<std::string, code_entry, std::less<>>& entries() const { return entries_; }

 private:
  std::map<std::string, code_entry, std::less<>> entries_;
};

}  // namespace tocsin
