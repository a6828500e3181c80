// The plugins that come with Tocsin, stopped in the middle of their work: after it no thread of theirs is left, and
// none of them calls.
#include "core/settings/settings.hpp"
#include "unit/plugin_host/support.hpp"

#include <boost/json/serialize.hpp>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

namespace tocsin::test {
namespace {

std::set<std::string> threads_now() {
  std::set<std::string> threads;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task"))
    threads.insert(entry.path().filename());
  return threads;
}

// A server that takes connections and never says a word.
class silent_server {
 public:
  silent_server() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    if (::bind(socket_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(socket_, 8) != 0 ||
        ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      throw std::runtime_error("no port on 127.0.0.1");
    }
    port_ = ntohs(address.sin_port);
  }
  ~silent_server() { ::close(socket_); }
  silent_server(const silent_server&) = delete;
  silent_server& operator=(const silent_server&) = delete;
  std::uint16_t port() const { return port_; }
  // Waits until somebody has connected.
  bool is_visited() const {
    const int visitor = ::accept(socket_, nullptr, nullptr);
    return visitor >= 0;  // and stays open, as long as the process
  }

 private:
  int socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::uint16_t port_ = 0;
};

TEST(AfterStop, NoThreadOfAPluginIsLeftAndNoneOfThemCalls) {
  const silent_server server;
  const temporary_folder folder;
  std::ofstream(folder.path() / "license.json")
      << R"({"product":"P","holder":"H","expires":"1970-02-01T00:00:00Z","seats":1,"used":1})";
  captured_log log;
  fake_house house;
  house.answer = [](const source_publication& what) -> result<publication_result> {
    return publication_result{what.events.size(), 0};
  };
  auto services = house.services();
  const auto before = threads_now();

  faults warnings;
  const std::vector<std::filesystem::path> folders{BUILT_IN_PLUGINS};
  const auto found = discover_plugins(folders, warnings);
  ASSERT_TRUE(found) << found.error().to_string();
  manifest_catalogue catalogue;
  for (const auto& one : *found) {
    ASSERT_EQ(one.state, plugin_state::verified) << one.reason;
    catalogue.emplace(one.id, one.manifest);
  }
  const auto loaded = parse_settings(
      "[channels.email]\nplugin = \"smtp\"\nhost = \"127.0.0.1\"\nport = " + std::to_string(server.port()) +
          "\nfrom_address = \"a@example.org\"\n"
          "[sources.license]\nplugin = \"license-status\"\npath = \"license.json\"\n",
      folder.path() / "tocsin.toml", catalogue);
  ASSERT_TRUE(loaded.errors.empty()) << loaded.errors.front().to_string();

  plugin_host host(services, *found);
  host.start(nullptr);
  for (const auto& one : host.plugins()) ASSERT_EQ(one.state, plugin_state::active) << one.id << ": " << one.reason;
  const auto& source = loaded.value->sources().front();
  ASSERT_TRUE(host.open_source(source.plugin,
                               {source.name, source.organization, boost::json::serialize(source.settings), 1024}));
  const auto endpoint = loaded.value->endpoint("email", "");
  ASSERT_TRUE(endpoint);
  const auto channel = host.channel("smtp");
  ASSERT_NE(channel, nullptr);
  const auto opened = channel->open(**endpoint);
  ASSERT_TRUE(opened) << opened.error().to_string();
  auto message = message_to("b@example.org");
  message.endpoint = opened->token;
  message.payload = std::make_shared<const event>();
  channel->deliver({&message, 1});
  ASSERT_TRUE(server.is_visited());  // the delivery waits for a greeting that never comes
  EXPECT_GT(threads_now().size(), before.size());

  host.stop();
  EXPECT_FALSE(host.left_behind());
  EXPECT_EQ(house.outcomes.wait(1).size(), 1u);
  const auto published = house.publications.size();
  // A thread that was joined leaves /proc a moment later; one that is left never does.
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (threads_now() != before && std::chrono::steady_clock::now() < limit) std::this_thread::yield();
  EXPECT_EQ(threads_now(), before);
  EXPECT_EQ(house.publications.size(), published);
  EXPECT_EQ(house.outcomes.size(), 1u);
  EXPECT_EQ(log.count("plugin is misbehaving"), 0u);
}

}  // namespace
}  // namespace tocsin::test
