// The channel: endpoints by token, their pools, and what the host hands over.
#pragma once

#include "plugins/channels/smtp/pool.hpp"
#include "plugins/channels/smtp/settings.hpp"

#include <tocsin/sdk/channel.hpp>
#include <tocsin/sdk/doctor.hpp>
#include <tocsin/sdk/token_table.hpp>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace tocsin::smtp {

class diagnosis_run;

// What every endpoint's mails need of it.
struct open_endpoint {
  endpoint_settings settings;
  std::shared_ptr<smtp::pool> pool;
  std::string pool_key;
};

class smtp_channel {
 public:
  smtp_channel(const sdk::host_api& host, stream_service stream, std::string client_name);
  ~smtp_channel();

  // As tocsin_channel and tocsin_doctor say.
  sdk::opened_endpoint open(const sdk::endpoint& settings);
  void close(tocsin_token endpoint);
  void deliver(const sdk::messages& batch);
  void cancel(const sdk::tokens& deliveries);
  void diagnose(const sdk::diagnosis& request);
  void stop();

 private:
  std::shared_ptr<const open_endpoint> find(tocsin_token endpoint);
  std::shared_ptr<smtp::pool> pool_for(const std::string& key, std::string_view json,
                                       const endpoint_settings& settings);
  tocsin_token open_target(std::string_view json);
  void refuse(tocsin_token delivery, std::string_view code, const std::string& detail);
  void forget_finished();

  const sdk::host_api host_;
  const stream_service stream_;
  const std::string client_name_;

  std::mutex lock_;
  sdk::token_table<std::shared_ptr<const open_endpoint>> endpoints_;
  std::unordered_map<std::string, std::shared_ptr<smtp::pool>> pools_;  // those with open endpoints, by key
  std::vector<std::shared_ptr<smtp::pool>> retired_;                    // whose connections are ending
  std::vector<std::shared_ptr<diagnosis_run>> diagnoses_;
};

// The mail of one message for an endpoint. Throws nothing but std::bad_alloc; an address that cannot be one is in why.
outgoing_ptr make_outgoing(const tocsin_message& message, const open_endpoint& endpoint, std::string& why);

// This machine's full name, as EHLO says it; empty: it has none that the internet would know.
std::string local_name();

}  // namespace tocsin::smtp
