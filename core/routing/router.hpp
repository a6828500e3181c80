// Routing: which deliveries an event becomes. In memory, before the commit; immutable; indexed by type.
#pragma once

#include "core/model/delivery.hpp"
#include "core/model/event.hpp"
#include "core/model/route.hpp"

#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace tocsin {

// True if text matches the pattern, in which '*' stands for any text, also none; everything else stands for itself.
bool matches_glob(std::string_view pattern, std::string_view text);

class router {
 public:
  explicit router(std::vector<route> routes);
  ~router();

  // What the event's matching routes ask for, in the routes' order. A recipient gets an event over a channel once: the
  // first route wins. Empty: no route matches.
  std::vector<planned_delivery> plan(const event& value) const;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace tocsin
