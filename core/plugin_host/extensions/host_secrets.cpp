// tocsin.host.secrets/1: gives a plugin the value of a secret that its settings name.
#include "core/observe/log.hpp"

#include "core/plugin_host/abi_values.hpp"
#include "core/plugin_host/extensions/host_extensions.hpp"
#include "core/runtime/wipe.hpp"

namespace tocsin {
namespace {

tocsin_status reveal(void* context, std::uint64_t handle, const tocsin_sink* value, const tocsin_sink* error) {
  return host_call(context, allowed::running, "secrets.reveal", tocsin_status{TOCSIN_UNAVAILABLE},
                   [&](plugin_instance& instance) -> tocsin_status {
                     if (!instance.services.reveal) {
                       abi::write_to(error, "this host keeps no secrets");
                       return TOCSIN_FAILED;
                     }
                     result<std::string> secret = instance.services.reveal(handle);
                     if (!secret) {
                       abi::write_to(error, secret.error().to_string());
                       return TOCSIN_FAILED;
                     }
                     log::add_secret(*secret);
                     const tocsin_status written = abi::write_to(value, *secret);
                     wipe(*secret);
                     return written;
                   });
}

}  // namespace

const tocsin_host_secrets host_secrets_table{sizeof(tocsin_host_secrets), 0, &reveal};

}  // namespace tocsin
