// What a failed call of the system's means for a delivery: the only place where codes and classes are chosen.
#pragma once

#include <tocsin/sdk/outcome.hpp>

#include <string>
#include <string_view>

namespace tocsin::file {

// What a delivery, or one stage of a diagnosis, came to.
struct verdict {
  sdk::outcome_class result = sdk::outcome_class::delivered;
  std::string_view code = "OK";
  std::string detail;  // one line; empty: all is well

  bool ok() const { return result == sdk::outcome_class::delivered; }
};

// Thrown within the plugin where something cannot be written; caught where a batch ends.
struct trouble {
  verdict what;
};

// what: the attempt in words, "open /var/mail/alerts".
verdict judge(int error, const std::string& what);
verdict unsuitable(const std::string& why);

}  // namespace tocsin::file
