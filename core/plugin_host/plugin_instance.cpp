// Makes instances, and reports what a plugin does against the law of the binary interface.
#include "core/plugin_host/plugin_instance.hpp"

#include "core/observe/log.hpp"
#include "core/plugin_host/abi_values.hpp"
#include "core/plugin_host/extensions/host_extensions.hpp"

#include <tocsin/abi/version.h>

#include <memory>
#include <utility>
#include <vector>

namespace tocsin {
namespace {

// How many events of its own a plugin may have under way.
constexpr std::uint64_t own_credits = 16;

}  // namespace

plugin_call::plugin_call(const plugin_instance& instance, std::string_view call, call_thread thread, call_subject about)
    : plugin_call(instance.identity, *instance.services.clock, call, thread, about) {}

plugin_instance::plugin_instance(manifest about_, plugin_host_services services_, const code_table& codes_,
                                 std::string build_id)
    : about(std::move(about_)),
      identity{about.id, about.version, std::move(build_id)},
      services(std::move(services_)),
      codes(codes_),
      tasks(*services.pool),
      workers(*services.pool, services.pool->threads() / 2),
      own_events(std::make_shared<open_source_entry>("plugin:" + about.id, own_credits)),
      http_calls(services) {
  host.struct_size = sizeof(host);
  host.abi_version = TOCSIN_ABI_VERSION;
  host.context = this;
  host.name = abi::borrow("tocsin");
  host.version = abi::borrow(TOCSIN_VERSION);
  host.get_extension = &find_host_extension;
}

std::function<void()> plugin_instance::late_sink(std::string_view call) {
  if (!services.checked) return {};
  return [this, call = std::string(call)] { misbehaves("it used a sink after the call that lent it", call); };
}

void plugin_instance::misbehaves(std::string_view how, std::string detail, std::string_view call,
                                 std::string concerns) {
  const std::uint64_t count = misdeeds_.fetch_add(1, std::memory_order_relaxed) + 1;
  if (count > 16 && (count & (count - 1)) != 0) return;
  std::vector<log::field> fields{{"plugin", identity.id}, {"version", identity.version}, {"build", identity.build_id}};
  if (!call.empty()) fields.push_back({"call", std::string(call)});
  if (!concerns.empty()) fields.push_back({"about", std::move(concerns)});
  fields.push_back({"how", std::string(how)});
  fields.push_back({"detail", std::move(detail)});
  fields.push_back({"count", std::to_string(count)});
  log::write(log::level::warn, "plugin is misbehaving", fields);
}

bool plugin_instance::is_new_disagreement(const std::string& code) {
  const std::lock_guard lock(disagreements_mutex_);
  return disagreements_.insert(code).second;
}

void plugin_instance::hangs(std::string_view call, std::string concerns, std::chrono::milliseconds limit) {
  std::string reason = "it did not come back from " + std::string(call) + "()";
  if (!concerns.empty()) reason += " (" + concerns + ")";
  const auto milliseconds = limit.count();
  reason +=
      " within " +
      (milliseconds % 1000 == 0 ? std::to_string(milliseconds / 1000) + " s" : std::to_string(milliseconds) + " ms") +
      "; the host goes on without it.";
  {
    const std::lock_guard lock(hung_mutex_);
    if (hung_) return;
    hung_reason_ = std::move(reason);
    hung_ = true;
    static_cast<void>(into_plugin.shut(std::chrono::milliseconds(0)));
  }
  log::write(log::level::error, "plugin hangs",
             {{"code", "PLUGIN_HUNG"},
              {"plugin", about.id},
              {"version", about.version},
              {"build", identity.build_id},
              {"call", std::string(call)},
              {"about", concerns},
              {"limit_ms", std::to_string(limit.count())}});
  if (on_hung) on_hung();
}

void plugin_instance::open_unless_hung() {
  const std::lock_guard lock(hung_mutex_);
  if (!hung_) into_plugin.open();
}

std::string plugin_instance::hung_reason() const {
  const std::lock_guard lock(hung_mutex_);
  return hung_reason_;
}

plugin_instance& make_instance(manifest about, plugin_host_services services, const code_table& codes,
                               std::string build_id) {
  static std::mutex mutex;
  static auto* instances = new std::vector<std::unique_ptr<plugin_instance>>;  // never freed, see the header
  auto made = std::make_unique<plugin_instance>(std::move(about), std::move(services), codes, std::move(build_id));
  const std::lock_guard lock(mutex);
  return *instances->emplace_back(std::move(made));
}

}  // namespace tocsin
