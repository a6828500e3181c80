// Rendering: an event becomes the parts of a message, by a Mustache template.
#pragma once

#include "core/model/event.hpp"
#include "core/model/fault.hpp"
#include "core/model/message.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin {

struct render_request {
  const tocsin::event* event = nullptr;
  std::string template_name = "default";
  std::string language = "en";
  std::string time_zone = "UTC";
  std::string organization;
};

// Templates are compiled once. [any thread]
class renderer {
 public:
  renderer();
  ~renderer();

  // The built-in templates: "default" shows subject, severity, type, time, organization, and each top-level field of
  // `data`; and one for each event type that has its own. Values are escaped for HTML in the HTML part; a subject is
  // one line. Fault RENDER_FAILED: no such template, or data that the template cannot take.
  result<rendered_parts> render(const render_request& request,
                                const std::function<bool(std::string_view part)>& wanted) const;
  std::vector<std::string> templates() const;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace tocsin
