// SPDX-License-Identifier: Apache-2.0
// A running channel plugin: endpoints, messages, cancelling, closing.
#pragma once

#include "sdk/conformance/src/bench.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace tocsin::conformance {

struct open_endpoint {
  tocsin_token token{};
  std::uint32_t slots = 1;
};

struct message_spec {
  open_endpoint endpoint;
  std::string recipient = "someone@example.org";
  std::string subject = "A subject";
  std::string text = "First line\nSecond line\n";
  std::string html = "<!DOCTYPE html><html><body><p>First line</p></body></html>\n";
  std::string organization;
  bool with_event = true;
};

// For one case: everything that is not as the law says becomes a breach.
class channel_bench {
 public:
  explicit channel_bench(running& plugin);

  // False: it refused, and why has the reason.
  bool open(std::string_view settings, open_endpoint& into, std::string& why, std::string_view pool = "pool");
  // skip_case where it refuses the settings that the kit has.
  open_endpoint must_open();
  // One batch; returns the deliveries' tokens.
  std::vector<tocsin_token> deliver(const std::vector<message_spec>& batch);
  // The same on the calling thread, as one of the host's pool.
  std::vector<tocsin_token> deliver_here(const std::vector<message_spec>& batch);
  void cancel(const std::vector<tocsin_token>& deliveries);  // on the calling thread, which is any
  void close(open_endpoint endpoint);
  // Waits until each delivery is completed; a breach and end_case names what is not.
  void expect_all_completed(std::string_view after);

  const tocsin_channel* table;
  running& plugin;

 private:
  std::vector<tocsin_token> deliver_by(const std::vector<message_spec>& batch, bool here);
};

// `count` messages for the endpoint.
std::vector<message_spec> messages_for(open_endpoint endpoint, std::size_t count);

}  // namespace tocsin::conformance
