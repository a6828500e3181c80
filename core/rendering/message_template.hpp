// What a message says, in one language: subject, heading and paragraphs (templates/README.md).
#pragma once

#include "core/rendering/compiled_template.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace tocsin {

struct message_words {
  std::string subject;  // one line, at most 200 characters
  std::string heading;  // one line
  std::vector<std::string> paragraphs;
};

class message_template {
 public:
  static result<message_template> compile(std::string_view text);
  message_words render(const template_values& values) const;  // [any thread]

 private:
  message_template(compiled_template subject, compiled_template heading, compiled_template body);
  compiled_template subject_;
  compiled_template heading_;
  compiled_template body_;
};

}  // namespace tocsin
