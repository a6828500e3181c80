// Calls of the API that show channels, try them out, and have the settings read again.
#include "core/http/api_exchange.hpp"
#include "core/http/channels.hpp"
#include "core/http/query.hpp"
#include "core/model/json.hpp"
#include "core/model/timestamp.hpp"
#include "core/model/utf8.hpp"

#include <boost/json/array.hpp>

#include <map>
#include <memory>
#include <string>
#include <utility>

namespace tocsin {
namespace {

namespace json = boost::json;

fault invalid(std::string key, std::string what, std::string remedy = {}) {
  return {"REQUEST_INVALID", std::move(what), std::move(remedy), at_key(std::move(key))};
}

std::string_view state_of(const channel_status& channel) {
  if (!channel.enabled) return "off";
  if (channel.pause || channel.problem) return "paused";
  return "active";
}

// whole: also what tells of everybody's use of the endpoint, and of the server.
json::value pause_of(const channel_status& channel, bool whole) {
  if (!channel.enabled) return nullptr;
  const auto text = [whole](const std::string& why) {
    return whole ? json::value(make_utf8(why)) : json::value(nullptr);
  };
  if (channel.pause) {
    return json::object{{"code", channel.pause->code},
                        {"detail", text(channel.pause->detail)},
                        {"since", to_rfc3339(channel.pause->since)},
                        {"next_probe", to_rfc3339(channel.pause->probe_at)}};
  }
  if (!channel.problem) return nullptr;
  return json::object{{"code", channel.problem->code},
                      {"detail", text(channel.problem->to_string())},
                      {"since", nullptr},
                      {"next_probe", nullptr}};
}

using backlog_times = std::map<endpoint_key, time_ms>;

json::object shown(const channel_status& channel, const backlog_times& backlog, bool whole) {
  json::object out{{"channel", channel.key.channel}};
  const auto text_or_null = [](const std::string& text) {
    return text.empty() ? json::value(nullptr) : json::value(text);
  };
  out["organization"] = text_or_null(channel.key.organization);
  out["plugin"] = text_or_null(channel.plugin);
  out["preset"] = text_or_null(channel.preset);
  out["state"] = state_of(channel);
  out["pause"] = pause_of(channel, whole);
  const auto due = backlog.find(channel.key);
  const bool waiting = due != backlog.end();
  out["in_flight"] = whole ? json::value(channel.in_flight) : json::value(nullptr);
  out["slots"] = whole ? json::value(channel.slots) : json::value(nullptr);
  out["waiting"] = whole ? json::value(waiting) : json::value(nullptr);
  out["next_attempt"] = whole && waiting ? json::value(to_rfc3339(due->second)) : json::value(nullptr);
  return out;
}

result<void> read_member(std::string_view name, const json::value& value, channel_check& into) {
  const auto* text = value.if_string();
  if (name == "send" && value.is_bool()) {
    into.send = value.get_bool();
  } else if (name == "send") {
    return invalid("send", "It is true or false.");
  } else if (name == "to") {
    if (text == nullptr || text->empty()) return invalid("to", "It is an address, and not empty.");
    into.to = *text;
  } else if (name == "organization") {
    if (value.is_null()) return {};
    if (text == nullptr) return invalid("organization", "It is a name, or null for the host.");
    into.organization = *text;
  } else {
    return invalid(std::string(name), "There is no such member.", "Those taken are to, organization and send.");
  }
  return {};
}

// path: /v1/channels/NAME/...; no body is {}.
result<channel_check> read_check(std::string_view path, std::string_view body) {
  constexpr std::string_view prefix = "/v1/channels/";
  path.remove_prefix(prefix.size());
  channel_check check;
  const auto name = percent_decode(path.substr(0, path.find('/')));
  if (!name) return invalid("", "The channel's name has broken percent-encoding, or is no UTF-8.");
  check.channel = *name;
  if (body.empty()) return check;
  const auto value = parse_json(body);
  if (!value) return value.error();
  const auto* object = value->if_object();
  if (object == nullptr) return invalid("", "The body is a JSON object.");
  for (const auto& [key, member] : *object) {
    if (auto fine = read_member(key, member, check); !fine) return fine.error();
  }
  if (check.send && check.to.empty()) return invalid("to", "A test message needs a recipient.");
  return check;
}

http_answer check_refused(const fault& why) {
  if (why.code == "CHANNEL_UNKNOWN") return problem(404, why, "Not Found");
  return with_header(problem(503, why, "Service Unavailable"), "Retry-After", "10");
}

json::array list_of(const faults& all) {
  json::array list;
  for (const auto& one : all) {
    json::object shown{{"code", one.code}, {"detail", make_utf8(one.what)}, {"remedy", make_utf8(one.remedy)}};
    const auto& [file, line, column, key] = one.place;
    shown["file"] = file.empty() ? json::value(nullptr) : json::value(make_utf8(file));
    shown["line"] = line > 0 ? json::value(line) : json::value(nullptr);
    shown["column"] = column > 0 ? json::value(column) : json::value(nullptr);
    shown["key"] = key.empty() ? json::value(nullptr) : json::value(make_utf8(key));
    list.push_back(std::move(shown));
  }
  return list;
}

http_answer reload_answer(const reload_report& report) {
  if (report.errors.empty()) return ok({{"status", "reloaded"}, {"warnings", list_of(report.warnings)}});
  const auto& first = report.errors.front();
  if (first.code == "HOST_STOPPING")
    return with_header(problem(503, first, "Service Unavailable"), "Retry-After", "10");
  json::object body{{"type", "about:blank"}, {"title", "Unprocessable Content"}, {"status", 422}};
  body["detail"] = make_utf8(first.to_string());
  body["code"] = "SETTINGS_INVALID";
  body["faults"] = list_of(report.errors);
  auto answer = ok(std::move(body));
  answer.status = 422;
  answer.content_type = "application/problem+json";
  return answer;
}

}  // namespace

// A bound token sees what its organization uses: of an endpoint of the host's whether it works, and no more.
void api_exchange::channels() {
  auto self = std::make_shared<api_exchange>(std::move(*this));
  self->parts.store->backlog([self](result<std::vector<endpoint_backlog>> waits) {
    self->answer_with([&parts = self->parts, by = self->by, waits = std::move(waits)] {
      if (!waits) return refusal(waits.error());
      backlog_times due;
      for (const auto& one : *waits) due[one.endpoint] = one.next_attempt;
      json::array list;
      for (const auto& one : parts.channels ? parts.channels(by->organization) : std::vector<channel_status>())
        list.push_back(shown(one, due, by->reaches(one.key.organization)));
      return ok({{"channels", std::move(list)}});
    });
  });
}

bool api_exchange::read_channel_check(std::string_view path, channel_check& check) {
  auto read = read_check(path, request.body);
  if (!read) {
    done(bad_request(read.error()));
    return false;
  }
  check = std::move(*read);
  auto organization = check.organization.empty() ? std::nullopt : std::optional(check.organization);
  if (auto refused = restrict_to(*by, organization)) {
    done(std::move(*refused));
    return false;
  }
  check.organization = organization.value_or("");
  return true;
}

void api_exchange::test_channel(std::string_view path) {
  channel_check check;
  if (!read_channel_check(path, check)) return;
  if (check.to.empty()) return done(bad_request(invalid("to", "It is missing.", "Say who gets the test message.")));
  auto self = std::make_shared<api_exchange>(std::move(*this));
  self->parts.test_channel(std::move(check), [self](result<outcome> sent) {
    self->done(sent ? ok(to_json_object(*sent, *self->parts.codes)) : check_refused(sent.error()));
  });
}

void api_exchange::diagnose_channel(std::string_view path) {
  channel_check check;
  if (!read_channel_check(path, check)) return;
  auto self = std::make_shared<api_exchange>(std::move(*this));
  self->parts.diagnose_channel(std::move(check), [self](result<std::vector<diagnosis_stage>> stages) {
    if (!stages) return self->done(check_refused(stages.error()));
    json::array list;
    for (const auto& stage : *stages) list.push_back(to_json_object(stage, *self->parts.codes));
    self->done(ok({{"ok", !stages->empty() && stages->back().ok}, {"stages", std::move(list)}}));
  });
}

void api_exchange::reload() {
  auto self = std::make_shared<api_exchange>(std::move(*this));
  self->parts.reload([self](const reload_report& report) { self->done(reload_answer(report)); });
}

json::object to_json_object(const diagnosis_stage& stage, const code_table& codes) {
  json::object object{{"stage", stage.stage},
                      {"ok", stage.ok},
                      {"code", stage.code},
                      {"detail", make_utf8(stage.detail)},
                      {"remedy", stage.ok ? "" : codes.find(stage.code).remedy},
                      {"ms", stage.duration_ms}};
  if (!stage.facts.empty()) {
    if (auto facts = parse_json(stage.facts)) object["facts"] = std::move(*facts);
  }
  return object;
}

json::object to_json_object(const outcome& sent, const code_table& codes) {
  const bool got_through = sent.outcome_class == outcome_class::delivered;
  const auto& code = codes.find(sent.code);
  return {{"ok", got_through},
          {"code", sent.code},
          {"detail", make_utf8(sent.detail)},
          {"explanation", code.explanation},
          {"remedy", got_through ? "" : code.remedy},
          {"server_reply", make_utf8(sent.server_reply)}};
}

}  // namespace tocsin
