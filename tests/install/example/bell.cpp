// A channel that writes each subject to the host's log.
#include <tocsin/sdk/channel.hpp>
#include <tocsin/sdk/plugin.hpp>

namespace sdk = tocsin::sdk;

class bell : public sdk::plugin, public sdk::channel {
 public:
  using plugin::plugin;

  sdk::opened_endpoint open(const sdk::endpoint&) override { return {{1, 1}, 1}; }
  void close(sdk::token) override {}
  void deliver(const sdk::message& message) override {
    host().log(sdk::log_level::info, message.subject());
    host().complete(message.delivery(), sdk::outcome::delivered());
  }
};

TOCSIN_PLUGIN(bell);
