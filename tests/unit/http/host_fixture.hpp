// A listening API, and a raw socket to it.
#pragma once

#include "core/http/listener.hpp"
#include "tests/unit/http/api_fixture.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <condition_variable>
#include <cstring>
#include <filesystem>
#include <functional>
#include <mutex>

namespace tocsin::test {

// A blocking connection that gives up after 20 s, so that a failing test ends.
class raw_client {
 public:
  explicit raw_client(const std::string& address) {
    if (address.starts_with("unix:")) {
      sockaddr_un to{};
      to.sun_family = AF_UNIX;
      std::strncpy(to.sun_path, address.c_str() + 5, sizeof to.sun_path - 1);
      connect(AF_UNIX, &to, sizeof to);
    } else {
      sockaddr_in to{};
      to.sin_family = AF_INET;
      to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
      to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      connect(AF_INET, &to, sizeof to);
    }
  }
  ~raw_client() { ::close(descriptor_); }
  raw_client(const raw_client&) = delete;
  raw_client& operator=(const raw_client&) = delete;

  bool connected() const { return connected_; }
  // False: the peer takes no more.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto size = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (size <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(size));
    }
    return true;
  }
  // Everything up to and with `mark`, or up to the end.
  std::string read_until(std::string_view mark) {
    while (buffer_.find(mark) == std::string::npos && read_more()) {
    }
    const auto at = buffer_.find(mark);
    const auto size = at == std::string::npos ? buffer_.size() : at + mark.size();
    std::string out = buffer_.substr(0, size);
    buffer_.erase(0, size);
    return out;
  }
  std::string read_to_end() {
    while (read_more()) {
    }
    return std::exchange(buffer_, {});
  }
  // One answer with its body, by Content-Length.
  std::string read_answer() {
    std::string head = read_until("\r\n\r\n");
    const auto at = head.find("Content-Length: ");
    if (at == std::string::npos) return head;
    const auto size = std::stoul(head.substr(at + 16));
    while (buffer_.size() < size && read_more()) {
    }
    head += buffer_.substr(0, size);
    buffer_.erase(0, size);
    return head;
  }
  bool ended() { return !read_more() && buffer_.empty(); }

 private:
  template <class Address>
  void connect(int family, const Address* to, socklen_t size) {
    descriptor_ = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    timeval limit{20, 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    connected_ = ::connect(descriptor_, reinterpret_cast<const sockaddr*>(to), size) == 0;
  }
  bool read_more() {
    char bytes[65536];
    const auto size = ::recv(descriptor_, bytes, sizeof bytes, 0);
    if (size > 0) buffer_.append(bytes, static_cast<std::size_t>(size));
    return size > 0;
  }
  int descriptor_ = -1;
  bool connected_ = false;
  std::string buffer_;
};

class Listening : public Api {
 protected:
  void TearDown() override {
    listener_.reset();
    pool_.stop();
    if (!folder_.empty()) std::filesystem::remove_all(folder_);
  }
  void listen(listener_limits limits = {}, std::string address = "127.0.0.1:0") {
    auto opened = http_listener::open(pool_, api_, address, limits);
    ASSERT_TRUE(opened) << opened.error().to_string();
    listener_ = std::move(*opened);
  }
  std::string socket_path() {
    if (folder_.empty()) {
      std::string name = (std::filesystem::temp_directory_path() / "tocsin-http-XXXXXX").string();
      folder_ = ::mkdtemp(name.data());
    }
    return (folder_ / "http.sock").string();
  }
  static std::string get(const std::string& target, const std::string& headers = "") {
    return "GET " + target + " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + token + "\r\n" + headers +
           "\r\n";
  }
  static std::string post_head(const std::string& headers) {
    return "POST /v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + std::string(token) +
           "\r\nContent-Type: application/cloudevents+json\r\n" + headers + "\r\n";
  }
  static std::string post(const std::string& body, const std::string& headers = "") {
    return post_head("Content-Length: " + std::to_string(body.size()) + "\r\n" + headers) + body;
  }

  executor pool_{2};
  std::unique_ptr<http_listener> listener_;
  std::filesystem::path folder_;
};

}  // namespace tocsin::test
