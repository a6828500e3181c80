// Where the HTTP API listens: checked before anything is opened.
#pragma once

#include "core/model/fault.hpp"

#include <filesystem>
#include <string>

namespace tocsin {

// "127.0.0.1:8480", "[::1]:8480", "localhost:8480" or "unix:PATH" (made absolute from folder). Addresses that are not
// loopback are refused: what is said here bears tokens, and is not encrypted.
result<std::string> check_listen_address(const std::string& text, const std::filesystem::path& folder);

}  // namespace tocsin
