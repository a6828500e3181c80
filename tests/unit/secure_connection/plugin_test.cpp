// The plugin's library as a host sees it: loaded, started, used through its C table, stopped.
#include "unit/secure_connection/test_server.hpp"

#include <tocsin/abi/entry.h>
#include <tocsin/abi/ext/stream.h>
#include <tocsin/sdk/string.hpp>

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tocsin::secure_connection::testing {
namespace {

using ::testing::HasSubstr;

class Plugin : public ::testing::Test {
 protected:
  void* library_ = dlopen(TOCSIN_TEST_PLUGIN, RTLD_NOW | RTLD_LOCAL);
  tocsin_host host_{
      sizeof(tocsin_host), TOCSIN_ABI_VERSION, nullptr,
      sdk::to_abi("test"), sdk::to_abi("0"),   [](void*, tocsin_string) -> const void* { return nullptr; }};
  const tocsin_plugin* plugin_ = nullptr;
  const tocsin_stream* streams_ = nullptr;
  sdk::string_sink error_;

  void SetUp() override {
    ASSERT_NE(library_, nullptr) << dlerror();
    const auto entry = reinterpret_cast<decltype(&tocsin_plugin_entry_v1)>(dlsym(library_, TOCSIN_ENTRY_SYMBOL))();
    EXPECT_EQ(sdk::view(entry->id), "secure-connection");
    ASSERT_EQ(entry->create(&host_, &plugin_, error_.get()), TOCSIN_OK) << error_.text();
    streams_ = static_cast<const tocsin_stream*>(plugin_->get_extension(plugin_->self, sdk::to_abi(TOCSIN_EXT_STREAM)));
    ASSERT_NE(streams_, nullptr);
    ASSERT_EQ(plugin_->start(plugin_->self, error_.get()), TOCSIN_OK) << error_.text();
  }
  void TearDown() override {
    if (plugin_ == nullptr) return;
    plugin_->stop(plugin_->self);
    plugin_->destroy(plugin_->self);
  }
};

TEST_F(Plugin, OffersNoOtherExtension) {
  EXPECT_EQ(plugin_->get_extension(plugin_->self, sdk::to_abi("tocsin.channel/1-draft")), nullptr);
}

TEST_F(Plugin, CarriesADialogueThroughItsTable) {
  server_socket server;
  tocsin_token target{};
  const std::string settings =
      R"({"host":"127.0.0.1","secure_connection":"off","port":)" + std::to_string(server.port()) + "}";
  ASSERT_EQ(streams_->open_target(plugin_->self, sdk::to_abi(settings), &target, error_.get()), TOCSIN_OK);
  consumer consumer;
  sdk::string_sink facts;
  consumer.on_event = [&](const tocsin_stream_event& event) {
    if (event.kind == TOCSIN_STREAM_CONNECTED) {
      streams_->facts(plugin_->self, event.stream, facts.get());
      streams_->write(plugin_->self, event.stream, sdk::to_bytes("EHLO\r\n"));
    }
    if (event.kind == TOCSIN_STREAM_DATA) streams_->close(plugin_->self, event.stream);
  };
  const tocsin_stream_handler handler = consumer.handler();
  tocsin_token stream{};
  ASSERT_EQ(streams_->connect(plugin_->self, target, &handler, &consumer, &stream), TOCSIN_OK);
  streams_->close_target(plugin_->self, target);
  auto side = server.accept();
  EXPECT_EQ(side.receive(6), "EHLO\r\n");
  side.send("250 ok\r\n");
  EXPECT_EQ(side.receive(), "");
  ASSERT_TRUE(consumer.wait_for_end());
  EXPECT_THAT(facts.text(), HasSubstr(R"("tls":null)"));
}

TEST_F(Plugin, SaysWhyATargetIsRefused) {
  tocsin_token target{};
  const auto status = streams_->open_target(plugin_->self, sdk::to_abi(R"({"host":"h"})"), &target, error_.get());
  EXPECT_EQ(status, TOCSIN_INVALID);
  EXPECT_THAT(error_.text(), HasSubstr("port: "));
  EXPECT_EQ(target.index, 0u);
}

TEST_F(Plugin, RefusesAHandlerThatIsNone) {
  tocsin_token stream{};
  const tocsin_stream_handler without_function{sizeof(tocsin_stream_handler), 0, nullptr};
  EXPECT_EQ(streams_->connect(plugin_->self, {1, 1}, nullptr, nullptr, &stream), TOCSIN_INVALID);
  EXPECT_EQ(streams_->connect(plugin_->self, {1, 1}, &without_function, nullptr, &stream), TOCSIN_INVALID);
}

}  // namespace
}  // namespace tocsin::secure_connection::testing
