// Splits a message's template into its lines and fills each in.
#include "core/rendering/message_template.hpp"

#include "core/rendering/clean_text.hpp"

namespace tocsin {
namespace {

constexpr std::size_t longest_subject = 200;
constexpr std::size_t longest_heading = 300;

std::string_view take_line(std::string_view& text) {
  const auto end = std::min(text.find('\n'), text.size());
  const auto line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

std::vector<std::string> split_paragraphs(std::string_view text) {
  std::vector<std::string> paragraphs(1);
  while (!text.empty()) {
    const auto line = take_line(text);
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) {
      if (!paragraphs.back().empty()) paragraphs.emplace_back();
    } else {
      if (!paragraphs.back().empty()) paragraphs.back() += '\n';
      paragraphs.back() += line;
    }
  }
  if (paragraphs.back().empty()) paragraphs.pop_back();
  return paragraphs;
}

}  // namespace

message_template::message_template(compiled_template subject, compiled_template heading, compiled_template body)
    : subject_(std::move(subject)), heading_(std::move(heading)), body_(std::move(body)) {}

result<message_template> message_template::compile(std::string_view text) {
  auto subject = compiled_template::compile(take_line(text), escaping::none);
  if (!subject) return subject.error();
  auto heading = compiled_template::compile(take_line(text), escaping::none);
  if (!heading) return heading.error();
  auto body = compiled_template::compile(text, escaping::none);
  if (!body) return body.error();
  return message_template(std::move(*subject), std::move(*heading), std::move(*body));
}

message_words message_template::render(const template_values& values) const {
  return {one_line(subject_.render(values), longest_subject), one_line(heading_.render(values), longest_heading),
          split_paragraphs(body_.render(values))};
}

}  // namespace tocsin
