// Routing: finds the routes that match an event and plans its deliveries.
#include "core/routing/router.hpp"

#include "core/routing/type_index.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>

namespace tocsin {
namespace {

constexpr std::string_view own_recipient = "{{recipient}}";

bool severe_enough(const route& rule, const event& value) {
  return !rule.minimum_severity || value.severity >= *rule.minimum_severity;
}

// A recipient whom one route reaches over a channel anyway is not sent a second copy when another route's first
// channel gives up.
void drop_fallbacks_already_used(std::vector<planned_delivery>& plan) {
  if (plan.size() < 2) return;
  std::set<std::pair<std::string_view, std::string_view>> used;
  for (const auto& delivery : plan) used.emplace(delivery.channels.front(), delivery.recipient);
  for (auto& delivery : plan) {
    if (delivery.channels.size() < 2) continue;
    // The first stays where it is: `used` looks into it.
    auto& channels = delivery.channels;
    const auto is_used = [&](const std::string& channel) { return used.contains({channel, delivery.recipient}); };
    channels.erase(std::remove_if(channels.begin() + 1, channels.end(), is_used), channels.end());
  }
}

}  // namespace

struct router::impl {
  std::vector<route> routes;
  // One index an organization, the host's under "": an event is compared with the host's routes and its own only.
  std::unordered_map<std::string, type_index> by_organization;
};

router::router(std::vector<route> routes) : impl_(std::make_unique<impl>()) {
  impl_->routes = std::move(routes);
  for (std::size_t i = 0; i < impl_->routes.size(); ++i) {
    const auto& rule = impl_->routes[i];
    auto& index = impl_->by_organization[rule.organization];
    const auto position = static_cast<type_index::position>(i);
    if (rule.types.empty()) index.add("*", position);
    for (const auto& pattern : rule.types) index.add(pattern, position);
  }
}

router::~router() = default;

std::vector<planned_delivery> router::plan(const event& value) const {
  std::vector<type_index::position> found;
  const auto look_up = [&](const std::string& organization) {
    const auto it = impl_->by_organization.find(organization);
    if (it != impl_->by_organization.end()) it->second.find(value.type, found);
  };
  look_up({});
  if (!value.organization.empty()) look_up(value.organization);
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());

  std::vector<planned_delivery> plan;
  std::set<std::pair<std::string_view, std::string_view>> seen;  // channel, recipient
  for (const auto position : found) {
    const auto& rule = impl_->routes[position];
    if (rule.channels.empty() || !severe_enough(rule, value)) continue;
    for (const auto& to : rule.to) {
      const std::string& recipient = to == own_recipient ? value.recipient : to;
      if (recipient.empty() || !seen.emplace(rule.channels.front(), recipient).second) continue;
      plan.push_back({rule.name, rule.channels, recipient, rule.template_name});
    }
  }
  drop_fallbacks_already_used(plan);
  return plan;
}

}  // namespace tocsin
