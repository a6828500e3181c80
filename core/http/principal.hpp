// Who makes a request: what the token that came with it allows, and whose it is.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin {

// What a token allows, and what a call needs of it. open: no token is asked for. operate includes read, admin includes
// all; read and operate do not allow to publish.
enum class scope : std::uint8_t { open, publish, read, operate, admin };

std::string_view to_text(scope value);
// Of a token: publish, read, operate or admin.
std::optional<scope> parse_scope(std::string_view text);

struct principal {
  std::string name;  // of the token
  scope allows = scope::open;
  std::optional<std::string> organization = {};  // the only one that it reaches; nothing: it is the host's
  std::vector<std::string> types = {};           // globs over the types of events it may publish; none: all

  bool may(scope needed) const;
  bool is_bound() const { return organization.has_value(); }
  // Whether what belongs to this organization ("": the host) is there for it. What is not, is unknown to it: 404.
  bool reaches(std::string_view of) const { return !organization || *organization == of; }
  bool may_publish_type(std::string_view type) const;
};

using principal_ptr = std::shared_ptr<const principal>;

}  // namespace tocsin
