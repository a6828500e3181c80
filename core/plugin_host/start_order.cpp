// Walks the requirements of plugins depth first.
#include "core/plugin_host/start_order.hpp"

#include <algorithm>
#include <string>

namespace tocsin {
namespace {

class walk {
 public:
  explicit walk(std::span<const manifest* const> plugins) : plugins_(plugins), marks_(plugins.size(), mark::unseen) {}

  void visit(std::size_t index) {
    if (marks_[index] != mark::unseen) return;
    marks_[index] = mark::under_way;
    path_.push_back(index);
    std::optional<fault> problem;
    for (const manifest_requirement& requirement : plugins_[index]->requirements) {
      const auto provider = find_provider(plugins_, requirement.service, index);
      if (!provider) {
        problem = missing(requirement.service);
      } else if (marks_[*provider] == mark::under_way) {
        problem = ring(*provider);
      } else {
        visit(*provider);
      }
    }
    path_.pop_back();
    marks_[index] = mark::done;
    if (problem)
      plan_.impossible.emplace_back(index, std::move(*problem));
    else
      plan_.order.push_back(index);
  }

  start_plan take() { return std::move(plan_); }

 private:
  enum class mark { unseen, under_way, done };

  static fault missing(const std::string& service) {
    return {"PLUGIN_FAILED",
            "it requires " + service + ", which no installed plugin offers.",
            "Install a plugin that offers it in one of the plugin folders.",
            {}};
  }

  fault ring(std::size_t first) const {
    std::string names;
    for (auto at = std::find(path_.begin(), path_.end(), first); at != path_.end(); ++at)
      names += plugins_[*at]->id + " -> ";
    return {"PLUGIN_FAILED",
            "the requirements of plugins go round in a ring: " + names + plugins_[first]->id + ".",
            "Remove one of them.",
            {}};
  }

  std::span<const manifest* const> plugins_;
  std::vector<mark> marks_;
  std::vector<std::size_t> path_;
  start_plan plan_;
};

}  // namespace

std::optional<std::size_t> find_provider(std::span<const manifest* const> plugins, std::string_view extension,
                                         std::size_t asking) {
  for (std::size_t index = 0; index < plugins.size(); ++index)
    if (index != asking && plugins[index]->provides_extension(extension)) return index;
  return std::nullopt;
}

start_plan plan_start(std::span<const manifest* const> plugins, const std::function<bool(const manifest&)>& needed) {
  walk all(plugins);
  for (std::size_t index = 0; index < plugins.size(); ++index)
    if (!needed || needed(*plugins[index])) all.visit(index);
  return all.take();
}

}  // namespace tocsin
