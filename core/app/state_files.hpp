// The small files of state_dir: the token and the address by which the command line finds the running host.
#pragma once

#include "core/model/fault.hpp"
#include "core/runtime/whole_file.hpp"

#include <filesystem>
#include <string>

namespace tocsin::app {

// <state_dir>/admin.token: 64 hexadecimal digits, mode 0600, made at the first start.
result<std::string> admin_token(const std::filesystem::path& state_dir);
// What is there; a fault says that no host has run here.
result<std::string> read_admin_token(const std::filesystem::path& state_dir);

// <state_dir>/http.address: where the running host listens, also when the system chose the port. Replaced in one step,
// and locked for as long as what is returned stays open: what a host left behind when it crashed is locked by nobody.
result<open_file> write_address(const std::filesystem::path& state_dir, const std::string& address);
void remove_address(const std::filesystem::path& state_dir);
// Empty: no host that runs has written one. Whoever else listens at an address that was left behind gets no token.
std::string read_address(const std::filesystem::path& state_dir);

}  // namespace tocsin::app
