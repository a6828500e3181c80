// The small files of state_dir: the token and the address by which the command line finds the running host.
#pragma once

#include "core/model/fault.hpp"

#include <filesystem>
#include <string>

namespace tocsin::app {

// <state_dir>/admin.token: 64 hexadecimal digits, mode 0600, made at the first start.
result<std::string> admin_token(const std::filesystem::path& state_dir);
// What is there; a fault says that no host has run here.
result<std::string> read_admin_token(const std::filesystem::path& state_dir);

// <state_dir>/http.address: where the running host listens, also when the system chose the port. Replaced in one step.
result<void> write_address(const std::filesystem::path& state_dir, const std::string& address);
void remove_address(const std::filesystem::path& state_dir);
// Empty: no host says that it runs.
std::string read_address(const std::filesystem::path& state_dir);

}  // namespace tocsin::app
