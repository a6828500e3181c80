// Whose turn it is: organizations that share an endpoint take turns, one delivery a turn.
//
// `waiting` has a row for each organization with something that waits on an endpoint. Those that may have something due
// are in the endpoint's ring, in the order of `turn`; the others sleep until `first_due`. A lease lets as many join the
// ring as it wants deliveries, and one more, serves its head and sends whom it served to its end: it touches as many
// rows as it hands out deliveries, whoever else waits and however much.
#include "core/store/tables.hpp"
#include "core/store/tables_detail.hpp"

#include <algorithm>
#include <iterator>

namespace tocsin {

void tables::waits(std::int64_t endpoint, std::int64_t organization, time_ms due) {
  const auto [at, added] = waiting_changes_.try_emplace({endpoint, organization}, due);
  if (!added) at->second = std::min(at->second, due);
}

void tables::write_waiting() {
  for (const auto& [key, due] : waiting_changes_) {
    add_waiting_.run(key.first, key.second, due);
  }
  waiting_changes_.clear();
}

// Those whose turn is next, at most one more than deliveries are wanted; fewer: they are the whole ring.
std::vector<tables::turn> tables::next_turns(const lease_request& request, std::int64_t endpoint) {
  std::vector<std::int64_t> joining;
  {
    auto due = join_.query(endpoint, request.now, static_cast<std::int64_t>(request.limit) + 1);
    while (due.next()) joining.push_back(due.integer(0));
  }
  if (!joining.empty()) {
    auto last = last_turn(endpoint);
    for (const auto organization : joining) set_turn_.run(endpoint, organization, ++last);
  }
  std::vector<turn> next;
  auto ring = ring_.query(endpoint, static_cast<std::int64_t>(request.limit) + 1);
  while (ring.next()) {
    next.emplace_back();
    next.back().organization = ring.integer(0);
  }
  return next;
}

std::int64_t tables::last_turn(std::int64_t endpoint) {
  auto found = last_turn_.query(endpoint);
  return found.next() ? found.integer(0) : 0;
}

// Whoever got fewer than the others of its lease goes before them next time.
void tables::end_turns(std::int64_t endpoint, std::vector<turn>& served, bool whole_ring) {
  std::vector<const turn*> again;
  for (const auto& one : served) {
    if (!one.exhausted) {
      again.push_back(&one);
    } else if (const auto first = first_due(endpoint, one.organization)) {
      sleep_.run(endpoint, one.organization, *first);
    } else {
      wait_no_more_.run(endpoint, one.organization);
    }
  }
  if (whole_ring && again.size() <= 1) return;  // nobody else is there to be before it
  std::stable_sort(again.begin(), again.end(),
                   [](const turn* a, const turn* b) { return a->leased.size() < b->leased.size(); });
  auto last = last_turn(endpoint);
  for (const auto* one : again) set_turn_.run(endpoint, one->organization, ++last);
}

// Deals out `left` among those who are served: as many to each, as far as they have something due.
std::size_t tables::deal(const lease_request& request, std::int64_t endpoint, std::vector<turn>& served) {
  std::size_t left = request.limit;
  std::vector<turn*> active;
  for (auto& one : served) active.push_back(&one);
  while (left > 0 && !active.empty()) {
    std::stable_sort(active.begin(), active.end(),
                     [](const turn* a, const turn* b) { return a->leased.size() < b->leased.size(); });
    const auto share = left / active.size();
    auto more = left % active.size();
    for (auto* one : active) {
      const auto wanted = share + (more > 0 ? 1 : 0);
      if (more > 0) --more;
      if (wanted == 0) break;
      const auto before = one->leased.size();
      lease_turn(request, endpoint, before + wanted, *one);
      left -= one->leased.size() - before;
    }
    std::erase_if(active, [](const turn* one) { return one->exhausted; });
  }
  return request.limit - left;
}

std::vector<leased_delivery> tables::lease(const lease_request& request) {
  std::vector<leased_delivery> leased;
  const auto endpoint = names_.find_endpoint(request.endpoint);
  if (!endpoint || request.limit == 0) {
    return leased;
  }
  write_waiting();  // of calls before this one in the same transaction
  auto rest = request;
  bool whole_ring = false;
  // Once, but where it was the turn of organizations of which nothing is due any more.
  while (rest.limit > 0 && !whole_ring) {
    auto served = next_turns(rest, *endpoint);
    whole_ring = served.size() <= rest.limit;
    if (!whole_ring) served.pop_back();
    const auto dealt = deal(rest, *endpoint, served);
    const auto all = leased.size() + dealt;
    for (std::size_t round = 0; leased.size() < all; ++round) {
      for (auto& one : served) {
        if (round < one.leased.size()) leased.push_back(std::move(one.leased[round]));
      }
    }
    end_turns(*endpoint, served, whole_ring);
    rest.limit -= static_cast<std::uint32_t>(dealt);
  }
  return leased;
}

std::optional<time_ms> tables::first_due(std::int64_t endpoint, std::int64_t organization) {
  std::optional<time_ms> first;
  for (int severity = 0; severity <= static_cast<int>(severity::fatal); ++severity) {
    auto found = first_due_.query(endpoint, organization, severity);
    if (found.next()) {
      first = std::min(first.value_or(found.integer(0)), found.integer(0));
    }
  }
  return first;
}

// Somebody in the ring may have something due at any time.
std::optional<time_ms> tables::first_due(std::int64_t endpoint) {
  if (last_turn(endpoint) != 0) {
    return time_ms{0};
  }
  auto found = first_asleep_.query(endpoint);
  return found.next() ? std::optional<time_ms>(found.integer(0)) : std::nullopt;
}

std::optional<time_ms> tables::next_due(const endpoint_key& endpoint) {
  write_waiting();
  const auto number = names_.find_endpoint(endpoint);
  return number ? first_due(*number) : std::nullopt;
}

std::vector<endpoint_backlog> tables::backlog() {
  write_waiting();
  std::vector<endpoint_backlog> out;
  std::int64_t endpoint = 0;
  const auto next = [this](std::int64_t after) {
    auto found = next_endpoint_.query(after);
    return found.next() ? found.integer(0) : 0;
  };
  while ((endpoint = next(endpoint)) != 0) {
    if (const auto first = first_due(endpoint)) {
      out.push_back({names_.endpoint(endpoint), *first});
    }
  }
  return out;
}

}  // namespace tocsin
