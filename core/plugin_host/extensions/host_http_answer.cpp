// tocsin.host.http_answer/1: what a source says to a request, checked before anything of it is sent.
#include "core/observe/log.hpp"
#include "core/plugin_host/abi_values.hpp"
#include "core/plugin_host/extensions/host_extensions.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace tocsin {
namespace {

constexpr std::uint64_t longest_body = 8u << 20;
constexpr std::uint64_t most_headers = 64;
constexpr std::size_t longest_value = 8192;

// Headers of the connection and of how the body is framed (RFC 9110, 7.6.1), and those that the host writes itself.
constexpr std::array<std::string_view, 14> host_headers{
    "connection",       "content-length", "content-type", "date", "host",    "keep-alive",        "proxy-authenticate",
    "proxy-connection", "server",         "set-cookie",   "te",   "trailer", "transfer-encoding", "upgrade"};

// A token (RFC 9110, 5.6.2).
bool is_header_name(std::string_view name) {
  return !name.empty() && name.size() <= 256 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

// No control character but the tab (RFC 9110, 5.5).
bool is_header_value(std::string_view value) {
  return value.size() <= longest_value && std::all_of(value.begin(), value.end(), [](char c) {
           return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
         });
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
  return out;
}

fault no_answer(std::string what) {
  return {"SOURCE_FAILED", "The source's answer cannot be sent: " + std::move(what), "Tell the plugin's author.", {}};
}

result<void> read_headers(const tocsin_http_answer& from, source_answer& into) {
  if (from.header_count > most_headers)
    return no_answer("it has more than " + std::to_string(most_headers) + " headers.");
  if (from.header_count > 0 && !from.headers) return no_answer("its headers are missing.");
  for (std::uint64_t index = 0; index < from.header_count; ++index) {
    const std::string name = lower(abi::view(from.headers[index].name));
    const auto value = abi::view(from.headers[index].value);
    const std::string shown = abi::line(from.headers[index].name, 64);
    if (!is_header_name(name)) return no_answer("\"" + shown + "\" is no name of a header.");
    if (std::find(host_headers.begin(), host_headers.end(), name) != host_headers.end())
      return no_answer("the header " + shown + " is the host's.");
    if (!is_header_value(value)) return no_answer("the header " + shown + " has a value that no header may have.");
    auto& all = into.headers[name];
    all += (all.empty() ? "" : ", ") + std::string(value);
    if (all.size() > longest_value) return no_answer("its headers " + shown + " are too long together.");
  }
  return {};
}

result<source_answer> read_answer(const tocsin_http_answer& from) {
  if (from.status < 200 || from.status > 599) return no_answer("its status is " + std::to_string(from.status) + ".");
  source_answer answer;
  answer.status = static_cast<int>(from.status);
  if (const auto type = abi::view(from.content_type); !type.empty()) {
    if (!is_header_value(type)) return no_answer("its content type has a value that no header may have.");
    answer.content_type = std::string(type);
  }
  if (from.body.size > longest_body) return no_answer("its body is longer than 8 MiB.");
  if (from.body.size > 0 && !from.body.data) return no_answer("its body is missing.");
  if (from.body.size > 0)
    answer.body.assign(reinterpret_cast<const char*>(from.body.data), static_cast<std::size_t>(from.body.size));
  if (auto read = read_headers(from, answer); !read) return read.error();
  return answer;
}

// For a checked host.
void check_arguments(plugin_instance& instance, const tocsin_http_answer& answer, std::uint32_t size) {
  const argument_check check(instance, "http_answer.answer");
  if (!check) return;
  check.size("tocsin_http_answer", size, TOCSIN_ENDS_AFTER(tocsin_http_answer, status));
  check.text("content_type", answer.content_type);
  check.bytes("body", answer.body);
  check.fields("headers", answer.headers, answer.header_count);
}

void answer(void* context, tocsin_token call, const tocsin_http_answer* from) {
  host_notice(context, allowed::running, "http_answer.answer", [&](plugin_instance& instance) {
    const std::string number = "request " + std::to_string(call.index);
    if (!from) return instance.misbehaves("it answered a request with nothing", number);
    const tocsin_http_answer known = abi::copy_known(from);
    check_arguments(instance, known, from->struct_size);
    auto read = read_answer(known);
    const std::string why = read ? std::string() : read.error().what;
    const auto how = call.generation == 1 ? instance.http_calls.answer(call.index, std::move(read))
                                          : http_call_table::reception::no_call;
    if (how == http_call_table::reception::no_call) {
      instance.misbehaves("it answered a request that is not, or no longer, its own", number);
    } else if (how == http_call_table::reception::late) {
      log::write(log::level::warn, "a source answered too late",
                 {{"plugin", instance.about.id}, {"version", instance.about.version}, {"call", number}});
    } else if (!why.empty()) {
      instance.misbehaves("it answered a request with what is no answer", number + ": " + why);
    }
  });
}

}  // namespace

const tocsin_host_http_answer host_http_answer_table{sizeof(tocsin_host_http_answer), 0, &answer};

}  // namespace tocsin
