// SPDX-License-Identifier: Apache-2.0
// Sources, subscriptions and secret stores: opening and closing them. (channel_bench.hpp has channels.)
#pragma once

#include "sdk/conformance/src/bench.hpp"

#include <tocsin/abi/ext/subscriber.h>

#include <string>
#include <string_view>

namespace tocsin::conformance {

// False: it refused, and why has the reason. must_open_...: with the kit's settings; skip_case where it refuses them.
bool open_source(running& plugin, std::string_view settings, tocsin_token& token, std::string& why);
tocsin_token must_open_source(running& plugin);
void close_source(running& plugin, tocsin_token token);

bool open_subscription(running& plugin, std::string_view settings, tocsin_token& token, std::string& why);
tocsin_token must_open_subscription(running& plugin);
void close_subscription(running& plugin, tocsin_token token);

bool open_store(running& plugin, std::string_view settings, tocsin_token& token, std::string& why);
tocsin_token must_open_store(running& plugin);
void close_store(running& plugin, tocsin_token token);

}  // namespace tocsin::conformance
