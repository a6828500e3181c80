// Tables of plugins that were built for an older release, or a newer one, than this host.
#include "core/plugin_host/plugin_tables.hpp"

#include "core/plugin_host/abi_values.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace tocsin {
namespace {

using testing::HasSubstr;

constexpr std::size_t grown_by = 64;

struct function_at {
  const char* name;
  std::size_t offset;
};

// One extension's table as the host knows it.
struct known_table {
  const char* id;
  std::size_t size;
  std::vector<function_at> functions;  // in their order

  friend void PrintTo(const known_table& table, std::ostream* out) { *out << table.id; }
};

#define FUNCTION_OF(TABLE, NAME) \
  function_at { #NAME, offsetof(TABLE, NAME) }
#define KNOWN_TABLE(ID, TABLE, ...)    \
  known_table {                        \
    ID, sizeof(TABLE), { __VA_ARGS__ } \
  }

const known_table tables_of_plugins[] = {
    KNOWN_TABLE(TOCSIN_EXT_CHANNEL, tocsin_channel, FUNCTION_OF(tocsin_channel, open),
                FUNCTION_OF(tocsin_channel, close), FUNCTION_OF(tocsin_channel, deliver),
                FUNCTION_OF(tocsin_channel, cancel)),
    KNOWN_TABLE(TOCSIN_EXT_SOURCE, tocsin_source, FUNCTION_OF(tocsin_source, open), FUNCTION_OF(tocsin_source, close),
                FUNCTION_OF(tocsin_source, published)),
    KNOWN_TABLE(TOCSIN_EXT_SUBSCRIBER, tocsin_subscriber, FUNCTION_OF(tocsin_subscriber, open),
                FUNCTION_OF(tocsin_subscriber, close), FUNCTION_OF(tocsin_subscriber, events)),
    KNOWN_TABLE(TOCSIN_EXT_DOCTOR, tocsin_doctor, FUNCTION_OF(tocsin_doctor, diagnose)),
    KNOWN_TABLE(TOCSIN_EXT_PRESET, tocsin_preset, FUNCTION_OF(tocsin_preset, check)),
    KNOWN_TABLE(TOCSIN_EXT_HEALTH, tocsin_health, FUNCTION_OF(tocsin_health, check)),
    KNOWN_TABLE(TOCSIN_EXT_CONFIG, tocsin_config, FUNCTION_OF(tocsin_config, check)),
    KNOWN_TABLE(TOCSIN_EXT_TIMER, tocsin_timer, FUNCTION_OF(tocsin_timer, fired)),
    KNOWN_TABLE(TOCSIN_EXT_SECRETS, tocsin_secret_store, FUNCTION_OF(tocsin_secret_store, open),
                FUNCTION_OF(tocsin_secret_store, close), FUNCTION_OF(tocsin_secret_store, fetch)),
    KNOWN_TABLE(TOCSIN_EXT_HTTP_ROUTE, tocsin_http_route, FUNCTION_OF(tocsin_http_route, call)),
};

// A plugin with one table, whose functions are there but must not be called.
class plugin_with {
 public:
  explicit plugin_with(const known_table& table) : id_(table.id), bytes_(table.size + grown_by, 0xab) {
    says_size(table.size);
    about_.provides = {id_};
    plugin_.struct_size = sizeof(tocsin_plugin);
    plugin_.self = this;
    plugin_.get_extension = [](void* self, tocsin_string id) -> const void* {
      const auto* own = static_cast<plugin_with*>(self);
      return abi::view(id) == own->id_ ? own->bytes_.data() : nullptr;
    };
    plugin_.start = [](void*, const tocsin_sink*) -> tocsin_status { return TOCSIN_OK; };
    plugin_.stop = [](void*) {};
    plugin_.destroy = [](void*) {};
  }

  void says_size(std::size_t size) {
    const auto said = static_cast<std::uint32_t>(size);
    std::memcpy(bytes_.data(), &said, sizeof said);
  }
  void lacks(const function_at& function) { std::memset(bytes_.data() + function.offset, 0, sizeof(void (*)())); }
  void says_size_of_plugin(std::size_t size) { plugin_.struct_size = static_cast<std::uint32_t>(size); }

  result<plugin_tables> fetch() const { return fetch_tables(plugin_, about_); }

 private:
  std::string id_;
  std::vector<unsigned char> bytes_;
  manifest about_;
  tocsin_plugin plugin_{};
};

class EachTable : public testing::TestWithParam<known_table> {};

TEST_P(EachTable, IsTakenAsItIs) { EXPECT_TRUE(plugin_with(GetParam()).fetch()); }

TEST_P(EachTable, IsTakenWhenANewerReleaseHasAddedToIt) {
  plugin_with newer(GetParam());
  newer.says_size(GetParam().size + grown_by);
  EXPECT_TRUE(newer.fetch());
}

TEST_P(EachTable, IsRefusedWhenAnOlderOneEndsBeforeAFunctionThatTheHostCalls) {
  for (const auto& function : GetParam().functions) {
    plugin_with older(GetParam());
    older.says_size(function.offset + sizeof(void (*)()) - 1);
    const auto fetched = older.fetch();
    ASSERT_FALSE(fetched) << function.name;
    EXPECT_EQ(fetched.error().code, "PLUGIN_REFUSED");
    EXPECT_THAT(fetched.error().what, HasSubstr(GetParam().id));
    EXPECT_THAT(fetched.error().what, HasSubstr(std::string("\"") + function.name + "\""));
  }
}

TEST_P(EachTable, IsTakenWhenItEndsBehindTheLastFunctionThatTheHostCalls) {
  plugin_with older(GetParam());
  older.says_size(GetParam().functions.back().offset + sizeof(void (*)()));
  EXPECT_TRUE(older.fetch());
}

TEST_P(EachTable, IsRefusedWithoutAFunctionThatTheHostCalls) {
  for (const auto& function : GetParam().functions) {
    plugin_with lacking(GetParam());
    lacking.lacks(function);
    const auto fetched = lacking.fetch();
    ASSERT_FALSE(fetched) << function.name;
    EXPECT_THAT(fetched.error().what, HasSubstr(std::string("\"") + function.name + "\""));
  }
}

INSTANTIATE_TEST_SUITE_P(PluginTables, EachTable, testing::ValuesIn(tables_of_plugins), [](const auto& each) {
  std::string name;
  for (const char c : std::string(each.param.id))
    if (c != '.' && c != '/' && c != '-')
      name += c;
    else
      name += '_';
  return name;
});

TEST(PluginTables, RefusesAPluginThatEndsBeforeAFunctionOfItsOwn) {
  for (const auto& [name, offset] : {FUNCTION_OF(tocsin_plugin, get_extension), FUNCTION_OF(tocsin_plugin, start),
                                     FUNCTION_OF(tocsin_plugin, stop), FUNCTION_OF(tocsin_plugin, destroy)}) {
    plugin_with older(tables_of_plugins[0]);
    older.says_size_of_plugin(offset + sizeof(void (*)()) - 1);
    const auto fetched = older.fetch();
    ASSERT_FALSE(fetched) << name;
    EXPECT_THAT(fetched.error().what, HasSubstr(std::string("\"") + name + "\""));
  }
}

TEST(PluginTables, TakesAPluginToWhichANewerReleaseHasAdded) {
  plugin_with newer(tables_of_plugins[0]);
  newer.says_size_of_plugin(sizeof(tocsin_plugin) + grown_by);
  EXPECT_TRUE(newer.fetch());
}

// What a plugin hands over as a struct is read the same way wherever it comes in.
TEST(PluginTables, ReadsAStructAsFarAsItsGiverKnowsItAndAsFarAsItKnowsItItself) {
  struct {
    tocsin_stage known;
    unsigned char more[grown_by];
  } given{};
  given.known.ok = 1;
  given.known.stage = {"tls", 3};
  given.known.duration_ms = 7;
  given.known.struct_size = static_cast<std::uint32_t>(offsetof(tocsin_stage, duration_ms));
  const auto of_older = abi::copy_known(&given.known);
  EXPECT_EQ(of_older.ok, 1u);
  EXPECT_EQ(abi::view(of_older.stage), "tls");
  EXPECT_EQ(of_older.duration_ms, 0u);

  given.known.struct_size = static_cast<std::uint32_t>(sizeof given);
  const auto of_newer = abi::copy_known(&given.known);
  EXPECT_EQ(abi::view(of_newer.stage), "tls");
  EXPECT_EQ(of_newer.duration_ms, 7u);
}

}  // namespace
}  // namespace tocsin
