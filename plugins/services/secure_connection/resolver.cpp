// Looks names up with c-ares: every look-up of every loop on one thread that never waits for a single name server.
#include "plugins/services/secure_connection/resolver.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <map>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include <ares.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/time.h>
#include <unistd.h>

namespace tocsin::secure_connection {
namespace {

namespace asio = boost::asio;
using answer = result<std::vector<std::string>>;

std::string text_of(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, &address, sizeof v4);
    return asio::ip::address_v4(ntohl(v4.sin_addr.s_addr)).to_string();
  }
  if (address.sa_family != AF_INET6) return {};
  sockaddr_in6 v6;
  std::memcpy(&v6, &address, sizeof v6);
  asio::ip::address_v6::bytes_type bytes;
  std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
  return asio::ip::address_v6(bytes, v6.sin6_scope_id).to_string();
}

answer failed(const std::string& host, int status) {
  const bool none = status == ARES_ENOTFOUND || status == ARES_ENODATA || status == ARES_ENONAME;
  const char* code = none ? "DNS_NOT_FOUND" : status == ARES_ETIMEOUT ? "DNS_TIMEOUT" : "DNS_FAILED";
  return failure{"dns", code, host + ": " + ares_strerror(status)};
}

// One name's look-up. It has a channel of its own, so that it reads /etc/resolv.conf as it is now, and takes no part in
// what other look-ups wait for. All on the look-ups' thread.
class lookup {
 public:
  explicit lookup(std::string host) : host_(std::move(host)) {}
  ~lookup() {
    if (channel_ != nullptr) ares_destroy(channel_);
    if (found_ != nullptr) ares_freeaddrinfo(found_);
  }
  lookup(const lookup&) = delete;
  lookup& operator=(const lookup&) = delete;

  bool begun() const { return channel_ != nullptr || status_; }
  void begin(const lookup_options& how) {
    ares_options options{};
    options.timeout = static_cast<int>(how.one_try.count());
    options.tries = how.tries;
    const int mask = (options.timeout > 0 ? ARES_OPT_TIMEOUTMS : 0) | (options.tries > 0 ? ARES_OPT_TRIES : 0);
    int status = ares_init_options(&channel_, &options, mask);
    if (status == ARES_SUCCESS && !how.name_servers.empty()) {
      status = ares_set_servers_ports_csv(channel_, how.name_servers.c_str());
    }
    if (status != ARES_SUCCESS) {
      status_ = status;
      return;
    }
    ares_addrinfo_hints hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    ares_getaddrinfo(channel_, host_.c_str(), nullptr, &hints, &lookup::on_answer, this);
  }

  bool over() const { return status_.has_value(); }
  answer outcome() const {
    if (*status_ != ARES_SUCCESS) return failed(host_, *status_);
    std::vector<std::string> addresses;
    for (const auto* node = found_ == nullptr ? nullptr : found_->nodes; node != nullptr; node = node->ai_next) {
      std::string text = text_of(*node->ai_addr);
      const bool known = std::find(addresses.begin(), addresses.end(), text) != addresses.end();
      if (!text.empty() && !known) addresses.push_back(std::move(text));
    }
    if (addresses.empty()) return failed(host_, ARES_ENODATA);
    return addresses;
  }

  // Adds what it waits for, and shortens the wait to its next time-out.
  void add_waits(std::vector<pollfd>& sockets, int& wait_ms) const {
    std::array<ares_socket_t, ARES_GETSOCK_MAXNUM> all{};
    const auto bits = static_cast<unsigned>(ares_getsock(channel_, all.data(), static_cast<int>(all.size())));
    for (unsigned at = 0; at < all.size(); ++at) {
      const int readable = ARES_GETSOCK_READABLE(bits, at) != 0 ? POLLIN : 0;
      const int writable = ARES_GETSOCK_WRITABLE(bits, at) != 0 ? POLLOUT : 0;
      if (readable != 0 || writable != 0) sockets.push_back({all[at], static_cast<short>(readable | writable), 0});
    }
    timeval next{};
    if (ares_timeout(channel_, nullptr, &next) == nullptr) return;
    const int next_ms = static_cast<int>(next.tv_sec * 1000 + (next.tv_usec + 999) / 1000);
    wait_ms = wait_ms < 0 ? next_ms : std::min(wait_ms, next_ms);
  }
  void go_on(const pollfd& socket) {
    constexpr short broken = POLLERR | POLLHUP | POLLNVAL;
    const bool readable = (socket.revents & (POLLIN | broken)) != 0;
    const bool writable = (socket.revents & POLLOUT) != 0;
    ares_process_fd(channel_, readable ? socket.fd : ARES_SOCKET_BAD, writable ? socket.fd : ARES_SOCKET_BAD);
  }
  void see_timeouts() { ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD); }

 private:
  // Called out of C: only notes what came.
  static void on_answer(void* self, int status, int, ares_addrinfo* found) noexcept {
    static_cast<lookup*>(self)->status_ = status;
    static_cast<lookup*>(self)->found_ = found;
  }

  std::string host_;
  ares_channel channel_ = nullptr;
  std::optional<int> status_;
  ares_addrinfo* found_ = nullptr;
};

// The look-ups under way and their thread.
class lookup_thread {
 public:
  explicit lookup_thread(lookup_options options) : options_(std::move(options)) {
    // c-ares counts these calls without a lock of its own; one for the whole process is enough.
    static const int library = ares_library_init(ARES_LIB_INIT_ALL);
    if (library != ARES_SUCCESS) throw std::system_error(ENOMEM, std::generic_category(), ares_strerror(library));
    wake_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (wake_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
    try {
      thread_ = std::thread([this] { run(); });
    } catch (...) {
      ::close(wake_);
      throw;
    }
  }
  ~lookup_thread() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake();
    thread_.join();
    ::close(wake_);
  }
  lookup_thread(const lookup_thread&) = delete;
  lookup_thread& operator=(const lookup_thread&) = delete;

  void resolve(const std::string& host, asio::io_context& loop, resolver::handler done) {
    {
      const std::lock_guard lock(mutex_);
      auto& waiting = under_way_.try_emplace(host, host).first->second.waiting;
      waiting.push_back({&loop, std::move(done)});
    }
    wake();
  }

  // Nothing is posted to the loop from here on.
  void forget(const asio::io_context& loop) {
    std::vector<waiter> gone;  // what they hold ends without the lock
    const std::lock_guard lock(mutex_);
    for (auto& each : under_way_) {
      auto& waiting = each.second.waiting;
      const auto first =
          std::stable_partition(waiting.begin(), waiting.end(), [&](const waiter& one) { return one.loop != &loop; });
      std::move(first, waiting.end(), std::back_inserter(gone));
      waiting.erase(first, waiting.end());
    }
  }

 private:
  struct waiter {
    asio::io_context* loop;
    resolver::handler done;
  };
  struct entry {
    explicit entry(const std::string& host) : work(host) {}
    lookup work;                  // the thread's
    std::vector<waiter> waiting;  // the lock's
  };

  void wake() {
    const std::uint64_t one = 1;
    // A full counter wakes as well.
    [[maybe_unused]] const auto written = ::write(wake_, &one, sizeof one);
  }

  // The entries under way now; only the thread takes one out, so that they stay where they are meanwhile. Nothing:
  // stop.
  std::optional<std::vector<std::pair<const std::string, entry>*>> all() {
    const std::lock_guard lock(mutex_);
    if (stopping_) return std::nullopt;
    std::vector<std::pair<const std::string, entry>*> found;
    for (auto& each : under_way_) found.push_back(&each);
    return found;
  }

  void hand_out(const std::string& host, const answer& what) {
    decltype(under_way_)::node_type over;
    const std::lock_guard lock(mutex_);  // so that no loop ends under a post
    over = under_way_.extract(host);
    for (waiter& each : over.mapped().waiting) {
      asio::post(*each.loop, [what, done = std::move(each.done)] { done(what); });
    }
  }

  void run() {
    std::vector<pollfd> sockets;
    std::vector<lookup*> owners;  // of all sockets but the first
    while (const auto entries = all()) {
      int wait_ms = -1;
      sockets.assign(1, {wake_, POLLIN, 0});
      owners.assign(1, nullptr);
      for (auto* each : *entries) {
        lookup& work = each->second.work;
        if (!work.begun()) work.begin(options_);
        if (work.over()) {
          hand_out(std::string(each->first), work.outcome());
          continue;
        }
        work.add_waits(sockets, wait_ms);
        owners.resize(sockets.size(), &work);
      }
      ::poll(sockets.data(), sockets.size(), wait_ms);
      std::uint64_t wakes = 0;
      [[maybe_unused]] const auto emptied = ::read(wake_, &wakes, sizeof wakes);
      for (std::size_t at = 1; at < sockets.size(); ++at) {
        if (sockets[at].revents != 0) owners[at]->go_on(sockets[at]);
      }
      still_waiting(owners);
    }
  }

  static void still_waiting(std::vector<lookup*>& works) {
    works.erase(std::unique(works.begin(), works.end()), works.end());
    for (lookup* each : works) {
      if (each != nullptr && !each->over()) each->see_timeouts();
    }
  }

  const lookup_options options_;
  int wake_ = -1;
  std::mutex mutex_;
  bool stopping_ = false;
  std::map<std::string, entry> under_way_;
  std::thread thread_;
};

class system_resolver final : public resolver {
 public:
  system_resolver(std::shared_ptr<lookup_thread> lookups, asio::io_context& loop)
      : lookups_(std::move(lookups)), loop_(loop) {}
  ~system_resolver() override { lookups_->forget(loop_); }
  system_resolver(const system_resolver&) = delete;
  system_resolver& operator=(const system_resolver&) = delete;

  void resolve(const std::string& host, handler done) override { lookups_->resolve(host, loop_, std::move(done)); }

 private:
  std::shared_ptr<lookup_thread> lookups_;
  asio::io_context& loop_;
};

struct shared_lookups {
  std::mutex mutex;
  std::weak_ptr<lookup_thread> thread;
};

}  // namespace

resolver_factory system_resolvers(lookup_options options) {
  return [options = std::move(options), shared = std::make_shared<shared_lookups>()](asio::io_context& loop) {
    const std::lock_guard lock(shared->mutex);
    auto lookups = shared->thread.lock();
    if (lookups == nullptr) {
      lookups = std::make_shared<lookup_thread>(options);
      shared->thread = lookups;
    }
    return std::make_unique<system_resolver>(std::move(lookups), loop);
  };
}

}  // namespace tocsin::secure_connection
