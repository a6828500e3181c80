// The endpoints that are open, and which writer serves each: those of one path share it.
#pragma once

#include "plugins/channels/file/writer.hpp"

#include <tocsin/sdk/channel.hpp>
#include <tocsin/sdk/token_table.hpp>

#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace tocsin::file {

class file_channel {
 public:
  explicit file_channel(const sdk::host_api& host) : host_(host) {}

  sdk::opened_endpoint open(const sdk::endpoint& given);
  void close(sdk::token endpoint);
  void deliver(const sdk::messages& batch);
  void cancel(const sdk::tokens& deliveries);
  void diagnose(const sdk::diagnosis& request);

 private:
  struct open_endpoint {
    endpoint_settings settings;
    std::shared_ptr<file::writer> writer;
  };

  std::shared_ptr<writer> writer_for(const endpoint_settings& settings);
  open_endpoint find(sdk::token endpoint);

  const sdk::host_api host_;
  std::mutex lock_;
  sdk::token_table<open_endpoint> endpoints_;
  std::map<std::string, std::weak_ptr<writer>> writers_;
};

}  // namespace tocsin::file
