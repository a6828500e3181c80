// What a round trip costs once a stream is warm: no allocation in C++ code on its thread, be it in clear or in TLS.
#include "plugins/services/secure_connection/service.hpp"
#include "unit/secure_connection/test_server.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <new>

namespace {
thread_local std::size_t allocations = 0;

void* counted(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
}  // namespace

void* operator new(std::size_t size) { return counted(size); }
void* operator new[](std::size_t size) { return counted(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace tocsin::secure_connection::testing {
namespace {

// Answers every DATA with a line, as a protocol does, and notes what the warm rounds allocated.
struct line_client {
  static constexpr int warm_up = 50;
  static constexpr int rounds = 300;
  service* streams = nullptr;
  int seen = 0;
  std::size_t allocated_before = 0;
  std::promise<std::size_t> allocated;

  static void event(void* context, const tocsin_stream_event* event) {
    auto& self = *static_cast<line_client*>(context);
    if (event->kind == TOCSIN_STREAM_DATA) {
      ++self.seen;
      if (self.seen == warm_up) self.allocated_before = allocations;
      if (self.seen == rounds) self.allocated.set_value(allocations - self.allocated_before);
    }
    if (event->kind == TOCSIN_STREAM_DATA || event->kind == TOCSIN_STREAM_CONNECTED) {
      self.streams->set_deadline(event->stream, 300'000);
      self.streams->write(event->stream, "MAIL FROM:<noreply@example.org>\r\n");
      self.streams->write(event->stream, "RCPT TO:<ops@example.org>\r\n");
    }
  }
};

std::size_t allocated_by_warm_rounds(const std::string& mode) {
  const key_pair authority = make_authority("Test CA");
  certificate_spec spec;
  spec.alternative_names = "IP:127.0.0.1";
  const key_pair identity = make_certificate(spec, &authority);
  const auto tls = make_server_context(identity);
  char pattern[] = "/tmp/tocsin-stream-XXXXXX";
  const std::filesystem::path folder = mkdtemp(pattern);
  std::ofstream(folder / "ca.pem") << authority.certificate_pem();

  service_options options;
  options.loops = 1;
  service streams(std::move(options));
  streams.start();
  server_socket server;
  line_client client;
  client.streams = &streams;
  const auto target = streams.open_target(R"({"host":"127.0.0.1","port":)" + std::to_string(server.port()) +
                                          R"(,"secure_connection":")" + mode + R"(","tls":{"ca_file":")" +
                                          (folder / "ca.pem").string() + R"("}})");
  std::filesystem::remove_all(folder);
  tocsin_token stream{};
  streams.connect(*target, {sizeof(tocsin_stream_handler), 0, &line_client::event}, &client, &stream);
  auto side = server.accept();
  if (mode == "implicit") {
    EXPECT_TRUE(side.accept_tls(tls.get()));
  }
  for (int round = 0; round < line_client::rounds; ++round) {
    side.receive();
    side.send("250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n");
  }
  const std::size_t allocated = client.allocated.get_future().get();
  streams.stop();
  return allocated;
}

TEST(StreamAllocations, ARoundTripInClearHasNone) { EXPECT_EQ(allocated_by_warm_rounds("off"), 0u); }

TEST(StreamAllocations, ARoundTripInTlsHasNoneOfOurs) { EXPECT_EQ(allocated_by_warm_rounds("implicit"), 0u); }

}  // namespace
}  // namespace tocsin::secure_connection::testing
