// Mustache by kainjow's library, which is compiled here and nowhere else.
#include "core/rendering/compiled_template.hpp"

#include <kainjow/mustache.hpp>

namespace tocsin {

namespace mustache = kainjow::mustache;

struct compiled_template::impl {
  explicit impl(const std::string& text) : parsed(text) {}
  // The library's render() is not const only because lambdas and partials, which we use none of, may report errors in
  // it; without them it reads alone, and any number of threads may render at once.
  mutable mustache::mustache parsed;
};

compiled_template::compiled_template(std::unique_ptr<impl> made) : impl_(std::move(made)) {}
compiled_template::compiled_template(compiled_template&&) noexcept = default;
compiled_template& compiled_template::operator=(compiled_template&&) noexcept = default;
compiled_template::~compiled_template() = default;

result<compiled_template> compiled_template::compile(std::string_view text, escaping how) {
  const auto refuse = [](std::string why) {
    return fault{"RENDER_FAILED", "The template is not Mustache: " + std::move(why), "Correct it.", {}};
  };
  if (text.find("{{>") != std::string_view::npos) return refuse("it uses a partial.");
  auto made = std::make_unique<impl>(std::string(text));
  if (!made->parsed.is_valid()) return refuse(made->parsed.error_message());
  if (how == escaping::none) made->parsed.set_custom_escape([](const std::string& value) { return value; });
  return compiled_template(std::move(made));
}

std::string compiled_template::render(const template_values& values) const {
  mustache::data data;
  for (const auto& [name, value] : values.values) data[name] = mustache::data(value);
  for (const auto& [name, items] : values.lists) {
    mustache::data list(mustache::data::type::list);
    for (const auto& item : items) {
      mustache::data entry;
      for (const auto& [key, value] : item) entry[key] = mustache::data(value);
      list.push_back(entry);
    }
    data[name] = std::move(list);
  }
  std::string text;
  impl_->parsed.render(data, [&text](const std::string& piece) { text += piece; });
  return text;
}

}  // namespace tocsin
