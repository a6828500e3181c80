// The program `tocsin`: reads the command line and calls the command.
#include <CLI/CLI.hpp>

#include <csignal>
#include <cstdio>
#include <exception>
#include <functional>
#include <string_view>

#include "core/app/commands.hpp"
#include "core/model/delivery.hpp"
#include "core/plugin_host/containment/plugin_trial.hpp"
#include "core/settings/suggestion.hpp"

namespace {

using namespace tocsin::app;

void add_common(CLI::App& command, common_options& options) {
  command
      .add_option("--config", options.config,
                  "Settings file (else $TOCSIN_CONFIG, ./tocsin.toml, /etc/tocsin/tocsin.toml)")
      ->type_name("FILE");
  command.add_flag("--json", options.json, "Print JSON");
}

// A subcommand whose options live as long as the program runs.
template <class Options>
CLI::App& add_command(CLI::App& parent, const std::string& name, const std::string& what, Options& options,
                      int (*run)(const Options&), std::function<int()>& chosen) {
  CLI::App& command = *parent.add_subcommand(name, what);
  add_common(command, options);
  command.callback([&options, run, &chosen] { chosen = [&options, run] { return run(options); }; });
  return command;
}

struct all_options {
  serve_options serve;
  demo_options demo;
  publish_options publish;
  send_test_options send_test;
  doctor_options doctor;
  config_options check, show, why;
  plugin_options list, inspect;
  plugin_new_options create;
  plugin_test_options test;
  plugin_sign_options sign;
  plugin_verify_options verify;
  queue_options queue_list, queue_show;
  token_options token_create, token_list, token_revoke;
  queue_action_options retry, drop, replay;
  watch_options watch;
  common_options check_store;
  backup_options backup;
  trace_options trace;
};

void add_host_commands(CLI::App& program, all_options& all, std::function<int()>& chosen) {
  auto& serve_command = add_command(program, "serve", "Run the host until SIGTERM; SIGHUP reads the settings again",
                                    all.serve, &serve, chosen);
  serve_command.add_option("--log-format", all.serve.log_format, "text or json")
      ->check(CLI::IsMember({"text", "json"}));
  serve_command.add_option("--log-level", all.serve.log_level, "debug, info, warn or error")
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}));
  auto& demo_command =
      add_command(program, "demo", "Run a host with an inbox of its own and see mails arrive", all.demo, &demo, chosen);
  demo_command.add_flag("--once", all.demo.once, "End by itself; exit 0 only if every mail arrived");
}

void add_event_commands(CLI::App& program, all_options& all, std::function<int()>& chosen) {
  auto& command = add_command(program, "publish", "Hand an event to the running host; returns when it is on disk",
                              all.publish, &publish, chosen);
  command.add_option("--type", all.publish.type, "CloudEvents type, such as tocsin.job.faulted")->required();
  command.add_option("--source", all.publish.source, "CloudEvents source")->capture_default_str();
  command.add_option("--id", all.publish.id, "CloudEvents id; a random one if it is not given");
  command.add_option("--organization", all.publish.organization, "Whose event it is; the host's if it is not given");
  command.add_option("--severity", all.publish.severity, "info, success, warn, error or fatal");
  command.add_option("--recipient", all.publish.recipient, "For routes that say {{recipient}}");
  command.add_option("--data", all.publish.data, "JSON, or @FILE")->type_name("JSON|@FILE");
  auto* wait = command.add_flag("--wait", all.publish.wait,
                                "Wait until each delivery has ended or has to wait; exit 1 if one did not get through");
  command.add_option("--timeout", all.publish.timeout, "How long --wait waits, such as 90s or 5m")
      ->capture_default_str()
      ->needs(wait);

  auto& test_command = add_command(program, "send-test", "Send a test message over a channel, now, past the queue",
                                   all.send_test, &send_test, chosen);
  test_command.add_option("--channel", all.send_test.channel, "Name of [channels.NAME]")->required();
  test_command.add_option("--to", all.send_test.to, "Recipient")->required();
  test_command.add_option("--organization", all.send_test.organization, "Whose settings to use");

  auto& doctor_command = add_command(program, "doctor", "Diagnose a channel stage by stage; needs no running host",
                                     all.doctor, &doctor, chosen);
  doctor_command.add_option("--channel", all.doctor.channel, "Name of [channels.NAME]")->required();
  doctor_command.add_option("--organization", all.doctor.organization, "Whose settings to use");
  auto* to = doctor_command.add_option("--to", all.doctor.to, "Ask the server about this recipient, too");
  doctor_command.add_flag("--send", all.doctor.send, "Send a test message to it")->needs(to);
}

void add_config_commands(CLI::App& program, all_options& all, std::function<int()>& chosen) {
  CLI::App& config = *program.add_subcommand("config", "Check and explain the settings");
  config.require_subcommand(1);
  add_command(config, "check", "Report every fault with file, line and key", all.check, &config_check, chosen);
  auto& show =
      add_command(config, "show", "Print the settings in force; secrets as references", all.show, &config_show, chosen);
  show.add_option("--organization", all.show.organization, "What holds for this organization");
  auto& why = add_command(config, "why", "Say which level and line a value comes from", all.why, &config_why, chosen);
  why.add_option("key", all.why.key, "Dotted key, such as channels.email.host")->required();
  why.add_option("--organization", all.why.organization, "What holds for this organization");
}

void add_plugin_test(CLI::App& plugin, all_options& all, std::function<int()>& chosen) {
  auto& test = add_command(plugin, "test", "Run the conformance cases on a plugin, each in a process of its own",
                           all.test, &plugin_test, chosen);
  test.add_option("file", all.test.file, "A plugin file; not needed for --list");
  test.add_option("--only", all.test.only, "Cases by name; * and ? stand for anything")->type_name("CASE");
  test.add_flag("--list", all.test.list, "List the cases, with the law that each proves");
  test.add_flag("--in-process", all.test.in_process, "Run them in this process, for a debugger; without a time limit");
  test.add_option("--seed", all.test.seed, "Repeat a run with the seed that it printed")->check(CLI::NonNegativeNumber);
  test.add_option("--timeout", all.test.timeout, "Seconds that a case may take")
      ->capture_default_str()
      ->check(CLI::Range(0.1, 3600.0));
  test.add_option("--call-limit", all.test.call_limit, "Seconds that a call to the plugin may take, as in a host")
      ->capture_default_str()
      ->check(CLI::Range(0.1, 3600.0));
  test.add_option("--junit", all.test.junit, "Write the results as JUnit XML, too")->type_name("FILE");
  test.add_option("--settings", all.test.settings, "Settings to open with, over those that the kit makes")
      ->type_name("JSON|FILE");
  test.add_option("--with", all.test.with, "A plugin that provides what it requires")->type_name("FILE");
}

void add_plugin_signatures(CLI::App& plugin, all_options& all, std::function<int()>& chosen) {
  auto& sign = add_command(plugin, "sign", "Sign a plugin's file with an Ed25519 key; runs none of its code", all.sign,
                           &plugin_sign, chosen);
  sign.add_option("file", all.sign.file, "A plugin's file")->required();
  sign.add_option("--key", all.sign.key, "The private key, as openssl genpkey -algorithm ed25519 makes it")
      ->type_name("PEM")
      ->required();
  sign.add_option("--output", all.sign.output, "Where to write it; the file itself if it is not given")
      ->type_name("FILE");
  auto& verify = add_command(plugin, "verify", "Check a plugin's signature; runs none of its code", all.verify,
                             &plugin_verify, chosen);
  verify.add_option("file", all.verify.file, "A plugin's file")->required();
  verify.add_option("--key", all.verify.keys, "A public key; without one, those of [plugins] trusted_keys")
      ->type_name("PEM")
      ->allow_extra_args(false);
}

void add_plugin_commands(CLI::App& program, all_options& all, std::function<int()>& chosen) {
  CLI::App& plugin = *program.add_subcommand("plugin", "List, inspect, begin, test and sign plugins");
  plugin.require_subcommand(1);
  add_command(plugin, "list", "Every file of the plugin folders with its state; runs no plugin", all.list, &plugin_list,
              chosen);
  auto& inspect =
      add_command(plugin, "inspect", "A file's manifest; runs none of its code", all.inspect, &plugin_inspect, chosen);
  inspect.add_option("file", all.inspect.file, "A plugin's file, or the id of an installed one")->required();
  auto& create = add_command(plugin, "new", "Begin a plugin: a project that builds and has a test", all.create,
                             &plugin_new, chosen);
  create.add_option("name", all.create.name, "Its id, such as chat-room")->required();
  create.add_option("--kind", all.create.kind, "channel, source, preset, subscriber or secrets")
      ->required()
      ->check(CLI::IsMember({"channel", "source", "preset", "subscriber", "secrets"}));
  create.add_option("--lang", all.create.language, "cpp, c or rust")
      ->capture_default_str()
      ->check(CLI::IsMember({"cpp", "c", "rust"}));
  create.add_option("--directory", all.create.directory, "Where to make it; ./NAME if it is not given")
      ->type_name("FOLDER");
  add_plugin_test(plugin, all, chosen);
  add_plugin_signatures(plugin, all, chosen);
}

void add_filter(CLI::App& command, queue_filter& filter) {
  command.add_option("--event", filter.event, "CloudEvents id");
  command.add_option("--source", filter.source, "CloudEvents source");
  command.add_option("--organization", filter.organization, "Of this organization only");
  std::vector<std::string> states;
  for (std::size_t state = 0; state < tocsin::delivery_state_count; ++state)
    states.emplace_back(tocsin::to_text(static_cast<tocsin::delivery_state>(state)));
  command.add_option("--state", filter.state, "In this state only")->check(CLI::IsMember(states));
  command.add_option("--recipient", filter.recipient, "To this recipient only");
}

void add_queue_action(CLI::App& queue, const std::string& name, const std::string& what, queue_action_options& options,
                      std::function<int()>& chosen) {
  auto& command = add_command(queue, name, what, options, &queue_act, chosen);
  options.action = name;
  command.add_option("delivery", options.ids, "Identifiers of deliveries")->type_name("DELIVERY");
  add_filter(command, options.filter);
  command.add_flag("--all", options.all, "Every delivery that it can be done to");
}

void add_queue_commands(CLI::App& program, all_options& all, std::function<int()>& chosen) {
  CLI::App& queue = *program.add_subcommand("queue", "Look into the running host's queue, and act on it");
  queue.require_subcommand(1);
  auto& list = add_command(queue, "list", "Deliveries, newest first", all.queue_list, &queue_list, chosen);
  add_filter(list, all.queue_list.filter);
  list.add_option("--limit", all.queue_list.limit, "At most so many")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  auto& show = add_command(queue, "show", "One delivery with its history", all.queue_show, &queue_show, chosen);
  show.add_option("id", all.queue_show.id, "A delivery's identifier; of an event: its deliveries")->required();
  add_queue_action(queue, "retry", "Try now what waits; give what is dead another attempt", all.retry, chosen);
  add_queue_action(queue, "drop", "End what waits, or is dead, as dropped", all.drop, chosen);
  add_queue_action(queue, "replay", "Try anew what is dead, dropped or expired, as if it had come now", all.replay,
                   chosen);
  auto& watch = add_command(queue, "watch", "Counts, rate, channels and last failures, live, until Ctrl-C", all.watch,
                            &queue_watch, chosen);
  watch.add_option("--interval", all.watch.interval, "Seconds between two looks")
      ->capture_default_str()
      ->check(CLI::Range(0.1, 3600.0));
  add_command(queue, "check", "Check the store: SQLite's own checks, and what the store promises of itself",
              all.check_store, &queue_check, chosen);
  auto& backup = add_command(queue, "backup", "Write a backup of the store, without the content of sensitive events",
                             all.backup, &queue_backup, chosen);
  backup.add_option("file", all.backup.file, "Where to; nothing is overwritten")->type_name("FILE")->required();
  auto& trace_command =
      add_command(program, "trace", "Why somebody did, or did not, get an event", all.trace, &trace, chosen);
  trace_command.add_option("event", all.trace.event, "What `publish` printed, or the event's CloudEvents id")
      ->required();
  trace_command.add_option("--source", all.trace.source, "CloudEvents source, where several share that id");
  trace_command.add_option("--organization", all.trace.organization, "Whose event it is");
}

void add_token_commands(CLI::App& program, all_options& all, std::function<int()>& chosen) {
  CLI::App& token = *program.add_subcommand("token", "Make, list and revoke tokens for the running host's HTTP API");
  token.require_subcommand(1);
  auto& create = add_command(token, "create", "Make a token and print it: this once, the host keeps only its hash",
                             all.token_create, &token_create, chosen);
  create.add_option("--name", all.token_create.name, "What it is called from now on")->required();
  create.add_option("--scope", all.token_create.scope, "What it allows: publish, read, operate or admin")
      ->required()
      ->check(CLI::IsMember({"publish", "read", "operate", "admin"}));
  create.add_option("--organization", all.token_create.organization, "The only organization that it reaches");
  create
      .add_option("--types", all.token_create.types,
                  "Globs over the types of events that it may publish; every type if none is given")
      ->type_name("GLOB...");
  add_command(token, "list", "Every token with what it allows; never the token itself", all.token_list, &token_list,
              chosen);
  auto& revoke = add_command(token, "revoke", "Take a token's rights away, at once and for good", all.token_revoke,
                             &token_revoke, chosen);
  revoke.add_option("name", all.token_revoke.name, "A token's name")->required();
}

// CLI11 says of an unknown command only that one is missing.
std::string misspelt_command(const CLI::App& program, int count, char** arguments) {
  const CLI::App* within = &program;
  std::string path = "tocsin";
  for (int at = 1; at < count && !within->get_subcommands([](const CLI::App*) { return true; }).empty(); ++at) {
    const std::string word = arguments[at];
    if (word.starts_with('-')) return {};
    std::vector<std::string> known;
    const CLI::App* next = nullptr;
    for (const CLI::App* command : within->get_subcommands([](const CLI::App*) { return true; })) {
      known.push_back(command->get_name());
      if (command->get_name() == word) next = command;
    }
    if (next == nullptr) {
      path.append(" has no command \"").append(word).append("\". ").append(tocsin::remedy_for_unknown(word, known));
      return path;
    }
    within = next;
    path += " " + word;
  }
  return {};
}

}  // namespace

int main(int count, char** arguments) {
  if (count > 1 && std::string_view(arguments[1]) == tocsin::trial_command) tocsin::run_trial(count, arguments);
  std::signal(SIGPIPE, SIG_IGN);
  CLI::App program("Tocsin: notifications that arrive, through plugins that you can swap", "tocsin");
  program.set_version_flag("--version", "tocsin " TOCSIN_VERSION);
  program.require_subcommand(1);
  all_options all;
  std::function<int()> chosen;
  add_host_commands(program, all, chosen);
  add_event_commands(program, all, chosen);
  add_config_commands(program, all, chosen);
  add_plugin_commands(program, all, chosen);
  add_queue_commands(program, all, chosen);
  add_token_commands(program, all, chosen);
  if (const auto meant = misspelt_command(program, count, arguments); !meant.empty()) {
    std::fprintf(stderr, "%s\n", meant.c_str());
    return exit_usage;
  }
  try {
    program.parse(count, arguments);
  } catch (const CLI::ParseError& error) {
    return program.exit(error) == 0 ? exit_done : exit_usage;
  }
  try {
    return chosen();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tocsin: %s\n", error.what());
    return exit_failed;
  }
}
