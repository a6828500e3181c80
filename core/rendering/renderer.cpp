// Chooses the template, gathers what it shows, and fills in the parts that are wanted.
#include "core/rendering/renderer.hpp"

#include "core/rendering/built_in_templates.hpp"
#include "core/rendering/clean_text.hpp"
#include "core/rendering/compiled_template.hpp"
#include "core/rendering/data_fields.hpp"
#include "core/rendering/labels.hpp"
#include "core/rendering/license_values.hpp"
#include "core/rendering/localized_time.hpp"
#include "core/rendering/message_template.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>

namespace tocsin {
namespace {

constexpr std::string_view default_name = "default";
constexpr std::string_view license_types = "tocsin.license.";
constexpr std::size_t widest_label = 20;  // beyond it values are not aligned

using row = std::pair<std::string, std::string>;  // label, value

// The colour of the band; each has a contrast of at least 4.5 to white.
std::string_view color_of(severity value) {
  switch (value) {
    case severity::info:
      return "#2459b8";
    case severity::success:
      return "#1a7a43";
    case severity::warn:
      return "#a35200";
    case severity::error:
      return "#c0272d";
    case severity::fatal:
      return "#7d1128";
  }
  return "#2459b8";
}

// A file's text without the blanks at the beginnings of lines, which no reader of the mail ever sees.
std::string compact(std::string_view text) {
  std::string made;
  bool at_start = true;
  for (const char c : text) {
    if (at_start && (c == ' ' || c == '\t')) continue;
    made += c;
    at_start = c == '\n';
  }
  return made;
}

// Values on one column; the lines after the first stand below it.
std::vector<template_values::texts> text_rows(const std::vector<row>& rows, std::string_view separator) {
  std::size_t width = 0;
  for (const auto& [label, value] : rows) {
    if (count_characters(label) <= widest_label) width = std::max(width, count_characters(label));
  }
  width += count_characters(separator);
  std::vector<template_values::texts> made;
  for (const auto& [label, value] : rows) {
    std::string start = label + std::string(separator);
    start.append(width - std::min(width, count_characters(start)), ' ');
    std::string body;
    for (const char c : value) {
      body += c;
      if (c == '\n') body.append(width, ' ');
    }
    made.push_back({{"label", std::move(start)}, {"value", std::move(body)}});
  }
  return made;
}

std::vector<template_values::texts> html_rows(const std::vector<row>& rows) {
  std::vector<template_values::texts> made;
  for (const auto& [label, value] : rows) made.push_back({{"label", label}, {"value", value}});
  return made;
}

}  // namespace

struct renderer::impl {
  std::map<std::string, std::map<std::string, message_template>> messages;  // by name, by language
  std::optional<compiled_template> html;
  std::optional<compiled_template> text;

  void add(const built_in_template& file) {
    const auto good = [&](auto made) {
      if (!made) throw std::logic_error(std::string(file.file) + ": " + made.error().to_string());
      return std::move(*made);
    };
    std::string_view name = file.file.substr(0, file.file.size() - std::string_view(".mustache").size());
    if (name == "layout.html") {
      html = good(compiled_template::compile(compact(file.text), escaping::html));
    } else if (name == "layout.text") {
      text = good(compiled_template::compile(file.text, escaping::none));
    } else {
      name.remove_prefix(std::string_view("message.").size());
      const auto dot = name.rfind('.');
      messages[std::string(name.substr(0, dot))].emplace(name.substr(dot + 1),
                                                         good(message_template::compile(file.text)));
    }
  }

  const message_template& find(const std::string& name, std::string_view language) const {
    const auto& languages = messages.at(name);
    const auto found = languages.find(std::string(language));
    return found == languages.end() ? languages.at("en") : found->second;
  }
};

renderer::renderer() : impl_(std::make_unique<impl>()) {
  for (const auto& file : built_in_templates()) impl_->add(file);
}

renderer::~renderer() = default;

std::vector<std::string> renderer::templates() const {
  std::vector<std::string> names;
  for (const auto& [name, languages] : impl_->messages) names.push_back(name);
  return names;
}

namespace {

// All that the templates are filled with.
struct gathered {
  std::string template_name;
  template_values::texts values;
  std::vector<row> rows;
};

void add_envelope_rows(const render_request& request, const labels& words, const std::string& locale,
                       std::vector<row>& rows) {
  const event& value = *request.event;
  rows.emplace_back(words.severity, words.name_of(value.severity));
  rows.emplace_back(words.type, one_line(value.type, 200));
  if (value.time) rows.emplace_back(words.time, localized_date_time(*value.time, locale, request.time_zone));
  const auto& organization = request.organization.empty() ? value.organization : request.organization;
  if (!organization.empty()) rows.emplace_back(words.organization, one_line(organization, 200));
}

gathered gather(const render_request& request, std::string name, const labels& words) {
  const event& value = *request.event;
  const std::string locale = locale_for(request.language);
  gathered made;
  made.values["severity"] = words.name_of(value.severity);
  made.values["headline"] = one_line(value.subject.empty() ? value.type : value.subject, 300);
  auto data = read_event_data(value);
  if (name.starts_with(license_types)) {
    if (auto license = read_license(data.json, words, locale, request.time_zone, value.time)) {
      made.values.merge(license->values);
      made.rows = std::move(license->rows);
      add_envelope_rows(request, words, locale, made.rows);
      made.template_name = std::move(name);
      return made;
    }
    name = default_name;  // its sentences need data that this event does not have
  }
  made.template_name = std::move(name);
  add_envelope_rows(request, words, locale, made.rows);
  made.rows.emplace_back(words.source, one_line(value.source, 200));
  for (auto& field : data.fields) made.rows.emplace_back(std::move(field.name), std::move(field.value));
  if (!data.text.empty()) made.rows.emplace_back(words.data, std::move(data.text));
  if (data.not_shown > 0) {
    std::string note(words.more_fields);
    note.replace(note.find("{n}"), 3, std::to_string(data.not_shown));
    made.rows.emplace_back("\xE2\x80\xA6", std::move(note));
  }
  return made;
}

}  // namespace

result<rendered_parts> renderer::render(const render_request& request,
                                        const std::function<bool(std::string_view part)>& wanted) const {
  const auto& messages = impl_->messages;
  std::string name = request.template_name.empty() ? std::string(default_name) : request.template_name;
  if (messages.count(name) == 0) {
    std::string known;
    for (const auto& [template_name, languages] : messages) known += (known.empty() ? "" : ", ") + template_name;
    return fault{"RENDER_FAILED",
                 "There is no template \"" + one_line(name, 100) + "\".",
                 "Name one of these in the route: " + known + ".",
                 {}};
  }
  if (name == default_name && messages.count(request.event->type) > 0) name = request.event->type;

  const labels& words = labels_for(request.language);
  auto made = gather(request, std::move(name), words);
  template_values values{std::move(made.values), {}};
  const auto said = impl_->find(made.template_name, words.language).render(values);

  rendered_parts parts;
  if (wanted("subject")) parts.subject = said.subject;
  values.values["subject"] = said.subject;
  values.values["heading"] = said.heading;
  values.values["lang"] = words.language;
  values.values["color"] = color_of(request.event->severity);
  values.values["footer"] = words.footer;
  values.values["preheader"] = said.paragraphs.empty() ? said.heading : one_line(said.paragraphs.front(), 150);
  auto& paragraphs = values.lists["paragraphs"];
  for (const auto& paragraph : said.paragraphs) paragraphs.push_back({{"text", paragraph}});
  if (wanted("text")) {
    values.lists["rows"] = text_rows(made.rows, words.separator);
    parts.text = impl_->text->render(values);
  }
  if (wanted("html")) {
    values.lists["rows"] = html_rows(made.rows);
    parts.html = impl_->html->render(values);
  }
  return parts;
}

}  // namespace tocsin
