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

// A descriptor with an owner.
class open_file {
 public:
  explicit open_file(int descriptor) : descriptor_(descriptor) {}
  open_file(open_file&& other) noexcept;
  open_file& operator=(open_file&& other) noexcept;
  ~open_file();
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

// <state_dir>/http.address: where the running host listens, also when the system chose the port. Replaced in one step,
// and locked for as long as what is returned stays open: what a host left behind when it crashed is locked by nobody.
result<open_file> write_address(const std::filesystem::path& state_dir, const std::string& address);
void remove_address(const std::filesystem::path& state_dir);
// Empty: no host that runs has written one. Whoever else listens at an address that was left behind gets no token.
std::string read_address(const std::filesystem::path& state_dir);

}  // namespace tocsin::app
