// The series of one metric by the values of its labels: lists that only grow, read without a lock.
#include "core/observe/labelled_series.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace tocsin {
namespace {

std::size_t place_of(std::initializer_list<std::string_view> values) {
  std::uint64_t hash = 14695981039346656037ULL;  // FNV-1a
  for (const auto value : values) {
    for (const char c : value) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    hash = (hash ^ 0xffU) * 1099511628211ULL;
  }
  return static_cast<std::size_t>(hash ^ hash >> 32U);
}

}  // namespace

labelled_series::labelled_series(metric_registry& registry, metric_definition definition,
                                 std::vector<std::string> label_names)
    : registry_(registry), definition_(std::move(definition)), label_names_(std::move(label_names)) {}

labelled_series::~labelled_series() {
  for (auto& head : lists_) {
    for (entry* at = head.load(); at != nullptr;) delete std::exchange(at, at->next);
  }
  delete others_;
}

labelled_series::entry* labelled_series::find(const list& in, std::initializer_list<std::string_view> values) {
  entry* at = in.load(std::memory_order_acquire);
  while (at != nullptr && !std::equal(at->values.begin(), at->values.end(), values.begin(), values.end())) {
    at = at->next;
  }
  return at;
}

labelled_series::entry* labelled_series::add(std::initializer_list<std::string_view> values) {
  const std::lock_guard lock(adding_);
  auto& head = lists_[place_of(values) % lists_.size()];
  if (entry* known = find(head, values)) return known;
  const bool fits = count_ < most_series;
  if (!fits && others_ != nullptr) return others_;
  auto made = std::make_unique<entry>();
  metric_labels labels;
  auto value = values.begin();
  for (const auto& name : label_names_) {
    made->values.emplace_back(fits ? *value : "other");
    labels.emplace_back(name, made->values.back());
    ++value;
  }
  auto series = registry_.series(definition_, std::move(labels));
  if (!series) return nullptr;
  made->series = *series;
  if (!fits) return others_ = made.release();
  ++count_;
  made->next = head.load(std::memory_order_relaxed);
  head.store(made.get(), std::memory_order_release);
  return made.release();
}

void labelled_series::record(std::initializer_list<std::string_view> values, std::int64_t value) {
  entry* found = find(lists_[place_of(values) % lists_.size()], values);
  if (found == nullptr) found = add(values);
  if (found != nullptr) found->series->record(value);
}

}  // namespace tocsin
