#include "core/app/remote.hpp"

#include "core/app/commands.hpp"
#include "core/app/state_files.hpp"
#include "core/model/json.hpp"

namespace tocsin::app {
namespace {

namespace json = boost::json;

struct host_location {
  std::filesystem::path state_dir;
  std::string address;
};

result<host_location> locate(const std::optional<std::filesystem::path>& config) {
  const auto file = find_settings_file(config);
  if (!file) return file.error();
  const auto host = load_host_settings(*file);
  if (!host) return host.error();
  host_location found{host->state_dir, read_address(host->state_dir)};
  if (found.address.empty())
    return fault{"HOST_UNREACHABLE",
                 "No host runs with " + file->string() + " (state_dir " + found.state_dir.string() + ").",
                 "Start it with `tocsin serve --config " + file->string() + "`.",
                 {}};
  return found;
}

fault fault_of(const client_answer& answer) {
  const auto body = parse_json(answer.body);
  const auto member = [&body](const char* name) -> std::string {
    const auto* object = body ? body->if_object() : nullptr;
    const auto* value = object != nullptr ? object->if_contains(name) : nullptr;
    return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
  };
  std::string what = member("detail").empty() ? member("title") : member("detail");
  if (what.empty()) what = "The host answered with HTTP status " + std::to_string(answer.status) + ".";
  const std::string code = member("code").empty() ? "HTTP_" + std::to_string(answer.status) : member("code");
  return {code, code + ": " + what, member("remedy"), {}};
}

}  // namespace

boost::system::result<json::value, remote_error> call(const std::optional<std::filesystem::path>& config,
                                                      const std::string& method, const std::string& target,
                                                      const std::string& content_type, const std::string& body,
                                                      std::chrono::seconds limit) {
  const auto host = locate(config);
  if (!host)
    return remote_error{host.error(), host.error().code == "HOST_UNREACHABLE" ? exit_failed : exit_configuration};
  const auto token = read_admin_token(host->state_dir);
  if (!token) return remote_error{token.error(), exit_failed};
  const auto answer = call_host(host->address, *token, method, target, content_type, body, limit);
  if (!answer) return remote_error{answer.error(), exit_failed};
  if (answer->status >= 300) return remote_error{fault_of(*answer), exit_failed};
  auto value = parse_json(answer->body, 64);
  if (!value) return remote_error{value.error(), exit_failed};
  return *value;
}

std::string percent_encode(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) || std::string_view("-._~").find(c) != std::string_view::npos) {
      encoded += c;
    } else {
      encoded += '%';
      encoded += digits[static_cast<unsigned char>(c) >> 4];
      encoded += digits[c & 15];
    }
  }
  return encoded;
}

}  // namespace tocsin::app
