// Makes the calls of tocsin.config/1 and tocsin.preset/1.
#include "core/plugin_host/calls/config_call.hpp"

#include "core/plugin_host/abi_values.hpp"
#include "core/plugin_host/calls/bounded_call.hpp"

namespace tocsin {
namespace {

constexpr std::size_t most_findings = 200;
constexpr std::size_t largest_settings = std::size_t{1} << 20;

// Takes what the plugin reports, up to a limit.
class gathered_findings {
 public:
  gathered_findings() {
    raw_.struct_size = sizeof(raw_);
    raw_.context = this;
    raw_.finding = [](void* context, const tocsin_finding* finding) {
      auto& found = static_cast<gathered_findings*>(context)->all;
      if (!finding || found.size() >= most_findings) return;
      const tocsin_finding known = abi::copy_known(finding);
      const std::string code = abi::name(known.code);
      found.push_back({known.fatal != 0, abi::line(known.key, 256), code.empty() ? "SETTINGS_INVALID" : code,
                       abi::line(known.text)});
    };
  }
  gathered_findings(const gathered_findings&) = delete;
  gathered_findings& operator=(const gathered_findings&) = delete;

  const tocsin_finding_report* raw() const { return &raw_; }
  std::vector<settings_finding> all;

 private:
  tocsin_finding_report raw_{};
};

tocsin_config_input input_of(const config_subject& subject) {
  tocsin_config_input input{};
  input.struct_size = sizeof(input);
  input.table = abi::borrow(subject.table);
  input.name = abi::borrow(subject.name);
  input.organization = abi::borrow(subject.organization);
  input.settings = abi::borrow(subject.settings);
  return input;
}

call_subject about(const config_subject& subject) { return {.kind = subject.kind(), .name = subject.name}; }

// On the plugin's control thread, as what follows.
std::vector<settings_finding> check_now(plugin_instance& instance, const config_subject& subject) {
  gathered_findings findings;
  const tocsin_config_input input = input_of(subject);
  const std::lock_guard control(instance.control);
  const auto pass = instance.into_plugin.enter();
  if (!pass) return {};
  const plugin_call call(instance, "config.check", call_thread::control, about(subject));
  instance.tables.config->check(instance.plugin->self, &input, findings.raw());
  return std::move(findings.all);
}

std::vector<settings_finding> check_preset_now(plugin_instance& instance, const endpoint_settings& settings) {
  gathered_findings findings;
  const abi::endpoint_view endpoint(settings, abi::pool_of(settings));
  const std::lock_guard control(instance.control);
  const auto pass = instance.into_plugin.enter();
  if (!pass) return {};
  const plugin_call call(instance, "preset.check", call_thread::control,
                         {.kind = "channel", .name = settings.key.channel});
  instance.tables.preset->check(instance.plugin->self, endpoint.raw(), findings.raw());
  return std::move(findings.all);
}

result<config_migration> migrate_now(plugin_instance& instance, const config_subject& subject) {
  gathered_findings findings;
  const tocsin_config_input input = input_of(subject);
  abi::gathering_sink settings(instance.late_sink("config.migrate"), largest_settings);
  const std::lock_guard control(instance.control);
  const auto pass = instance.into_plugin.enter();
  if (!pass) return fault{"CONFIG_UNKNOWN", "the plugin does not run.", {}, {}};
  const plugin_call call(instance, "config.migrate", call_thread::control, about(subject));
  const tocsin_status status =
      instance.tables.config->migrate(instance.plugin->self, &input, settings.raw(), findings.raw());
  if (status != TOCSIN_OK) {
    return fault{
        "CONFIG_UNKNOWN",
        findings.all.empty() ? "the plugin does not know them as an older version's." : findings.all.front().text,
        {},
        {}};
  }
  return config_migration{settings.written(), std::move(findings.all)};
}

std::vector<settings_finding> or_fatal(const plugin_instance& instance, result<std::vector<settings_finding>> said) {
  if (said) return std::move(*said);
  return {{true, "", said.error().code,
           "The plugin \"" + instance.about.id + "\" could not be asked about these settings: " + said.error().what}};
}

}  // namespace

std::vector<settings_finding> check_config(plugin_instance& instance, const config_subject& subject) {
  if (!instance.tables.config) return {};
  return or_fatal(instance, call_bounded<std::vector<settings_finding>>(
                                instance, "config.check", std::string(subject.kind()) + " " + subject.name,
                                [&instance, subject]() -> result<std::vector<settings_finding>> {
                                  return check_now(instance, subject);
                                }));
}

std::vector<settings_finding> check_preset(plugin_instance& instance, const endpoint_settings& settings) {
  if (!instance.tables.preset) return {};
  return or_fatal(instance, call_bounded<std::vector<settings_finding>>(
                                instance, "preset.check", "channel " + settings.key.channel,
                                [&instance, settings]() -> result<std::vector<settings_finding>> {
                                  return check_preset_now(instance, settings);
                                }));
}

result<config_migration> migrate_config(plugin_instance& instance, const config_subject& subject) {
  const tocsin_config* table = instance.tables.config;
  if (!table || !TOCSIN_HAS_FIELD(tocsin_config, table, migrate) || !table->migrate)
    return fault{"CONFIG_UNKNOWN", "the plugin migrates nothing.", {}, {}};
  return call_bounded<config_migration>(instance, "config.migrate", std::string(subject.kind()) + " " + subject.name,
                                        [&instance, subject] { return migrate_now(instance, subject); });
}

}  // namespace tocsin
