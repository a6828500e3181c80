// Signed plugin files through the real reader and the real loader: what was changed is never run.
#include "core/plugin_host/plugin_host.hpp"
#include "support.hpp"
#include "support/signing_keys.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <thread>

namespace tocsin {
namespace {

namespace fs = std::filesystem;
using test::plugin_path;
using testing::HasSubstr;

void write_file(const fs::path& file, std::span<const std::byte> bytes) {
  std::ofstream out(file, std::ios::binary);
  out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  out.close();
  ASSERT_TRUE(out) << file;
}

// A folder with a signed plugin whose constructor leaves a mark, and a policy that trusts its key.
class SignedPlugin : public testing::Test {
 protected:
  SignedPlugin() {
    ::setenv("TOCSIN_TEST_CONSTRUCTOR_MARK", mark.c_str(), 1);
    write_file(file, good);
  }
  ~SignedPlugin() override { ::unsetenv("TOCSIN_TEST_CONSTRUCTOR_MARK"); }

  signature_policy_ptr policy(signed_plugins demand) const {
    return std::make_shared<const signature_policy>(signature_policy{demand, {key.public_part}, {}});
  }
  // The state that a host gives the file when it starts, looked at as `seen`.
  plugin_info start(const plugin_info& seen) const {
    test::fake_house house;
    plugin_host host(house.services(), {seen});
    host.start(nullptr);
    return host.plugins()[0];
  }
  plugin_info start(signed_plugins demand) const { return start(inspect_plugin(file, policy(demand))); }
  bool ran() const { return fs::exists(mark); }

  const test::temporary_folder folder;
  const signing_key key = *read_private_key(test::write_private_key(folder.path() / "key.pem", test::seed_of(7)));
  const signing_key strange = *read_private_key(test::write_private_key(folder.path() / "other.pem", test::seed_of(8)));
  // Other bytes than any other test's: a library that this process has loaded already is not loaded again.
  std::vector<std::byte> library = [] {
    auto bytes = test::read_bytes(plugin_path("marking"));
    const std::string own = testing::UnitTest::GetInstance()->current_test_info()->name();
    for (const char c : own) bytes.push_back(static_cast<std::byte>(c));
    return bytes;
  }();
  const std::vector<std::byte> good = sign_bytes(library, key).value();
  const fs::path mark = folder.path() / "mark";
  const fs::path file = folder.path() / "marking.so";
};

TEST_F(SignedPlugin, RunsWhereSignaturesAreRequired) {
  const plugin_info info = start(signed_plugins::required);
  EXPECT_EQ(info.state, plugin_state::active) << info.reason;
  ASSERT_TRUE(info.signature);
  EXPECT_EQ(info.signature->state, signature_state::valid);
  EXPECT_EQ(info.signature->key_file, folder.path() / "key.pem");
  EXPECT_TRUE(ran()) << "the mark of the other tests proves nothing if this one leaves none";
}

TEST_F(SignedPlugin, IsRefusedWithItsReasonOnceItIsUnsignedOrOfAnUnknownKey) {
  write_file(file, library);
  plugin_info info = start(signed_plugins::required);
  EXPECT_EQ(info.state, plugin_state::refused);
  EXPECT_EQ(info.signature->state, signature_state::unsigned_file);
  EXPECT_THAT(info.reason, HasSubstr("it is not signed. This host takes signed plugins only"));
  write_file(file, sign_bytes(library, strange).value());
  info = start(signed_plugins::required);
  EXPECT_EQ(info.state, plugin_state::refused);
  EXPECT_EQ(info.signature->state, signature_state::unknown_key);
  EXPECT_THAT(info.reason, HasSubstr("name their public key in [plugins] trusted_keys"));
  EXPECT_FALSE(ran());
}

TEST_F(SignedPlugin, WithAnyByteChangedIsNeverLoaded) {
  const plugin_info seen = inspect_plugin(file, policy(signed_plugins::required));
  ASSERT_EQ(seen.state, plugin_state::verified) << seen.reason;
  const int opened = ::open(file.c_str(), O_WRONLY | O_CLOEXEC);
  ASSERT_GE(opened, 0);
  for (std::size_t at = 0; at < good.size(); ++at) {
    const auto offset = static_cast<off_t>(at);
    const std::byte changed = good[at] ^ std::byte(1u << at % 8);
    ASSERT_EQ(::pwrite(opened, &changed, 1, offset), 1);
    const plugin_info info = inspect_plugin(file, seen.policy);
    ASSERT_EQ(info.state, plugin_state::refused) << "byte " << at;
    ASSERT_NE(info.signature->state, signature_state::valid) << "byte " << at;
    // And in a host that had looked at the file while it was good: each byte of the trailer, and some of each page.
    if (at % 251 == 0 || at >= library.size()) {
      ASSERT_EQ(start(seen).state, plugin_state::failed) << "byte " << at;
    }
    ASSERT_EQ(::pwrite(opened, &good[at], 1, offset), 1);
  }
  ::close(opened);
  EXPECT_FALSE(ran());
  EXPECT_EQ(start(seen).state, plugin_state::active);
  EXPECT_TRUE(ran());
}

TEST_F(SignedPlugin, WithAnotherManifestIsNeverLoaded) {
  const std::string_view text(reinterpret_cast<const char*>(good.data()), good.size());
  const auto version = text.find("\"1.0.0\"");
  ASSERT_NE(version, text.npos);
  auto changed = good;
  changed[version + 1] = std::byte{'2'};
  write_file(file, changed);
  const plugin_info info = start(signed_plugins::required);
  EXPECT_EQ(info.state, plugin_state::refused);
  EXPECT_EQ(info.signature->state, signature_state::invalid);
  EXPECT_EQ(info.id, "") << "nothing that a changed file says is passed on";
  EXPECT_FALSE(ran());
}

TEST_F(SignedPlugin, WithMoreBehindItOrCutOffOrUnderAnothersTrailerIsNeverLoaded) {
  const std::vector<std::byte> trailer(good.end() - signature_trailer_bytes, good.end());
  auto longer = good;
  longer.push_back(std::byte{0});
  auto other = test::read_bytes(plugin_path("good"));
  other.insert(other.end(), trailer.begin(), trailer.end());
  std::vector<std::vector<std::byte>> all{longer, other};
  for (std::size_t less = 1; less < signature_trailer_bytes; ++less)
    all.emplace_back(good.begin(), good.end() - static_cast<std::ptrdiff_t>(less));
  for (const auto& bytes : all) {
    write_file(file, bytes);
    EXPECT_EQ(start(signed_plugins::required).state, plugin_state::refused) << bytes.size();
  }
  EXPECT_FALSE(ran());
}

TEST_F(SignedPlugin, ThatWasChangedIsRefusedWhereTheOthersAreOnlyWarnedOf) {
  auto changed = good;
  changed[library.size() - 1] ^= std::byte{1};
  write_file(file, changed);
  EXPECT_EQ(start(signed_plugins::warn).state, plugin_state::refused);
  EXPECT_FALSE(ran());
  EXPECT_EQ(start(signed_plugins::off).state, plugin_state::active);
  EXPECT_TRUE(ran());
}

TEST_F(SignedPlugin, LeavesAWarningWhereItIsUsedUnsigned) {
  write_file(file, library);
  const std::vector folders{folder.path()};
  faults warnings;
  const auto found = discover_plugins(folders, warnings, policy(signed_plugins::warn));
  ASSERT_TRUE(found);
  EXPECT_EQ((*found)[0].state, plugin_state::verified);
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_EQ(warnings[0].code, "PLUGIN_UNTRUSTED");
  EXPECT_EQ(warnings[0].place.file, file);
  EXPECT_EQ(warnings[0].what, "The plugin \"marking\" is used all the same: it is not signed.");
  warnings.clear();
  ASSERT_TRUE(discover_plugins(folders, warnings, policy(signed_plugins::off)));
  EXPECT_TRUE(warnings.empty());
}

TEST_F(SignedPlugin, OfTheInstallationNeedsNoSignatureButABrokenOneIsRefused) {
  const auto built_in = std::make_shared<const signature_policy>(
      signature_policy{signed_plugins::required, {key.public_part}, folder.path()});
  write_file(file, library);
  EXPECT_EQ(inspect_plugin(file, built_in).state, plugin_state::verified);
  auto changed = good;
  changed[100] ^= std::byte{1};
  write_file(file, changed);
  EXPECT_EQ(inspect_plugin(file, built_in).state, plugin_state::refused);
}

TEST_F(SignedPlugin, GivesAnUnsignedOneOfAHigherVersionNoChance) {
  fs::copy_file(plugin_path("good-newer", "good"), folder.path() / "newer.so");
  write_file(folder.path() / "older.so", sign_bytes(test::read_bytes(plugin_path("good-older", "good")), key).value());
  fs::remove(file);
  const std::vector folders{folder.path()};
  faults warnings;
  const auto found = discover_plugins(folders, warnings, policy(signed_plugins::required));
  ASSERT_EQ(found->size(), 2u);
  EXPECT_EQ((*found)[0].state, plugin_state::refused);
  EXPECT_EQ((*found)[1].state, plugin_state::verified) << (*found)[1].reason;
}

TEST_F(SignedPlugin, IsLoadedFromItsCheckedBytesAlsoForADebugger) {
  ::setenv("TOCSIN_DEBUG_PLUGINS", "1", 1);
  const plugin_info info = start(signed_plugins::required);
  ::unsetenv("TOCSIN_DEBUG_PLUGINS");
  EXPECT_EQ(info.state, plugin_state::active) << info.reason;
  std::ifstream maps("/proc/self/maps");
  const std::string mapped{std::istreambuf_iterator<char>(maps), {}};
  EXPECT_EQ(mapped.find(file.string()), mapped.npos);
  EXPECT_NE(mapped.find("/memfd:marking.so"), mapped.npos);
}

// Swaps what lies under the name for as long as it lives: a signed library without a constructor, and an unsigned one
// with a constructor that leaves a mark; by renaming, and by writing into the file itself.
class swapper {
 public:
  swapper(fs::path file, std::vector<std::byte> good, std::vector<std::byte> evil)
      : file_(std::move(file)), good_(std::move(good)), evil_(std::move(evil)), thread_([this] { run(); }) {}
  ~swapper() {
    ended_ = true;
    thread_.join();
  }

 private:
  void run() {
    const fs::path folder = file_.parent_path();
    for (unsigned round = 0; !ended_; ++round) {
      const auto& bytes = round % 2 == 0 ? good_ : evil_;
      if (round % 8 < 6) {
        write_file(folder / "beside", bytes);
        fs::rename(folder / "beside", file_);
      } else {
        write_file(file_, bytes);
      }
    }
  }

  const fs::path file_;
  const std::vector<std::byte> good_, evil_;
  std::atomic<bool> ended_{false};
  std::thread thread_;
};

TEST_F(SignedPlugin, ThatIsSwappedInALoopNeverRunsUnverifiedBytes) {
  const auto harmless = sign_bytes(test::read_bytes(plugin_path("good")), key).value();
  write_file(file, harmless);
  const std::vector folders{folder.path()};
  unsigned ran_good = 0, refused = 0;
  {
    const swapper swaps(file, harmless, library);
    // 200 times, and on until both kinds of answer came: each run then had the chance to be fooled.
    for (unsigned round = 0; round < 200 || ((ran_good == 0 || refused == 0) && round < 20'000); ++round) {
      faults warnings;
      const auto found = discover_plugins(folders, warnings, policy(signed_plugins::required));
      ASSERT_TRUE(found);
      ASSERT_EQ(found->size(), 1u);
      const plugin_info info = start((*found)[0]);
      ASSERT_FALSE(ran()) << "round " << round << ": " << info.reason;
      if (info.state == plugin_state::active) {
        ASSERT_EQ(info.id, "good");
        ++ran_good;
      } else {
        ++refused;
      }
    }
  }
  EXPECT_GT(ran_good, 0u);
  EXPECT_GT(refused, 0u);
  write_file(file, library);
  EXPECT_EQ(start(signed_plugins::off).state, plugin_state::active);
  EXPECT_TRUE(ran()) << "the library would have left its mark";
}

}  // namespace
}  // namespace tocsin
