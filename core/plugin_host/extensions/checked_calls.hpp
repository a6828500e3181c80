// TOCSIN_CHECKED=1: holds each call of a plugin's against what the headers say of it, and reports each breach.
#pragma once

#include "core/plugin_host/plugin_instance.hpp"

#include <tocsin/abi/types.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tocsin {

#define TOCSIN_ENDS_AFTER(type, member) (offsetof(type, member) + sizeof(type::member))

// Is this the thread, and this the state of the plugin, in which the function may be called? `call` as in host_call().
// Only for a checked host.
void check_caller(plugin_instance& instance, std::string_view call);

// What a plugin hands in with one call. In a host that is not checked it looks at nothing. Reports, and changes
// nothing: whoever reads the values does so as always.
class argument_check {
 public:
  argument_check(plugin_instance& instance, std::string_view call) : instance_(instance), call_(call) {}

  // Data where there is a size, and UTF-8 without NUL.
  void text(std::string_view what, tocsin_string value) const;
  // Data where there is a size.
  void bytes(std::string_view what, tocsin_bytes value) const;
  void list(std::string_view what, const void* values, std::uint64_t count) const;
  void fields(std::string_view what, const tocsin_field* fields, std::uint64_t count) const;
  // The size that a struct gives itself covers what its reader cannot do without. A plugin of an older SDK has shorter
  // structs, which is no breach; least: TOCSIN_ENDS_AFTER the last member that is required.
  void size(std::string_view what, std::uint32_t given, std::size_t least) const;
  // Any other breach.
  void breach(std::string_view how, std::string_view what) const;

  explicit operator bool() const { return instance_.services.checked; }

 private:
  plugin_instance& instance_;
  const std::string_view call_;
};

}  // namespace tocsin
