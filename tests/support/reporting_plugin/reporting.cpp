// A channel, source and subscriber for tests that does nothing at once and uses all that a plugin has to speak of
// itself.
//
// $TOCSIN_TEST_HEALTH names a file with its state and sentence: "degraded The list is old.", or "hang".
#include <tocsin/sdk/channel.hpp>
#include <tocsin/sdk/config.hpp>
#include <tocsin/sdk/health.hpp>
#include <tocsin/sdk/json.hpp>
#include <tocsin/sdk/metrics.hpp>
#include <tocsin/sdk/plugin.hpp>
#include <tocsin/sdk/source.hpp>
#include <tocsin/sdk/subscriber.hpp>

#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

namespace {

namespace sdk = tocsin::sdk;

[[noreturn]] void hang() {
  while (true) ::pause();
}

class reporting_plugin : public sdk::plugin,
                         public sdk::channel,
                         public sdk::source,
                         public sdk::subscriber,
                         public sdk::health,
                         public sdk::config {
 public:
  explicit reporting_plugin(const sdk::host_api& host)
      : plugin(host),
        taken_(host, "taken_total", "Messages that were taken. \"So\\it\" is.", {sdk::field("kind", "a\"b\\c\nd")}),
        size_(host, "message_kibibytes", "How large they were.", {512, 1024}, {}, 1024) {}

  sdk::opened_endpoint open(const sdk::endpoint&) override { return {next(), 4}; }
  sdk::token open(const sdk::source_config&) override { return next(); }
  sdk::token open(const sdk::subscription_config&) override { return next(); }
  void close(sdk::token) override {}
  void received(sdk::token, const sdk::events&, std::uint64_t) override {}
  void deliver(const sdk::message& message) override {
    taken_.add();
    size_.observe(700);
    host().complete(message.delivery(), sdk::outcome::delivered());
  }

  sdk::health_report check_health() override {
    const char* name = std::getenv("TOCSIN_TEST_HEALTH");
    std::ifstream file(name != nullptr ? name : "");
    std::string state, text;
    file >> state >> std::ws;
    std::getline(file, text);
    if (state == "hang") hang();
    if (state == "unheard-of") return {4711, text};
    if (state == "degraded") return sdk::health_report::degraded(text);
    if (state == "failing") return sdk::health_report::failing(text);
    return sdk::health_report::good();
  }

  void check_settings(const sdk::config_input& input, const sdk::finding_report& report) override {
    const sdk::json_reader settings(input.settings());
    if (settings.text("mood") == "hang") hang();
    const auto from = settings.integer("from").value_or(0);
    const auto until = settings.integer("until").value_or(24);
    if (from >= until)
      report.error("from", "SETTINGS_INVALID", "The first hour is not before the last, so that nothing is ever taken.");
    else if (until - from == 1)
      report.warning("until", "SETTINGS_INVALID", "One hour is short.");
  }

  // Version 0 said "begin" and "end".
  std::optional<std::string> migrate_settings(const sdk::config_input& input,
                                              const sdk::finding_report& report) override {
    const sdk::json_reader settings(input.settings());
    const auto begin = settings.integer("begin");
    const auto end = settings.integer("end");
    if (!begin && !end) return std::nullopt;
    sdk::json_writer made;
    if (begin) {
      made.integer("from", *begin);
      report.warning("begin", "", "\"begin\" became \"from\".");
    }
    if (end) {
      made.integer("until", *end);
      report.warning("end", "", "\"end\" became \"until\".");
    }
    return std::string(made.str());
  }

 private:
  sdk::token next() { return {++last_, 1}; }

  const sdk::counter taken_;
  const sdk::histogram size_;
  std::uint64_t last_ = 0;
};

}  // namespace

TOCSIN_PLUGIN(reporting_plugin);
