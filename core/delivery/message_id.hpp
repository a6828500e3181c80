// Message-IDs: fixed when a delivery is made, and the same in every copy that is ever sent of it.
#pragma once

#include "core/model/identifier.hpp"

#include <string>
#include <string_view>

namespace tocsin {

// "01J2Z6Q8K3M4A.K7Q2M0F3D1XW8@host": the delivery, and bits of chance, so that two stores that count alike do not make
// the same one. host: fixed when the store was made. [any thread]
std::string make_message_id(delivery_id delivery, std::string_view host);

}  // namespace tocsin
