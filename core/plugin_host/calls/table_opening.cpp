// Opens and closes on the plugin's control thread, and puts refusals into words.
#include "core/plugin_host/calls/table_opening.hpp"

#include "core/plugin_host/abi_values.hpp"
#include "core/plugin_host/calls/bounded_call.hpp"

#include <mutex>
#include <utility>

namespace tocsin {
namespace {

result<tocsin_token> open_now(plugin_instance& instance, const opened_kind& kind, const table_opening& opening,
                              const open_function& open) {
  const std::lock_guard control(instance.control);
  abi::gathering_sink reason(instance.late_sink(kind.open));
  tocsin_token token{};
  const plugin_call call(instance, kind.open, call_thread::control, {.kind = kind.subject, .name = opening.name});
  const tocsin_status status =
      open(instance, abi::borrow(opening.name), abi::borrow(opening.settings), token, reason.raw());
  const std::string plugin = "The plugin \"" + instance.about.id + "\" ";
  if (status != TOCSIN_OK)
    return opening_refused(kind, opening.name, reason.words(plugin + "refuses the settings and gave no reason."));
  if (token.index == 0 && token.generation == 0) {
    instance.misbehaves("it named a " + std::string(kind.thing) + " {0, 0}, which is no name", opening.name);
    return opening_refused(kind, opening.name, plugin + "gave the " + std::string(kind.thing) + " no name.");
  }
  return token;
}

}  // namespace

fault opening_refused(const opened_kind& kind, const std::string& name, std::string what) {
  return {"SETTINGS_INVALID", std::move(what), std::string(kind.remedy), at_key(std::string(kind.table) + "." + name)};
}

result<tocsin_token> open_named(plugin_instance& instance, const opened_kind& kind, const table_opening& opening,
                                open_function open) {
  auto token = call_bounded<tocsin_token>(
      instance, kind.open, std::string(kind.subject) + " " + opening.name,
      [&instance, &kind, opening, open = std::move(open)] { return open_now(instance, kind, opening, open); });
  if (token || token.error().code == "SETTINGS_INVALID") return token;
  return opening_refused(kind, opening.name, "The plugin \"" + instance.about.id + "\": " + token.error().what);
}

void close_named(plugin_instance& instance, const opened_kind& kind, const std::string& name, tocsin_token token,
                 close_function close) {
  static_cast<void>(call_bounded<void>(instance, kind.close, std::string(kind.subject) + " " + name,
                                       [&instance, &kind, name, token, close = std::move(close)]() -> result<void> {
                                         const std::lock_guard control(instance.control);
                                         const auto pass = instance.into_plugin.enter();
                                         if (!pass) return {};  // it was stopped, which closes all that was open
                                         const plugin_call call(instance, kind.close, call_thread::control,
                                                                {.kind = kind.subject, .name = name});
                                         close(instance, token);
                                         return {};
                                       }));
}

}  // namespace tocsin
