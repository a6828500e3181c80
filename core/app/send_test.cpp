// `tocsin send-test`: one message over a channel, now, with the outcome in full.
#include <boost/json.hpp>

#include <cstdio>
#include <cstdlib>
#include <future>
#include <memory>

#include "core/app/commands.hpp"
#include "core/app/console.hpp"
#include "core/app/test_message.hpp"
#include "core/app/workbench.hpp"
#include "core/http/channels.hpp"

namespace tocsin::app {
namespace {

namespace json = boost::json;

constexpr std::chrono::minutes limit{5};
constexpr std::chrono::seconds limit_after_cancel{10};

[[noreturn]] void give_up(const fault& why, bool json) {
  fail(why, json, exit_failed);
  std::fflush(nullptr);
  std::_Exit(exit_failed);
}

result<outcome> send(const configuration& found, const endpoint_settings& endpoint, const std::string& to,
                     code_table& codes, bool json_wanted) {
  // Shared with a plugin that may answer after this has given it up.
  const auto answer = std::make_shared<std::promise<outcome>>();
  workbench bench(found, endpoint, [answer](std::vector<outcome> outcomes) {
    for (auto& one : outcomes) answer->set_value(std::move(one));
  });
  codes = bench.plugins().codes();
  const auto channel = bench.plugins().channel(endpoint.plugin);
  if (!channel) {
    for (const auto& plugin : bench.plugins().plugins())
      if (plugin.id == endpoint.plugin)
        return fault{"SETTINGS_INVALID", "The plugin \"" + plugin.id + "\" does not run: " + plugin.reason, "", {}};
    return fault{
        "SETTINGS_INVALID", "There is no plugin \"" + endpoint.plugin + "\".", "See `tocsin plugin list`.", {}};
  }
  const auto opened = channel->open(endpoint);
  if (!opened) return opened.error();
  auto message = test_message(endpoint, to, bench.clock().now());
  message.endpoint = opened->token;
  channel->deliver({&message, 1});
  auto arrived = answer->get_future();
  if (arrived.wait_for(limit) == std::future_status::ready) return arrived.get();
  channel->cancel({&message, 1});
  if (arrived.wait_for(limit_after_cancel) == std::future_status::ready) return arrived.get();
  // Stopping such a plugin may take for ever, too.
  give_up({"PLUGIN_HUNG",
           "The plugin \"" + endpoint.plugin + "\" did not say within 5 minutes what became of the message, nor " +
               "when it was told to give it up.",
           codes.find("PLUGIN_HUNG").remedy,
           {}},
          json_wanted);
}

}  // namespace

int send_test(const send_test_options& options) {
  auto found = read_configuration(options.config, may_ask_plugins::yes);
  if (!found.settings) {
    print_faults(found.errors, options.json);
    return exit_configuration;
  }
  static_cast<void>(ask_secret_stores(found));  // its fault is the endpoint's problem
  const auto endpoint = found.settings->endpoint(options.channel, options.organization);
  if (!endpoint) return fail(endpoint.error(), options.json, exit_failed);
  if ((*endpoint)->problem) return fail(*(*endpoint)->problem, options.json, exit_configuration);
  code_table codes;
  const auto sent = send(found, **endpoint, options.to, codes, options.json);
  if (!sent) return fail(sent.error(), options.json, exit_failed);
  const bool ok = sent->outcome_class == outcome_class::delivered;
  const auto& code = codes.find(sent->code);
  if (options.json) {
    std::printf("%s\n", json::serialize(to_json_object(*sent, codes)).c_str());
    return ok ? exit_done : exit_failed;
  }
  std::printf("%s %s\n",
              ok ? paint("sent:", colour::green).c_str() : paint((sent->code + ":").c_str(), colour::red).c_str(),
              sent->server_reply.empty() ? sent->detail.c_str() : sent->server_reply.c_str());
  if (!ok) std::printf("  %s\n  What to do: %s\n", code.explanation.c_str(), code.remedy.c_str());
  return ok ? exit_done : exit_failed;
}

}  // namespace tocsin::app
