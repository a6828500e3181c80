// A small HTTP client for the command line: one request to the running host.
#include "core/http/client.hpp"

#include "core/settings/listen_address.hpp"

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include <limits>

namespace tocsin {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;

fault unreachable(const std::string& address, const std::string& why) {
  return fault{"HOST_UNREACHABLE",
               "No answer from the host at " + address + ": " + why + ".",
               "Is `tocsin serve` running, and with this configuration?",
               {}};
}

asio::generic::stream_protocol::endpoint endpoint_of(const host_address& address) {
  if (!address.unix_path.empty()) return asio::local::stream_protocol::endpoint(address.unix_path);
  return asio::ip::tcp::endpoint(asio::ip::make_address(address.ip), address.port);
}

}  // namespace

result<client_answer> call_host(const std::string& address, const std::string& token, const std::string& method,
                                const std::string& target, const std::string& content_type, const std::string& body,
                                std::chrono::seconds limit) {
  const auto parsed = parse_host_address(address);
  if (!parsed) return parsed.error();

  asio::io_context context;
  beast::basic_stream<asio::generic::stream_protocol> stream(context);
  stream.expires_after(limit);  // for all of it

  http::request<http::string_body> request;
  request.method_string(method);
  request.target(target);
  request.version(11);
  request.set(http::field::host, parsed->unix_path.empty() ? to_text(*parsed) : "localhost");
  request.set(http::field::authorization, "Bearer " + token);
  if (!content_type.empty()) request.set(http::field::content_type, content_type);
  request.keep_alive(false);
  request.body() = body;
  request.prepare_payload();

  beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(std::numeric_limits<std::uint64_t>::max());
  error_code failed;
  stream.async_connect(endpoint_of(*parsed), [&](const error_code& error) {
    if ((failed = error)) return;
    http::async_write(stream, request, [&](const error_code& unwritten, std::size_t) {
      // A host that refuses a large body may answer before it has read all of it.
      http::async_read(stream, buffer, parser, [&, unwritten](const error_code& unread, std::size_t) {
        failed = unread && unwritten ? unwritten : unread;
      });
    });
  });
  context.run();
  if (failed == beast::error::timeout)
    return unreachable(address, "it took longer than " + std::to_string(limit.count()) + " s");
  if (failed) return unreachable(address, failed.message());

  client_answer answer;
  answer.status = static_cast<int>(parser.get().result_int());
  answer.content_type = std::string(parser.get()[http::field::content_type]);
  answer.body = std::move(parser.get().body());
  return answer;
}

}  // namespace tocsin
