// DNS packets by hand: the query comes back with its answer behind it.
#include "unit/secure_connection/test_name_server.hpp"

#include <array>
#include <stdexcept>

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace tocsin::secure_connection::testing {

// Behind the header (12 bytes) the only question: labels, an empty one, the type and the class.
bool dns_query::asks_for_v4() const {
  const std::size_t type = packet.find('\0', 12) + 1;
  return packet.at(type) == 0 && packet.at(type + 1) == 1;
}

name_server::name_server() : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(socket_, reinterpret_cast<sockaddr*>(&any), sizeof any) != 0) throw std::runtime_error("bind");
}

name_server::~name_server() {
  answering_ = {};
  ::close(socket_);
}

std::string name_server::address() const {
  sockaddr_in own{};
  socklen_t size = sizeof own;
  ::getsockname(socket_, reinterpret_cast<sockaddr*>(&own), &size);
  return "127.0.0.1:" + std::to_string(ntohs(own.sin_port));
}

dns_query name_server::receive() const {
  std::array<char, 1500> packet{};
  dns_query query;
  socklen_t size = sizeof query.from;
  const auto got =
      ::recvfrom(socket_, packet.data(), packet.size(), 0, reinterpret_cast<sockaddr*>(&query.from), &size);
  if (got < 12) throw std::runtime_error("no query came");
  query.packet.assign(packet.data(), static_cast<std::size_t>(got));
  return query;
}

bool name_server::has_query() const {
  pollfd waiting{socket_, POLLIN, 0};
  return ::poll(&waiting, 1, 0) == 1;
}

void name_server::reply(const dns_query& to, int error, const std::string& v4_address) const {
  const std::size_t question_end = to.packet.find('\0', 12) + 5;
  std::string packet = to.packet.substr(0, question_end);
  packet[2] = static_cast<char>(0x81);  // an answer; recursion was asked for
  packet[3] = static_cast<char>(0x80 | error);
  for (const std::size_t count : {6, 8, 10}) packet[count] = packet[count + 1] = 0;
  if (error == 0 && !v4_address.empty() && to.asks_for_v4()) {
    packet[7] = 1;
    // The question's name, A, IN, an hour, four bytes.
    constexpr std::array<unsigned char, 12> record{0xc0, 12, 0, 1, 0, 1, 0, 0, 0x0e, 0x10, 0, 4};
    packet.append(reinterpret_cast<const char*>(record.data()), record.size());
    in_addr address{};
    ::inet_pton(AF_INET, v4_address.c_str(), &address);
    packet.append(reinterpret_cast<const char*>(&address), sizeof address);
  }
  ::sendto(socket_, packet.data(), packet.size(), 0, reinterpret_cast<const sockaddr*>(&to.from), sizeof to.from);
}

void name_server::always_reply(int error, const std::string& v4_address) {
  answering_ = std::jthread([this, error, v4_address](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      pollfd waiting{socket_, POLLIN, 0};
      if (::poll(&waiting, 1, 20) == 1) reply(receive(), error, v4_address);
    }
  });
}

}  // namespace tocsin::secure_connection::testing
