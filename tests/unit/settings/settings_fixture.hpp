// Manifests as an SMTP channel, its presets and a source have them, and a temporary folder for settings files.
#pragma once

#include "core/model/manifest.hpp"
#include "core/settings/settings.hpp"

#include <gtest/gtest.h>

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace tocsin::test {

inline manifest manifest_of(std::string_view json) {
  auto parsed = parse_manifest(json);
  EXPECT_TRUE(parsed.has_value()) << (parsed ? "" : parsed.error().to_string());
  return parsed ? *parsed : manifest{};
}

inline constexpr std::string_view smtp_manifest = R"({
  "id": "smtp", "version": "1.0.0", "abi": {"major": 1, "minor": 0}, "provides": ["tocsin.channel/1-draft"],
  "capabilities": ["connect: setting:host,port", "read: setting:tls.ca_file,tls.crl_files"],
  "settings": {"type": "object", "required": ["host", "from_address"], "properties": {
    "host": {"type": "string"},
    "port": {"type": "integer", "minimum": 1, "maximum": 65535, "default": 587},
    "secure_connection": {"type": "string", "enum": ["auto", "starttls", "implicit", "off"], "default": "auto"},
    "domain": {"type": "string", "default": ""},
    "username": {"type": "string", "default": ""},
    "password": {"type": "string", "format": "secret"},
    "use_default_credentials": {"type": "boolean", "default": false},
    "from_address": {"type": "string", "maxLength": 254, "pattern": "[^@\\s]+@[^@\\s]+"},
    "from_name": {"type": "string", "default": ""},
    "tls": {"type": "object", "properties": {
      "ca_file": {"type": "string", "format": "path", "default": ""},
      "crl_files": {"type": "array", "items": {"type": "string", "format": "path"}, "default": []}}},
    "oauth": {"type": "object", "properties": {"client_secret": {"type": "string", "format": "secret"}}},
    "limits": {"type": "object", "properties": {
      "connections": {"type": "integer", "minimum": 1, "default": 8},
      "messages_per_day": {"type": "integer", "minimum": 0, "default": 0}}},
    "timeouts": {"type": "object", "properties": {
      "connect": {"type": "string", "format": "duration", "default": "30s"}}},
    "largest": {"type": "string", "format": "size", "default": "25MiB"}}},
  "groups": {"server": ["plugin", "preset", "host", "port", "secure_connection", "tls", "domain", "username", "password",
                        "use_default_credentials", "oauth", "limits.messages_per_day"]}})";

inline constexpr std::string_view gmail_manifest = R"({
  "id": "gmail", "version": "1.0.0", "abi": {"major": 1, "minor": 0}, "provides": ["tocsin.preset/1-draft"],
  "preset": {"for": "smtp", "defaults": {"host": "smtp.gmail.com", "limits": {"messages_per_day": 500}},
    "constraints": [
      {"key": "port", "enum": [465, 587], "severity": "error", "code": "SETTINGS_INVALID",
       "text": "Gmail listens on ports 587 and 465."},
      {"key": "from_address", "equals_key": "username", "severity": "warning", "code": "SETTINGS_INVALID",
       "text": "Gmail rewrites the sender to the account's own address."}],
    "replies": [], "quotas": []}})";

// A channel without groups and without secrets.
inline constexpr std::string_view file_manifest = R"({
  "id": "file", "version": "1.0.0", "abi": {"major": 1, "minor": 0}, "provides": ["tocsin.channel/1-draft"],
  "settings": {"type": "object", "required": ["folder"], "properties": {
    "folder": {"type": "string", "format": "path"}, "prefix": {"type": "string", "default": ""}}}})";

// A channel with a secret that declares no groups.
inline constexpr std::string_view hook_manifest = R"({
  "id": "hook", "version": "1.0.0", "abi": {"major": 1, "minor": 0}, "provides": ["tocsin.channel/1-draft"],
  "settings": {"type": "object", "required": ["url"], "properties": {
    "url": {"type": "string"}, "token": {"type": "string", "format": "secret"},
    "style": {"type": "string", "default": "plain"}}}})";

inline constexpr std::string_view audit_manifest = R"({
  "id": "audit", "version": "1.0.0", "abi": {"major": 1, "minor": 0}, "provides": ["tocsin.subscriber/1-draft"],
  "settings": {"type": "object", "required": ["folder"], "properties": {
    "folder": {"type": "string", "format": "path"}, "key": {"type": "string", "format": "secret"}}}})";

inline constexpr std::string_view vault_manifest = R"({
  "id": "vault", "version": "1.0.0", "abi": {"major": 1, "minor": 0}, "provides": ["tocsin.secrets/1-draft"],
  "settings": {"type": "object", "required": ["address"], "properties": {
    "address": {"type": "string"}, "token": {"type": "string", "format": "secret"},
    "timeout": {"type": "string", "format": "duration", "default": "5s"}}}})";

inline constexpr std::string_view license_manifest = R"({
  "id": "license-status", "version": "1.0.0", "abi": {"major": 1, "minor": 0}, "provides": ["tocsin.source/1-draft"],
  "settings": {"type": "object", "required": ["path"], "properties": {
    "path": {"type": "string", "format": "path", "minLength": 1},
    "interval": {"type": "string", "format": "duration", "default": "5s"},
    "steps": {"type": "array", "items": {"type": "integer", "minimum": 0}, "default": [30, 7, 1]},
    "key": {"type": "string", "format": "secret"}}}})";

inline manifest_catalogue all_plugins() {
  manifest_catalogue catalogue;
  for (const auto text : {smtp_manifest, gmail_manifest, file_manifest, hook_manifest, license_manifest, audit_manifest,
                          vault_manifest}) {
    auto parsed = manifest_of(text);
    catalogue.emplace(parsed.id, std::move(parsed));
  }
  return catalogue;
}

inline loaded_settings load(std::string_view toml, const std::filesystem::path& file = "/srv/tocsin/tocsin.toml") {
  return parse_settings(toml, file, all_plugins());
}

inline std::string text_of(const faults& all) {
  std::string text;
  for (const auto& fault : all) text += fault.to_string() + "\n";
  return text;
}

// The settings of a file without faults.
inline settings_ptr good(std::string_view toml, const std::filesystem::path& file = "/srv/tocsin/tocsin.toml") {
  auto loaded = load(toml, file);
  EXPECT_TRUE(loaded.errors.empty()) << text_of(loaded.errors);
  EXPECT_NE(loaded.value, nullptr);
  return loaded.value;
}

// The only fault of a file.
inline fault only_fault(std::string_view toml) {
  auto loaded = load(toml);
  EXPECT_EQ(loaded.errors.size(), 1u) << text_of(loaded.errors);
  EXPECT_EQ(loaded.value, nullptr);
  return loaded.errors.empty() ? fault{} : loaded.errors.front();
}

class temporary_folder {
 public:
  temporary_folder() {
    std::string name = (std::filesystem::temp_directory_path() / "tocsin-settings-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~temporary_folder() { std::filesystem::remove_all(path_); }
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path write(const std::string& name, std::string_view text) const {
    std::ofstream(path_ / name, std::ios::binary) << text;
    std::filesystem::permissions(path_ / name,
                                 std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace tocsin::test
