// The plugin's entry: the channel and the doctor, as the host calls them.
#include "plugins/channels/file/channel.hpp"

#include <tocsin/sdk/channel.hpp>
#include <tocsin/sdk/doctor.hpp>
#include <tocsin/sdk/plugin.hpp>

#include <memory>

namespace tocsin::file {

class file_plugin final : public sdk::plugin, public sdk::channel, public sdk::doctor {
 public:
  using plugin::plugin;

  void start() override { channel_ = std::make_unique<file_channel>(host()); }
  void stop() override { channel_.reset(); }

  sdk::opened_endpoint open(const sdk::endpoint& settings) override { return running().open(settings); }
  void close(sdk::token endpoint) override { running().close(endpoint); }
  void deliver_batch(const sdk::messages& batch, const sdk::host_api&) override { running().deliver(batch); }
  void cancel(const sdk::tokens& deliveries) override { running().cancel(deliveries); }
  void diagnose(const sdk::diagnosis& request) override { running().diagnose(request); }

 private:
  file_channel& running() {
    if (channel_ == nullptr) throw sdk::failure(TOCSIN_UNAVAILABLE, "the plugin was not started");
    return *channel_;
  }

  std::unique_ptr<file_channel> channel_;
};

}  // namespace tocsin::file

TOCSIN_PLUGIN(tocsin::file::file_plugin);
