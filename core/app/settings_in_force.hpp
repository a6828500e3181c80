// The settings that everything follows at present, and those that are to follow them.
#pragma once

#include "core/settings/settings.hpp"

#include <cstdint>
#include <mutex>
#include <string>

namespace tocsin::app {

// [any thread]
class settings_in_force {
 public:
  settings_ptr current() const;
  // They hold from now on.
  void put(settings_ptr settings);
  // They will hold soon: until then they answer for secrets that those in force do not know, since a store that they
  // bring may need one. Null: none will.
  void expect(settings_ptr settings);
  // The value of a secret by its handle.
  result<std::string> secret(std::uint64_t handle) const;

 private:
  mutable std::mutex mutex_;
  settings_ptr current_;
  settings_ptr incoming_;
};

}  // namespace tocsin::app
