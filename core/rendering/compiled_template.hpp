// A Mustache template, parsed once and filled in many times.
#pragma once

#include "core/model/fault.hpp"

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin {

// What a template may name: texts, and lists of texts. A name that is not there, or an empty list, is false in a
// section.
struct template_values {
  using texts = std::map<std::string, std::string, std::less<>>;
  texts values;
  std::map<std::string, std::vector<texts>, std::less<>> lists;
};

enum class escaping { none, html };

class compiled_template {
 public:
  // Fault RENDER_FAILED: not Mustache, or it uses partials, which nothing could fill in.
  static result<compiled_template> compile(std::string_view text, escaping how);
  compiled_template(compiled_template&&) noexcept;
  compiled_template& operator=(compiled_template&&) noexcept;
  ~compiled_template();

  std::string render(const template_values& values) const;  // [any thread]

 private:
  struct impl;
  explicit compiled_template(std::unique_ptr<impl> made);
  std::unique_ptr<impl> impl_;
};

}  // namespace tocsin
