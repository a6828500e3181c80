// Reading the sections of a library for Windows, a sound one and ones with one thing broken.
#include "core/plugin_host/files/pe_manifest_reader.hpp"

#include "core/plugin_host/files/manifest_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace tocsin {
namespace {

using testing::HasSubstr;

constexpr std::size_t coff_at = 64;
constexpr std::size_t optional_at = coff_at + 24;
constexpr std::size_t sections_at = optional_at + 240;

// The least library: one section a manifest.
class dll {
 public:
  explicit dll(std::vector<std::string> manifests = {"{}"}) {
    bytes_ = std::string(sections_at + manifests.size() * 40, '\0');
    put(0, "MZ");
    set(0x3c, coff_at, 4);
    put(coff_at, std::string("PE\0\0", 4));
    set(coff_at + 4, 0x8664, 2);
    set(coff_at + 6, manifests.size(), 2);
    set(coff_at + 20, 240, 2);
    set(coff_at + 22, 0x2022, 2);
    set(optional_at, 0x20b, 2);
    for (std::size_t index = 0; index < manifests.size(); ++index) add(index, ".tocsin", note(manifests[index]));
  }

  static std::string note(const std::string& manifest) {
    std::string made(20, '\0');
    const std::uint32_t numbers[] = {7, static_cast<std::uint32_t>(manifest.size()), 1};
    std::memcpy(made.data(), numbers, sizeof(numbers));
    made.replace(12, 6, "Tocsin");
    made += manifest;
    return made;
  }
  void add(std::size_t index, const std::string& name, const std::string& content) {
    const std::size_t header = sections_at + index * 40;
    put(header, name);
    set(header + 8, content.size(), 4);
    set(header + 16, content.size() + 64, 4);  // padded, as a linker does
    set(header + 20, bytes_.size(), 4);
    bytes_ += content + std::string(64, '\0');
  }
  void put(std::size_t at, const std::string& what) { bytes_.replace(at, what.size(), what); }
  void set(std::size_t at, std::size_t value, std::size_t size) { std::memcpy(bytes_.data() + at, &value, size); }
  std::size_t content_at() const {
    std::uint32_t at = 0;
    std::memcpy(&at, bytes_.data() + sections_at + 20, 4);
    return at;
  }
  std::string& raw() { return bytes_; }
  std::span<const std::byte> bytes() const { return std::as_bytes(std::span(bytes_.data(), bytes_.size())); }
  std::string reason() const {
    const auto notes = read_pe_notes(bytes());
    return notes ? "" : notes.error().to_string();
  }

 private:
  std::string bytes_;
};

TEST(PeManifestReader, FindsTheManifestWithoutThePaddingOfItsSection) {
  const dll good(std::vector<std::string>{R"({"id": "x"})"});
  const auto notes = read_pe_notes(good.bytes());
  ASSERT_TRUE(notes) << notes.error().to_string();
  EXPECT_EQ(notes->manifest, R"({"id": "x"})");
  EXPECT_EQ(notes->machine, "x86_64");
  EXPECT_EQ(notes->build_id, "");
}

TEST(PeManifestReader, ShowsTheBuildIdOfTheDebugDirectory) {
  dll library(std::vector<std::string>{"{}", "{}"});
  std::string entry(28, '\0');
  const auto at = static_cast<std::uint32_t>(library.raw().size());
  const std::uint32_t record_at = at + 28;
  std::memcpy(entry.data() + 24, &record_at, 4);
  library.put(sections_at, std::string(40, '\0'));
  library.add(0, ".buildid", entry + "RSDS" + std::string(15, '\x5a') + '\x01');
  const auto notes = read_pe_notes(library.bytes());
  ASSERT_TRUE(notes) << notes.error().to_string();
  EXPECT_EQ(notes->build_id, "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a01");
}

TEST(PeManifestReader, NamesWhatIsWrong) {
  dll program;
  program.set(coff_at + 22, 0x22, 2);
  EXPECT_THAT(program.reason(), HasSubstr("a program for Windows"));
  dll narrow;
  narrow.set(optional_at, 0x10b, 2);
  EXPECT_THAT(narrow.reason(), HasSubstr("not a 64-bit library"));
  EXPECT_THAT(dll(std::vector<std::string>{}).reason(), HasSubstr("carries no Tocsin manifest"));
  EXPECT_THAT(dll(std::vector<std::string>{"{}", "{}"}).reason(), HasSubstr("two manifests"));
  dll far;
  far.set(0x3c, 0xfffffff0, 4);
  EXPECT_THAT(far.reason(), HasSubstr("no PE header"));
  dll crowded;
  crowded.set(coff_at + 6, 97, 2);
  EXPECT_THAT(crowded.reason(), HasSubstr("97 sections"));
  dll beyond;
  beyond.set(sections_at + 20, 0xffffff00, 4);
  EXPECT_THAT(beyond.reason(), HasSubstr("section .tocsin reaches beyond its end"));
  dll other;
  other.put(other.content_at() + 12, "Toxsin");
  EXPECT_THAT(other.reason(), HasSubstr("no manifest of this form"));
  dll longer;
  longer.set(longer.content_at() + 4, 3, 4);
  EXPECT_THAT(longer.reason(), HasSubstr("reaches beyond its section"));
  dll huge;
  huge.set(huge.content_at() + 4, max_manifest_bytes + 1, 4);
  EXPECT_THAT(huge.reason(), HasSubstr("longer than 1 MiB"));
}

TEST(PeManifestReader, RefusesEveryCutOfALibrary) {
  const dll good;
  for (std::size_t size = 0; size < good.content_at() + 22; ++size)
    EXPECT_FALSE(read_pe_notes(good.bytes().first(size))) << size;
}

TEST(ManifestReader, SaysThatALibraryForWindowsIsForWindows) {
  const dll good;
  const auto notes = read_library_notes(good.bytes());
  ASSERT_FALSE(notes);
  EXPECT_THAT(notes.error().to_string(), HasSubstr("it is for Windows"));
}

}  // namespace
}  // namespace tocsin
