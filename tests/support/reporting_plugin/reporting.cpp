// A channel for tests that delivers at once and uses all that a plugin has to speak of itself.
#include <tocsin/sdk/channel.hpp>
#include <tocsin/sdk/metrics.hpp>
#include <tocsin/sdk/plugin.hpp>

#include <cstdint>
#include <string>

namespace {

namespace sdk = tocsin::sdk;

class reporting_plugin : public sdk::plugin, public sdk::channel {
 public:
  explicit reporting_plugin(const sdk::host_api& host)
      : plugin(host),
        taken_(host, "taken_total", "Messages that were taken. \"So\\it\" is.", {sdk::field("kind", "a\"b\\c\nd")}),
        size_(host, "message_kibibytes", "How large they were.", {512, 1024}, {}, 1024) {}

  sdk::opened_endpoint open(const sdk::endpoint&) override { return {++last_, 4}; }
  void close(sdk::token) override {}
  void deliver(const sdk::message& message) override {
    taken_.add();
    size_.observe(700);
    host().complete(message.delivery(), sdk::outcome::delivered());
  }

 private:
  const sdk::counter taken_;
  const sdk::histogram size_;
  std::uint64_t last_ = 0;
};

}  // namespace

TOCSIN_PLUGIN(reporting_plugin);
