// Makes instances, and reports what a plugin does against the law of the binary interface.
#include "core/plugin_host/plugin_instance.hpp"

#include "core/observe/log.hpp"
#include "core/plugin_host/abi_values.hpp"
#include "core/plugin_host/host_extensions.hpp"

#include <tocsin/abi/version.h>

#include <memory>
#include <utility>
#include <vector>

namespace tocsin {

plugin_instance::plugin_instance(manifest about_, plugin_host_services services_, const code_table& codes_)
    : about(std::move(about_)), services(std::move(services_)), codes(codes_), tasks(*services.pool) {
  host.struct_size = sizeof(host);
  host.abi_version = TOCSIN_ABI_VERSION;
  host.context = this;
  host.name = abi::borrow("tocsin");
  host.version = abi::borrow(TOCSIN_VERSION);
  host.get_extension = &find_host_extension;
}

void plugin_instance::misbehaves(std::string_view how, std::string detail) {
  const std::uint64_t count = misdeeds_.fetch_add(1, std::memory_order_relaxed) + 1;
  if (count > 16 && (count & (count - 1)) != 0) return;
  log::write(log::level::warn, "plugin is misbehaving",
             {{"plugin", about.id},
              {"version", about.version},
              {"how", std::string(how)},
              {"detail", std::move(detail)},
              {"count", std::to_string(count)}});
}

plugin_instance& make_instance(manifest about, plugin_host_services services, const code_table& codes) {
  static std::mutex mutex;
  static auto* instances = new std::vector<std::unique_ptr<plugin_instance>>;  // never freed, see the header
  auto made = std::make_unique<plugin_instance>(std::move(about), std::move(services), codes);
  const std::lock_guard lock(mutex);
  return *instances->emplace_back(std::move(made));
}

}  // namespace tocsin
