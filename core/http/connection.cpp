// One HTTP connection: reads a request, has it answered, writes the answer, and again.
#include "core/http/connection.hpp"

#include "core/http/query.hpp"
#include "core/http/request_head.hpp"
#include "core/observe/log.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include <algorithm>
#include <atomic>
#include <optional>
#include <thread>
#include <utility>

namespace tocsin {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;

using stream_type = beast::basic_stream<asio::generic::stream_protocol>;
using parser_type = http::request_parser<http::string_body>;
constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

// How long, and how much, a peer may go on sending what will not be read, so that it comes to read the answer that says
// so: a socket that is closed on unread bytes takes its answer back.
constexpr std::chrono::seconds linger_time{2};
constexpr std::size_t linger_bytes = 64u << 20;

constexpr std::size_t read_size = 16u << 10;
// More than a header and the pieces of a body; a chunk's size and extensions must fit, too.
constexpr std::size_t buffer_size = 64u << 10;

constexpr std::string_view end_of_header = "\r\n\r\n";

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
  return out;
}

// "text/JSON ; charset=utf-8" is "text/json".
std::string media_type(std::string_view header) {
  header = header.substr(0, header.find(';'));
  while (!header.empty() && (header.back() == ' ' || header.back() == '\t')) header.remove_suffix(1);
  return lower(header);
}

http_answer busy(std::string_view detail) {
  auto answer = problem(503, "HOST_BUSY", "Service Unavailable", detail);
  answer.headers["Retry-After"] = "1";
  return answer;
}

http_answer out_of_memory(bool to_source) {
  return busy(to_source ? "The bodies of the requests to sources take up all the memory that they may have."
                        : "The bodies of the requests under way take up all the memory that they may have.");
}

// What one request has of what all may have.
struct request_share {
  budget::share body;
  budget::share place;  // among the requests to sources

  // Before the answer goes out: whoever has it finds room for the next request.
  void give_back() {
    body.give_back();
    place.give_back();
  }
};

void tell(const std::string& method, const std::string& path, const http_answer& answer) {
  log::write(log::level::debug, "request answered",
             {{"method", method}, {"path", path}, {"status", std::to_string(answer.status)}});
}

// What to tell a peer whose request cannot be read; nothing: it is gone, or was cut off for being slow.
std::optional<http_answer> answer_to(const error_code& error, const listener_limits& limits) {
  if (error == http::error::body_limit) {
    return problem(413, "BODY_TOO_LARGE", "Content Too Large",
                   "A body has at most " + std::to_string(limits.max_body) + " bytes (http.max_body).");
  }
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return problem(431, "HEADER_TOO_LARGE", "Request Header Fields Too Large",
                   "The header has at most " + std::to_string(limits.max_header) + " bytes.");
  }
  const bool malformed = error.category() == make_error_code(http::error::bad_method).category() &&
                         error != http::error::end_of_stream && error != http::error::partial_message;
  if (malformed)
    return problem(400, "REQUEST_INVALID", "Bad Request", "This is not HTTP/1.1: " + error.message() + ".");
  return std::nullopt;
}

class connection final : public http_connection, public std::enable_shared_from_this<connection> {
 public:
  connection(socket peer, api& handler, const listener_limits& limits, request_budgets budgets,
             std::function<void(http_connection*)> ended)
      : stream_(std::move(peer)),
        api_(handler),
        limits_(limits),
        budgets_(std::move(budgets)),
        ended_(std::move(ended)) {}

  void run() { asio::co_spawn(stream_.get_executor(), serve(shared_from_this()), asio::detached); }

  void finish() override {
    asio::post(stream_.get_executor(), [self = shared_from_this()] {
      self->finishing_ = true;
      if (self->idle_) self->stream_.close();
    });
  }

  void cut() override {
    asio::post(stream_.get_executor(), [self = shared_from_this()] {
      self->finishing_ = true;
      self->stream_.close();
    });
  }

 private:
  using self_pointer = std::shared_ptr<connection>;

  asio::awaitable<void> serve(self_pointer self);
  asio::awaitable<bool> wait_for_request(bool first);
  asio::awaitable<error_code> read_header(parser_type& parser, std::optional<http_answer>& refusal);
  asio::awaitable<error_code> read_body(parser_type& parser, budget::share& share);
  admission admit(const parser_type& parser, http_request& request, request_share& share);
  std::optional<http_answer> refuse(const parser_type& parser, const admission& admitted, request_share& share);
  bool pass_over_body(const parser_type& parser);
  asio::awaitable<bool> refuse_unread(http_answer answer);
  asio::awaitable<http_answer> ask(http_request request, const admission& admitted);
  asio::awaitable<bool> serve_one(bool first);
  asio::awaitable<bool> write(http_answer answer, bool head, unsigned version, bool keep_alive);
  asio::awaitable<void> linger();

  stream_type stream_;
  api& api_;
  const listener_limits limits_;
  const request_budgets budgets_;
  std::function<void(http_connection*)> ended_;
  beast::flat_buffer buffer_{buffer_size};
  bool idle_ = true;
  bool finishing_ = false;
};

asio::awaitable<void> connection::serve(self_pointer self) {
  // Also where an exception, or the end of the pool, ends this coroutine before its end.
  struct ending {
    connection& of;
    ~ending() {
      of.stream_.close();
      of.ended_(&of);
    }
  };
  const ending at_the_end{*self};
  bool first = true;
  bool more = true;
  while (more) {
    more = co_await self->serve_one(first);
    first = false;
  }
}

// A connection may be silent between requests, but a request that has begun must go on.
asio::awaitable<bool> connection::wait_for_request(bool first) {
  if (buffer_.size() > 0) co_return true;
  idle_ = true;
  if (finishing_) co_return false;
  stream_.expires_after(first ? limits_.header_time : limits_.idle_time);
  auto [error, size] = co_await stream_.async_read_some(buffer_.prepare(4096), as_result);
  idle_ = false;
  buffer_.commit(size);
  co_return !error;
}

// A refusal, where the header is one that is not even parsed; what follows it stays in the buffer.
asio::awaitable<error_code> connection::read_header(parser_type& parser, std::optional<http_answer>& refusal) {
  parser.header_limit(limits_.max_header);
  parser.body_limit(boost::none);  // what may come is said when the header has been looked at
  stream_.expires_after(limits_.header_time);
  const auto come = [this] {
    return std::string_view(static_cast<const char*>(buffer_.data().data()), buffer_.size());
  };
  std::size_t seen = 0;
  auto end = std::string_view::npos;
  for (;;) {
    for (; come().starts_with("\r\n"); seen = 0) buffer_.consume(2);  // RFC 9112, 2.2: empty lines before a request
    end = come().find(end_of_header, seen - std::min<std::size_t>(seen, 3));
    if (end != std::string_view::npos) break;
    if (come().size() > limits_.max_header) co_return http::error::header_limit;
    if ((refusal = check_part_of_head(come()))) co_return error_code();
    seen = come().size();
    auto [error, size] = co_await stream_.async_read_some(buffer_.prepare(4096), as_result);
    if (error) co_return error;
    buffer_.commit(size);
  }
  const auto head = come().substr(0, end + end_of_header.size());
  if (head.size() > limits_.max_header) co_return http::error::header_limit;
  if ((refusal = check_head(head))) co_return error_code();
  error_code error;
  buffer_.consume(parser.put(asio::buffer(head.data(), head.size()), error));
  co_return error;
}

// What the header alone is enough to refuse; where there is no refusal, the body is wanted.
admission connection::admit(const parser_type& parser, http_request& request, request_share& share) {
  const auto& message = parser.get();
  auto admitted = api_.admit(request);
  if (!admitted.refusal) admitted.refusal = refuse(parser, admitted, share);
  if (!admitted.refusal && admitted.to_source) {
    for (const auto& field : message) request.headers.emplace_back(lower(field.name_string()), field.value());
  }
  return admitted;
}

std::optional<http_answer> connection::refuse(const parser_type& parser, const admission& admitted,
                                              request_share& share) {
  const auto size = parser.content_length().value_or(0);
  if (!admitted.takes_body && (size > 0 || parser.chunked()))
    return problem(413, "BODY_TOO_LARGE", "Content Too Large", "This address takes no body.");
  if (size > limits_.max_body) return answer_to(http::error::body_limit, limits_);
  share.body.draw_on(admitted.to_source ? budgets_.source_bodies : budgets_.bodies);
  share.place.draw_on(budgets_.source_requests);
  if (admitted.to_source && !share.place.grow_to(1))
    return busy(std::to_string(limits_.source_requests) + " requests to sources are under way, and no more are taken.");
  // What has only been announced takes nothing away from others.
  if (!share.body.could_grow_to(size)) return out_of_memory(admitted.to_source);
  return std::nullopt;
}

// A small body that came with its header costs nothing to pass over. True: the next request is what comes next.
bool connection::pass_over_body(const parser_type& parser) {
  const auto size = parser.content_length().value_or(0);
  if (parser.chunked() || size > buffer_.size()) return false;
  buffer_.consume(size);
  return true;
}

// The answer to a request whose body comes all the same: it is read no further than it takes to be heard.
asio::awaitable<bool> connection::refuse_unread(http_answer answer) {
  const bool written = co_await write(std::move(answer), false, 11, false);
  if (written) co_await linger();
  co_return false;
}

// As long as the body comes it may take its time, but no less than body_rate counts as coming.
asio::awaitable<error_code> connection::read_body(parser_type& parser, budget::share& share) {
  parser.body_limit(limits_.max_body);
  if (parser.is_done()) co_return error_code();
  if (beast::iequals(parser.get()[http::field::expect], "100-continue") && parser.get().version() >= 11) {
    const std::string go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    stream_.expires_after(limits_.idle_time);
    auto [unwritten, written] = co_await asio::async_write(stream_, asio::buffer(go_on), as_result);
    if (unwritten) co_return unwritten;
  }
  const auto began = std::chrono::steady_clock::now();
  while (!parser.is_done()) {
    const auto come = parser.get().body().size();
    const auto earned = std::chrono::milliseconds(come * 1'000 / limits_.body_rate);
    stream_.expires_at(
        std::min(began + limits_.body_time + earned, std::chrono::steady_clock::now() + limits_.idle_time));
    auto [failed, more] = co_await http::async_read_some(stream_, buffer_, parser, as_result);
    if (failed) co_return failed;
    if (!share.grow_to(parser.get().body().size())) co_return asio::error::no_memory;
  }
  co_return error_code();
}

asio::awaitable<http_answer> connection::ask(http_request request, const admission& admitted) {
  stream_.expires_never();
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(http_answer)>(
      [this, &admitted](auto handler, http_request asked) {
        struct question {
          explicit question(decltype(handler)&& waiting) : go_on(std::move(waiting)) {}
          decltype(handler) go_on;
          // Answers that are there at once must not go on before this returns; others save themselves a turn.
          std::atomic<std::thread::id> asking = std::this_thread::get_id();
          std::atomic_flag answered;
        };
        auto open = std::make_shared<question>(std::move(handler));
        const auto done = [executor = stream_.get_executor(), open](http_answer answer) {
          if (open->answered.test_and_set()) return;
          auto go_on = [open, answer = std::move(answer)]() mutable { open->go_on(std::move(answer)); };
          if (open->asking.load() == std::this_thread::get_id()) {
            asio::post(executor, std::move(go_on));
          } else {
            asio::dispatch(executor, std::move(go_on));
          }
        };
        try {
          api_.handle(std::move(asked), admitted, done);
        } catch (const std::exception& failed) {
          log::write(log::level::error, "a request cannot be answered", {{"cause", failed.what()}});
          done(problem(500, "REQUEST_FAILED", "Internal Server Error", "The host could not work on this request."));
        }
        open->asking = std::thread::id();
      },
      asio::use_awaitable, std::move(request));
}

// True: the connection stays for another request.
asio::awaitable<bool> connection::serve_one(bool first) {
  const bool asked = co_await wait_for_request(first);
  if (!asked) co_return false;
  buffer_.reserve(read_size);
  parser_type parser;
  std::optional<http_answer> unreadable;
  const auto unread = co_await read_header(parser, unreadable);
  if (unread) unreadable = answer_to(unread, limits_);
  if (unreadable) co_return co_await refuse_unread(std::move(*unreadable));
  if (unread) co_return false;
  http_request request;
  request.method = std::string(parser.get().method_string());
  request.target = origin_form(parser.get().target());
  request.content_type = media_type(parser.get()[http::field::content_type]);
  request.authorization = std::string(parser.get()[http::field::authorization]);
  const std::string method = request.method;
  const std::string path(split_target(request.target).path);
  const unsigned version = parser.get().version();
  const bool keep_alive_wanted = parser.get().keep_alive();

  request_share share;
  auto admitted = admit(parser, request, share);
  if (auto& refused = admitted.refusal) {
    share.give_back();
    tell(method, path, *refused);
    const bool passed = refused->status != 400 && pass_over_body(parser);
    if (!passed) co_return co_await refuse_unread(std::move(*refused));
    const bool keep_alive = keep_alive_wanted && !finishing_;
    const bool written = co_await write(std::move(*refused), method == "HEAD", version, keep_alive);
    co_return written&& keep_alive;
  }
  const auto failed = co_await read_body(parser, share.body);
  if (failed) {
    auto answer = failed == asio::error::no_memory ? out_of_memory(admitted.to_source) : answer_to(failed, limits_);
    if (!answer) co_return false;
    share.give_back();
    tell(method, path, *answer);
    co_return co_await refuse_unread(std::move(*answer));
  }
  request.body = std::move(parser.get().body());

  auto answer = co_await ask(std::move(request), admitted);
  share.give_back();
  tell(method, path, answer);
  const bool keep_alive = keep_alive_wanted && !finishing_;
  const bool written = co_await write(std::move(answer), method == "HEAD", version, keep_alive);
  co_return written&& keep_alive;
}

asio::awaitable<bool> connection::write(http_answer answer, bool head, unsigned version, bool keep_alive) {
  http::response<http::string_body> message(static_cast<http::status>(answer.status), version);
  const bool bodiless = answer.status == 204 || answer.status == 304;
  message.set(http::field::cache_control, "no-store");
  for (const auto& [name, value] : answer.headers) message.set(name, value);
  if (!bodiless) message.set(http::field::content_type, answer.content_type);
  message.keep_alive(keep_alive);
  if (!bodiless) message.content_length(answer.body.size());
  if (!head && !bodiless) message.body() = std::move(answer.body);
  stream_.expires_after(limits_.idle_time);
  http::response_serializer<http::string_body> serializer(message);
  // One after the other, not `head ? ... : ...`: GCC 12 destroys the operands of such a co_await twice.
  if (head) {
    auto [error, size] = co_await http::async_write_header(stream_, serializer, as_result);
    co_return !error;
  }
  auto [error, size] = co_await http::async_write(stream_, serializer, as_result);
  co_return !error;
}

asio::awaitable<void> connection::linger() {
  error_code ignored;
  stream_.socket().shutdown(asio::socket_base::shutdown_send, ignored);
  stream_.expires_after(linger_time);
  std::vector<char> unread(read_size);
  for (std::size_t all = 0; all < linger_bytes;) {
    auto [error, size] = co_await stream_.async_read_some(asio::buffer(unread), as_result);
    if (error) co_return;
    all += size;
  }
}

}  // namespace

std::shared_ptr<http_connection> http_connection::start(socket peer, api& handler, const listener_limits& limits,
                                                        request_budgets budgets,
                                                        std::function<void(http_connection*)> ended) {
  auto made = std::make_shared<connection>(std::move(peer), handler, limits, std::move(budgets), std::move(ended));
  made->run();
  return made;
}

}  // namespace tocsin
