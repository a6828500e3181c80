// tocsin.host.services/1: how a plugin finds the services that its manifest requires.
#include "core/plugin_host/abi_values.hpp"
#include "core/plugin_host/extensions/host_extensions.hpp"

#include <algorithm>
#include <cstring>

namespace tocsin {
namespace {

tocsin_status find(void* context, tocsin_string id, tocsin_service* service) {
  return host_call(context, allowed::running, "services.find", tocsin_status{TOCSIN_UNAVAILABLE},
                   [&](plugin_instance& instance) -> tocsin_status {
                     const argument_check check(instance, "services.find");
                     check.text("id", id);
                     if (service)
                       check.size("tocsin_service", service->struct_size, TOCSIN_ENDS_AFTER(tocsin_service, self));
                     if (!service) return TOCSIN_INVALID;
                     const auto found = instance.required.find(abi::view(id));
                     if (found == instance.required.end()) {
                       instance.misbehaves("it asked for a service that its manifest does not name in \"requires\"",
                                           abi::line(id, 128));
                       return TOCSIN_UNSUPPORTED;
                     }
                     tocsin_service answer{};
                     answer.struct_size = service->struct_size;
                     answer.table = found->second.table;
                     answer.self = found->second.self;
                     if (!TOCSIN_HAS_FIELD(tocsin_service, service, self)) return TOCSIN_INVALID;
                     // No more than the plugin's own struct has room for.
                     std::memcpy(service, &answer, std::min<std::size_t>(service->struct_size, sizeof(answer)));
                     return TOCSIN_OK;
                   });
}

}  // namespace

const tocsin_host_services host_services_table{sizeof(tocsin_host_services), 0, &find};

}  // namespace tocsin
