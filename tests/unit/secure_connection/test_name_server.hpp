// A name server on loopback that says what a test says, or nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <thread>

#include <netinet/in.h>

namespace tocsin::secure_connection::testing {

struct dns_query {
  std::string packet;
  sockaddr_in from{};

  bool asks_for_v4() const;  // else for IPv6
};

class name_server {
 public:
  name_server();
  ~name_server();
  name_server(const name_server&) = delete;
  name_server& operator=(const name_server&) = delete;

  std::string address() const;  // "127.0.0.1:PORT"
  // Waits for a query.
  dns_query receive() const;
  // True if a query lies there, unread.
  bool has_query() const;
  // Answers with an error's number (3: no such name), or with 0 and that IPv4 address, if the query asks for one.
  void reply(const dns_query& to, int error, const std::string& v4_address = {}) const;
  // Answers every query so from now on.
  void always_reply(int error, const std::string& v4_address = {});

 private:
  int socket_ = -1;
  std::jthread answering_;
};

}  // namespace tocsin::secure_connection::testing
