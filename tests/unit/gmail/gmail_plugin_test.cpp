// The preset as the library that a host loads.
#include "unit/sdk/fake_host.hpp"

#include <tocsin/abi/entry.h>
#include <tocsin/abi/ext/preset.h>

#include <gtest/gtest.h>

#include <dlfcn.h>
#include <string>
#include <vector>

namespace {

namespace sdk = tocsin::sdk;

class loaded_preset {
 public:
  loaded_preset() {
    void* library = dlopen(GMAIL_PLUGIN, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) throw std::runtime_error(dlerror());
    entry_ = reinterpret_cast<decltype(&tocsin_plugin_entry_v1)>(dlsym(library, TOCSIN_ENTRY_SYMBOL))();
    if (entry_->create(host.raw(), &plugin_, nullptr) != TOCSIN_OK) throw std::runtime_error("create() failed");
  }
  ~loaded_preset() { plugin_->destroy(plugin_->self); }

  std::vector<std::string> check(const std::string& settings) {
    std::vector<std::string> found;
    const tocsin_finding_report report{
        sizeof(tocsin_finding_report), 0, &found, [](void* context, const tocsin_finding* finding) {
          static_cast<std::vector<std::string>*>(context)->push_back(std::string(sdk::view(finding->key)) + " " +
                                                                     std::string(sdk::view(finding->code)));
        }};
    tocsin_endpoint endpoint{};
    endpoint.struct_size = sizeof(endpoint);
    endpoint.settings = sdk::to_abi(settings);
    const auto* table =
        static_cast<const tocsin_preset*>(plugin_->get_extension(plugin_->self, sdk::to_abi(TOCSIN_EXT_PRESET)));
    table->check(plugin_->self, &endpoint, &report);
    return found;
  }

  tocsin::test::fake_host host;

 private:
  const tocsin_entry* entry_ = nullptr;
  const tocsin_plugin* plugin_ = nullptr;
};

const std::string settings_with =
    R"({"host":"smtp.gmail.com","port":587,"secure_connection":"auto","username":"a@example.org","from_address":"a@example.org",
        "oauth":{"token_url":"","service_account_file":""},"authentication":)";

TEST(GmailPlugin, ChecksTheRevealedPassword) {
  loaded_preset gmail;
  gmail.host.secrets = {{1, "abcd efgh ijkl mnop"}, {2, "hunter2"}};
  EXPECT_TRUE(gmail.check(settings_with + R"("auto","password":{"secret":1}})").empty());
  EXPECT_EQ(gmail.check(settings_with + R"("auto","password":{"secret":2}})"),
            std::vector<std::string>{"password AUTH_APP_PASSWORD_REQUIRED"});
  EXPECT_EQ(gmail.check(settings_with + R"("auto","password":null})"),
            std::vector<std::string>{"password AUTH_APP_PASSWORD_REQUIRED"});
}

TEST(GmailPlugin, DoesNotLookAtAnAccessToken) {
  loaded_preset gmail;  // secret 9 does not exist: looking would be an error
  EXPECT_TRUE(gmail.check(settings_with + R"("xoauth2","password":{"secret":9}})").empty());
}

TEST(GmailPlugin, SaysThatASecretCannotBeRead) {
  loaded_preset gmail;
  EXPECT_EQ(gmail.check(settings_with + R"("auto","password":{"secret":9}})"),
            std::vector<std::string>{"password SETTINGS_INVALID"});
}

}  // namespace
