// Opens and closes sources; while one opens, its plugin may already publish and ask for what it remembers.
#include "core/plugin_host/calls/source_call.hpp"

#include "core/plugin_host/abi_values.hpp"
#include "core/plugin_host/calls/bounded_call.hpp"
#include "core/plugin_host/calls/table_opening.hpp"

#include <algorithm>
#include <memory>
#include <mutex>

namespace tocsin {
namespace {

constexpr opened_kind source_kind{
    .thing = "source",
    .subject = "source",
    .remedy = "Correct the source's settings; tocsin plugin list shows what is installed.",
    .table = "sources",
    .open = "source.open",
    .close = "source.close"};

// On the plugin's control thread.
result<void> open_now(plugin_instance& instance, const source_opening& opening) {
  tocsin_source_config config{};
  config.struct_size = sizeof(config);
  config.name = abi::borrow(opening.name);
  config.organization = abi::borrow(opening.organization);
  config.settings = abi::borrow(opening.settings);
  config.credits = std::max<std::uint64_t>(opening.credits, 1);
  const std::lock_guard control(instance.control);
  abi::gathering_sink reason(instance.late_sink(source_kind.open));
  tocsin_token token{};
  instance.sources.begin_opening(std::make_shared<open_source_entry>(opening.name, config.credits));
  const plugin_call call(instance, source_kind.open, call_thread::control, {.kind = "source", .name = opening.name});
  const tocsin_status status = [&] {
    try {
      return instance.tables.source->open(instance.plugin->self, &config, &token, reason.raw());
    } catch (...) {
      instance.sources.fail_opening();
      throw;
    }
  }();
  if (status != TOCSIN_OK) {
    instance.sources.fail_opening();
    const std::string no_reason = "The plugin \"" + instance.about.id + "\" refuses the settings and gave no reason.";
    return opening_refused(source_kind, opening.name, reason.words(no_reason));
  }
  if (auto named = instance.sources.end_opening(token); !named) {
    instance.misbehaves("it named a source wrongly", opening.name);
    // What the plugin opened must not run on unseen; but a name that another source bears would close that one.
    if (!instance.sources.find(token)) instance.tables.source->close(instance.plugin->self, token);
    return named.error();
  }
  return {};
}

void close_now(plugin_instance& instance, tocsin_token token) {
  const std::lock_guard control(instance.control);
  const plugin_call call(instance, source_kind.close, call_thread::control, {.kind = "source", .number = token.index});
  instance.tables.source->close(instance.plugin->self, token);
}

}  // namespace

result<void> open_source(plugin_instance* instance, const std::string& plugin, const source_opening& opening) {
  if (!instance) {
    return fault{"SETTINGS_INVALID", "The plugin \"" + plugin + "\" does not run.", "tocsin plugin list says why.",
                 at_key("sources." + opening.name + ".plugin")};
  }
  if (!instance->tables.source)
    return opening_refused(source_kind, opening.name, "The plugin \"" + plugin + "\" is no source.");
  auto opened = call_bounded<void>(*instance, source_kind.open, "source " + opening.name,
                                   [instance, opening] { return open_now(*instance, opening); });
  if (opened || opened.error().code == "SETTINGS_INVALID") return opened;
  return opening_refused(source_kind, opening.name, "The plugin \"" + plugin + "\": " + opened.error().what);
}

void close_source(plugin_instance& instance, const std::string& name) {
  tocsin_token token{};
  if (!instance.sources.remove(name, token)) return;
  static_cast<void>(
      call_bounded<void>(instance, source_kind.close, "source " + name, [&instance, token]() -> result<void> {
        close_now(instance, token);
        return {};
      }));
}

}  // namespace tocsin
