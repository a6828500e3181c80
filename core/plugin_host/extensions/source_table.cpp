// Keeps a plugin's open sources and counts their credits.
#include "core/plugin_host/extensions/source_table.hpp"

#include <algorithm>

namespace tocsin {

bool open_source_entry::take_credits(std::uint64_t count) {
  const std::lock_guard lock(mutex_);
  if (count > credits_ - used_) return false;
  used_ += count;
  return true;
}

void open_source_entry::give_back(std::uint64_t count) {
  const std::lock_guard lock(mutex_);
  used_ -= std::min(count, used_);
}

void source_table::begin_opening(entry_ptr source) {
  const std::lock_guard lock(mutex_);
  opening_ = std::move(source);
}

result<void> source_table::end_opening(tocsin_token token) {
  const std::lock_guard lock(mutex_);
  entry_ptr source = std::move(opening_);
  opening_.reset();
  const auto refuse = [](std::string what) {
    return fault{"SETTINGS_INVALID", std::move(what), "Tell the plugin's author.", {}};
  };
  if (token.index == 0 && token.generation == 0) return refuse("the plugin named the source {0, 0}, which is no name.");
  if (!open_.emplace(key{token.index, token.generation}, std::move(source)).second)
    return refuse("the plugin named the source as another one that is open.");
  return {};
}

void source_table::fail_opening() {
  const std::lock_guard lock(mutex_);
  opening_.reset();
}

source_table::entry_ptr source_table::find(tocsin_token token) const {
  const std::lock_guard lock(mutex_);
  const auto found = open_.find({token.index, token.generation});
  return found == open_.end() ? nullptr : found->second;
}

source_table::entry_ptr source_table::find_or_opening(tocsin_token token) const {
  const std::lock_guard lock(mutex_);
  const auto found = open_.find({token.index, token.generation});
  return found == open_.end() ? opening_ : found->second;
}

bool source_table::is_opening() const {
  const std::lock_guard lock(mutex_);
  return opening_ != nullptr;
}

bool source_table::remove(const std::string& name, tocsin_token& token) {
  const std::lock_guard lock(mutex_);
  for (auto at = open_.begin(); at != open_.end(); ++at) {
    if (at->second->name() != name) continue;
    token = {at->first.first, at->first.second};
    open_.erase(at);
    return true;
  }
  return false;
}

bool source_table::has(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  return std::any_of(open_.begin(), open_.end(), [&](const auto& entry) { return entry.second->name() == name; });
}

tocsin_token source_table::token_of(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto found =
      std::find_if(open_.begin(), open_.end(), [&](const auto& entry) { return entry.second->name() == name; });
  return found == open_.end() ? tocsin_token{} : tocsin_token{found->first.first, found->first.second};
}

void source_table::clear() {
  const std::lock_guard lock(mutex_);
  open_.clear();
}

}  // namespace tocsin
