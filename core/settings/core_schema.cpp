// The host's own schemas, in the same subset as a plugin's, so that one checker serves both.
#include "core/settings/core_schema.hpp"

#include <boost/json.hpp>

namespace tocsin {
namespace {

namespace json = boost::json;

// BCP 47, as far as a language, a script and a region go.
#define TOCSIN_LANGUAGE_PATTERN "([A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*)?"

json::object parse(const char* text) { return json::parse(text).as_object(); }

}  // namespace

const json::object& host_schema() {
  static const json::object schema = parse(R"({"type": "object", "properties": {
    "state_dir": {"type": "string", "format": "path", "minLength": 1, "default": "state"},
    "plugin_dirs": {"type": "array", "items": {"type": "string", "format": "path", "minLength": 1}, "default": []},
    "language": {"type": "string", "minLength": 2, "maxLength": 35, "pattern": ")" TOCSIN_LANGUAGE_PATTERN R"(",
                 "default": "en"},
    "time_zone": {"type": "string", "default": "UTC"},
    "retention": {"type": "string", "format": "duration", "default": "30d"},
    "max_sending": {"type": "integer", "minimum": 1, "maximum": 100000, "default": 512}}})");
  return schema;
}

const json::object& http_schema() {
  static const json::object schema = parse(R"({"type": "object", "properties": {
    "listen": {"type": "string", "default": "127.0.0.1:8480"},
    "max_body": {"type": "string", "format": "size", "default": "8MiB"},
    "public_url": {"type": "string", "maxLength": 2048, "pattern": "(https?://[^\\s]+)?", "default": ""}}})");
  return schema;
}

const json::object& plugins_schema() {
  static const json::object schema = parse(R"({"type": "object", "properties": {
    "call_limit": {"type": "string", "format": "duration", "default": "5s"},
    "delivery_limit": {"type": "string", "format": "duration", "default": "4h"},
    "signed": {"type": "string", "enum": ["off", "warn", "required"], "default": "off"},
    "trusted_keys": {"type": "array", "items": {"type": "string", "format": "path", "minLength": 1}, "default": []}}})");
  return schema;
}

const json::object& event_type_schema() {
  static const json::object schema = parse(R"({"type": "object", "properties": {
    "time_to_live": {"type": "string", "format": "duration"},
    "sensitive": {"type": "boolean"}}})");
  return schema;
}

const json::object& route_schema() {
  static const json::object schema = parse(R"({"type": "object", "required": ["channels", "to"], "properties": {
    "name": {"type": "string", "minLength": 1, "maxLength": 128},
    "types": {"type": "array", "items": {"type": "string", "minLength": 1}, "default": []},
    "severity": {"type": "string", "enum": ["info", "success", "warn", "error", "fatal"]},
    "channels": {"type": "array", "items": {"type": "string", "minLength": 1}},
    "to": {"type": "array", "items": {"type": "string", "minLength": 1, "maxLength": 1024}},
    "template": {"type": "string", "minLength": 1, "default": "default"}}})");
  return schema;
}

const json::object& organization_schema() {
  static const json::object schema = parse(R"({"type": "object", "properties": {
    "language": {"type": "string", "maxLength": 35, "pattern": ")" TOCSIN_LANGUAGE_PATTERN R"("},
    "time_zone": {"type": "string"}}})");
  return schema;
}

const json::object& channel_core_schema() {
  static const json::object schema = parse(R"({"type": "object", "properties": {
    "plugin": {"type": "string", "minLength": 1},
    "preset": {"type": "string"},
    "override": {"type": "boolean", "default": true},
    "retry": {"type": "object", "properties": {
      "first": {"type": "string", "format": "duration", "default": "30s"},
      "max": {"type": "string", "format": "duration", "default": "1h"},
      "give_up": {"type": "string", "format": "duration", "default": "3d"}}}}})");
  return schema;
}

const json::object& source_core_schema() {
  static const json::object schema = parse(R"({"type": "object", "properties": {
    "plugin": {"type": "string", "minLength": 1},
    "organization": {"type": "string", "default": ""}}})");
  return schema;
}

const json::object& subscriber_core_schema() {
  static const json::object schema = parse(R"({"type": "object", "properties": {
    "plugin": {"type": "string", "minLength": 1},
    "organization": {"type": "string", "default": ""},
    "types": {"type": "array", "items": {"type": "string", "minLength": 1}, "default": []},
    "severity": {"type": "string", "enum": ["info", "success", "warn", "error", "fatal"]}}})");
  return schema;
}

const json::object& secret_store_core_schema() {
  static const json::object schema = parse(R"({"type": "object", "properties": {
    "plugin": {"type": "string", "minLength": 1}}})");
  return schema;
}

const json::object& built_in_event_types() {
  static const json::object types = parse(R"({"tocsin.password.*": {"time_to_live": "15m", "sensitive": true}})");
  return types;
}

json::object joined_schema(const json::object& core, const json::object& plugin) {
  json::object joined = core;
  const auto* properties = plugin.if_contains("properties");
  if (!properties || !properties->is_object()) return joined;
  auto& target = joined["properties"].as_object();
  for (const auto& property : properties->get_object()) target.emplace(property.key(), property.value());
  if (const auto* required = plugin.if_contains("required")) joined["required"] = *required;
  return joined;
}

}  // namespace tocsin
