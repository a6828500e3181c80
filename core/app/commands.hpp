// The program's commands: what each takes, and the function that carries it out. Each returns the exit status.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace tocsin::app {

// Exit statuses of the contract.
inline constexpr int exit_done = 0;
inline constexpr int exit_failed = 1;
inline constexpr int exit_usage = 2;
inline constexpr int exit_configuration = 3;

// The program that runs, whatever has become of its file since.
inline constexpr const char* own_program = "/proc/self/exe";

// What goes with every command.
struct common_options {
  std::optional<std::filesystem::path> config;
  bool json = false;
};

struct serve_options : common_options {
  std::string log_format = "text";
  std::string log_level = "info";
};
int serve(const serve_options& options);

struct demo_options : common_options {
  bool once = false;
};
int demo(const demo_options& options);

struct publish_options : common_options {
  std::string type;
  std::string source = "/tocsin/publish";
  std::string id;  // empty: a random one
  std::string organization, severity, recipient;
  std::string data;  // JSON, or @FILE
  bool wait = false;
  std::string timeout = "60s";
};
int publish(const publish_options& options);

struct send_test_options : common_options {
  std::string channel, to, organization;
};
int send_test(const send_test_options& options);

struct doctor_options : common_options {
  std::string channel, organization, to;
  bool send = false;
};
int doctor(const doctor_options& options);

struct config_options : common_options {
  std::string organization;
  std::string key;  // of `why`
};
int config_check(const config_options& options);
int config_show(const config_options& options);
int config_why(const config_options& options);

struct plugin_options : common_options {
  std::filesystem::path file;  // of `inspect`
};
int plugin_list(const plugin_options& options);
int plugin_inspect(const plugin_options& options);

struct plugin_new_options : common_options {
  std::string name, kind, language = "cpp";
  std::filesystem::path directory;  // empty: the name, here
};
int plugin_new(const plugin_new_options& options);

struct plugin_test_options : common_options {
  std::filesystem::path file;
  std::vector<std::string> only;  // globs over the cases' names
  bool list = false;
  bool in_process = false;
  std::optional<std::uint64_t> seed;  // nothing: a random one
  double timeout = 20;                // seconds, of one case
  double call_limit = 5;              // seconds, of one call
  std::filesystem::path junit;
  std::string settings;                     // JSON, or a file with it; as they would be written in TOML
  std::vector<std::filesystem::path> with;  // plugins that provide what it requires
};
int plugin_test(const plugin_test_options& options);

struct plugin_sign_options : common_options {
  std::filesystem::path file, key;
  std::filesystem::path output;  // empty: the file itself
};
int plugin_sign(const plugin_sign_options& options);

struct plugin_verify_options : common_options {
  std::filesystem::path file;
  std::vector<std::filesystem::path> keys;  // none: those of the settings
};
int plugin_verify(const plugin_verify_options& options);

// Which deliveries; empty members do not count.
struct queue_filter {
  std::string event, source, state, recipient;
  std::optional<std::string> organization;
};

struct queue_options : common_options {
  std::string id;  // of `show`
  queue_filter filter;
  std::uint32_t limit = 50;
};
int queue_list(const queue_options& options);
int queue_show(const queue_options& options);

struct token_options : common_options {
  std::string name, scope, organization;
  std::vector<std::string> types;
};
int token_create(const token_options& options);
int token_list(const token_options& options);
int token_revoke(const token_options& options);

struct queue_action_options : common_options {
  std::string action;  // retry, drop or replay
  std::vector<std::string> ids;
  queue_filter filter;
  bool all = false;
};
int queue_act(const queue_action_options& options);

struct watch_options : common_options {
  double interval = 1;  // seconds
};
int queue_watch(const watch_options& options);

int queue_check(const common_options& options);

struct backup_options : common_options {
  std::filesystem::path file;
};
int queue_backup(const backup_options& options);

struct trace_options : common_options {
  std::string event;  // our identifier, or the CloudEvents id
  std::string source;
  std::optional<std::string> organization;
};
int trace(const trace_options& options);

}  // namespace tocsin::app
