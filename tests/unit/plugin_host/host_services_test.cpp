// What every plugin finds at its host: extensions, the log, services of other plugins.
#include "core/plugin_host/extensions/host_extensions.hpp"
#include "support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tocsin {
namespace {

using testing::HasSubstr;

TEST(HostExtensions, AreFoundByTheirIdAndNoOtherIs) {
  test::fake_house house;
  test::fake_plugin plugin;
  const test::running_plugin running(house, plugin);
  for (const char* id : {TOCSIN_HOST_LOG, TOCSIN_HOST_CLOCK, TOCSIN_HOST_TIMER, TOCSIN_HOST_SECRETS,
                         TOCSIN_HOST_SERVICES, TOCSIN_HOST_COMPLETE, TOCSIN_HOST_PUBLISH, TOCSIN_HOST_DOCTOR})
    EXPECT_NE(plugin.host->get_extension(plugin.host->context, test::text(id)), nullptr) << id;
  EXPECT_EQ(plugin.host->get_extension(plugin.host->context, test::text("tocsin.host.log/2")), nullptr);
  EXPECT_EQ(plugin.host->get_extension(plugin.host->context, test::text("")), nullptr);
}

TEST(HostLog, WritesAPluginsLineUnderItsNameOnOneLine) {
  const test::captured_log log;
  test::fake_house house;
  test::fake_plugin plugin;
  const test::running_plugin running(house, plugin);
  const tocsin_field fields[] = {{test::text("path"), test::text("a\nb")}};
  const auto& table = plugin.of_host<tocsin_host_log>(TOCSIN_HOST_LOG);
  table.write(plugin.host->context, TOCSIN_LOG_WARN, test::text("file\nis gone"), fields, 1);
  table.write(plugin.host->context, TOCSIN_LOG_HOST_MISBEHAVING, test::text("host broke it"), nullptr, 5);
  ASSERT_EQ(log.lines("file is gone").size(), 1u);
  EXPECT_THAT(log.lines("file is gone")[0], HasSubstr("plugin=fake path=\"a b\""));
  EXPECT_THAT(log.lines("file is gone")[0], HasSubstr("warn"));
  EXPECT_THAT(log.lines("host broke it")[0], HasSubstr("misbehaving=host"));
}

TEST(HostServices, FindsOnlyWhatTheManifestRequires) {
  const test::captured_log log;
  test::fake_house house;
  test::fake_plugin plugin;
  test::running_plugin running(house, plugin);
  int table = 0, self = 0;
  running->required.emplace("tocsin.stream/1-draft", service_table{&table, &self});
  const auto& services = plugin.of_host<tocsin_host_services>(TOCSIN_HOST_SERVICES);
  tocsin_service service{sizeof(service), 0, nullptr, nullptr};
  EXPECT_EQ(services.find(plugin.host->context, test::text("tocsin.stream/1-draft"), &service), TOCSIN_OK);
  EXPECT_EQ(service.table, &table);
  EXPECT_EQ(service.self, &self);
  EXPECT_EQ(service.struct_size, sizeof(service));
  EXPECT_EQ(services.find(plugin.host->context, test::text("other/1"), &service), TOCSIN_UNSUPPORTED);
  EXPECT_EQ(log.count("it asked for a service that its manifest does not name"), 1u);
}

TEST(Misbehaviour, IsLoggedLessOftenAsItGoesOn) {
  const test::captured_log log;
  test::fake_house house;
  test::fake_plugin plugin;
  test::running_plugin running(house, plugin);
  for (int count = 0; count < 1000; ++count) running->misbehaves("again");
  EXPECT_EQ(log.count("plugin is misbehaving"), 16u + 5u);  // and at 32, 64, 128, 256, 512
}

}  // namespace
}  // namespace tocsin
