// Reading the notes of a library, sound ones and ones with one thing broken.
#include "core/plugin_host/files/manifest_reader.hpp"

#include "core/model/manifest.hpp"
#include "support.hpp"

#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

namespace tocsin {
namespace {

using test::plugin_path;
using test::read_bytes;
using testing::HasSubstr;
using testing::MatchesRegex;

// A real plugin's bytes, to break.
class library {
 public:
  library() : bytes_(read_bytes(plugin_path("good"))) {}

  Elf64_Ehdr& header() { return *reinterpret_cast<Elf64_Ehdr*>(bytes_.data()); }
  Elf64_Phdr& program_header(std::size_t index) {
    return reinterpret_cast<Elf64_Phdr*>(bytes_.data() + header().e_phoff)[index];
  }
  Elf64_Phdr& segment(std::uint32_t type) {
    for (std::size_t index = 0; index < header().e_phnum; ++index)
      if (program_header(index).p_type == type) return program_header(index);
    throw std::runtime_error("the test plugin has no such segment");
  }
  // Where the manifest's note begins: its header, name, content.
  std::size_t manifest_note() {
    const std::string name("Tocsin\0", 7);
    const auto* begin = reinterpret_cast<const char*>(bytes_.data());
    const std::string_view all(begin, bytes_.size());
    for (auto at = all.find(name); at != all.npos; at = all.find(name, at + 1)) {
      std::uint32_t size = 0;
      std::memcpy(&size, begin + at - 12, 4);
      if (at >= 12 && size == 7) return at - 12;
    }
    throw std::runtime_error("the test plugin has no manifest note");
  }
  void set32(std::size_t at, std::uint32_t value) { std::memcpy(bytes_.data() + at, &value, sizeof(value)); }
  std::vector<std::byte>& bytes() { return bytes_; }
  std::string reason() {
    const auto notes = read_library_notes(bytes_);
    return notes ? "" : notes.error().to_string();
  }

 private:
  std::vector<std::byte> bytes_;
};

TEST(ManifestReader, FindsTheManifestAndTheBuildIdOfAPlugin) {
  library good;
  const auto notes = read_library_notes(good.bytes());
  ASSERT_TRUE(notes) << notes.error().to_string();
  const auto manifest = parse_manifest(notes->manifest);
  ASSERT_TRUE(manifest) << manifest.error().to_string();
  EXPECT_EQ(manifest->id, "good");
  EXPECT_EQ(manifest->version, "1.0.0");
  EXPECT_THAT(notes->build_id, MatchesRegex("[0-9a-f]{40}"));
  EXPECT_EQ(notes->search_path, "");
}

TEST(ManifestReader, RefusesWhatIsNoElfFile) {
  const std::string_view words = "#!/bin/sh\necho hello\n";
  const auto notes = read_library_notes(std::as_bytes(std::span(words)));
  ASSERT_FALSE(notes);
  EXPECT_THAT(notes.error().what, HasSubstr("no shared library"));
  EXPECT_THAT(read_library_notes({}).error().what, HasSubstr("empty"));
}

TEST(ManifestReader, RefusesAnotherMachineAndNamesBoth) {
  library other;
  other.header().e_machine = host_machine() == EM_AARCH64 ? EM_X86_64 : EM_AARCH64;
  EXPECT_THAT(other.reason(), HasSubstr("wrong architecture"));
  EXPECT_THAT(other.reason(), HasSubstr("aarch64"));
  EXPECT_THAT(other.reason(), HasSubstr("x86_64"));
}

TEST(ManifestReader, RefusesA32BitLibrary) {
  library other;
  other.header().e_ident[EI_CLASS] = ELFCLASS32;
  EXPECT_THAT(other.reason(), HasSubstr("wrong architecture: it is not a 64-bit library"));
}

TEST(ManifestReader, RefusesAnotherByteOrder) {
  library other;
  other.header().e_ident[EI_DATA] ^= 3;
  EXPECT_THAT(other.reason(), HasSubstr("byte order"));
}

TEST(ManifestReader, RefusesAProgramOrAnObjectFile) {
  library other;
  other.header().e_type = ET_EXEC;
  EXPECT_THAT(other.reason(), HasSubstr("no shared library"));
  other.header().e_type = ET_REL;
  EXPECT_THAT(other.reason(), HasSubstr("no shared library"));
}

TEST(ManifestReader, RefusesProgramHeadersBeyondTheEnd) {
  for (const std::uint64_t offset : {std::uint64_t{1} << 40, ~std::uint64_t{0}, ~std::uint64_t{0} - 55}) {
    library broken;
    broken.header().e_phoff = offset;
    EXPECT_THAT(broken.reason(), HasSubstr("program headers reach beyond its end")) << offset;
  }
}

TEST(ManifestReader, RefusesProgramHeadersOfAnotherSizeOrNumber) {
  library broken;
  broken.header().e_phentsize = 32;
  EXPECT_THAT(broken.reason(), HasSubstr("unknown size"));
  library many;
  many.header().e_phnum = 0xffff;
  EXPECT_THAT(many.reason(), HasSubstr("65535 program headers"));
  library none;
  none.header().e_phnum = 0;
  EXPECT_THAT(none.reason(), HasSubstr("no program headers"));
}

TEST(ManifestReader, RefusesNotesBeyondTheEnd) {
  library broken;
  broken.segment(PT_NOTE).p_offset = ~std::uint64_t{0} - 4;
  EXPECT_THAT(broken.reason(), HasSubstr("notes reach beyond its end"));
  library longer;
  longer.segment(PT_NOTE).p_filesz = ~std::uint64_t{0};
  EXPECT_THAT(longer.reason(), HasSubstr("notes reach beyond its end"));
}

TEST(ManifestReader, RefusesANoteWhoseNameOrContentIsLongerThanItsSegment) {
  library name;
  name.set32(name.manifest_note(), 0xffffffff);
  EXPECT_THAT(name.reason(), HasSubstr("note's name reaches beyond"));
  library content;
  content.set32(content.manifest_note() + 4, 0xfffffffe);
  EXPECT_THAT(content.reason(), HasSubstr("note's content reaches beyond"));
}

TEST(ManifestReader, TakesALibraryWithoutAManifestForNoPlugin) {
  library other;
  other.set32(other.manifest_note() + 8, 2);
  EXPECT_THAT(other.reason(), HasSubstr("carries no Tocsin manifest"));
}

// The dynamic section's entries of a tag become another tag; how many they were.
std::size_t retag(library& real, std::int64_t from, std::int64_t to) {
  const Elf64_Phdr dynamic = real.segment(PT_DYNAMIC);
  auto* entries = reinterpret_cast<Elf64_Dyn*>(real.bytes().data() + dynamic.p_offset);
  std::size_t changed = 0;
  for (std::size_t index = 0; index < dynamic.p_filesz / sizeof(Elf64_Dyn); ++index) {
    if (entries[index].d_tag != from) continue;
    entries[index].d_tag = to;
    ++changed;
  }
  return changed;
}

TEST(ManifestReader, TakesALibraryThatIsFilteredForOneThatIsNeeded) {
  library good;
  const auto needed = read_library_notes(good.bytes())->needed;
  for (const std::int64_t tag : {std::int64_t{DT_FILTER}, std::int64_t{DT_AUXILIARY}}) {
    library real;
    ASSERT_EQ(retag(real, DT_NEEDED, tag), needed.size());
    const auto notes = read_library_notes(real.bytes());
    ASSERT_TRUE(notes) << notes.error().to_string();
    EXPECT_EQ(notes->needed, needed);
  }
}

TEST(ManifestReader, RefusesADynamicSectionThatTheLoaderWouldFindElsewhere) {
  library moved;
  moved.segment(PT_DYNAMIC).p_vaddr += 16;
  EXPECT_THAT(moved.reason(), HasSubstr("its dynamic section is loaded from another place than it lies at"));
  library outside;
  outside.segment(PT_DYNAMIC).p_vaddr = 0x7fff'ffff'ffff'0000;
  EXPECT_THAT(outside.reason(), HasSubstr("its dynamic section is loaded from another place than it lies at"));
}

// The least that is read: a header, one segment of notes.
std::vector<std::byte> small_library(const std::vector<std::string>& manifests) {
  std::vector<std::byte> bytes(sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr));
  for (const std::string& manifest : manifests) {
    const Elf64_Nhdr note{7, static_cast<std::uint32_t>(manifest.size()), 1};
    std::vector<std::byte> part(sizeof(note) + 8 + (manifest.size() + 3) / 4 * 4);
    std::memcpy(part.data(), &note, sizeof(note));
    std::memcpy(part.data() + sizeof(note), "Tocsin", 7);
    std::memcpy(part.data() + sizeof(note) + 8, manifest.data(), manifest.size());
    bytes.insert(bytes.end(), part.begin(), part.end());
  }
  library real;
  Elf64_Ehdr header = real.header();
  header.e_phoff = sizeof(Elf64_Ehdr);
  header.e_phnum = 1;
  std::memcpy(bytes.data(), &header, sizeof(header));
  Elf64_Phdr segment{};
  segment.p_type = PT_NOTE;
  segment.p_align = 4;
  segment.p_offset = sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr);
  segment.p_filesz = bytes.size() - segment.p_offset;
  std::memcpy(bytes.data() + sizeof(Elf64_Ehdr), &segment, sizeof(segment));
  return bytes;
}

TEST(ManifestReader, ReadsALibraryThatIsNothingButANote) {
  const auto bytes = small_library({"{}x"});
  const auto notes = read_library_notes(bytes);
  ASSERT_TRUE(notes) << notes.error().to_string();
  EXPECT_EQ(notes->manifest, "{}x");
  EXPECT_EQ(notes->build_id, "");
}

TEST(ManifestReader, RefusesTwoManifests) {
  const auto notes = read_library_notes(small_library({"{}", "{}"}));
  ASSERT_FALSE(notes);
  EXPECT_EQ(notes.error().code, "MANIFEST_INVALID");
  EXPECT_THAT(notes.error().what, HasSubstr("two manifests"));
}

TEST(ManifestReader, RefusesAManifestOfMoreThanAMebibyte) {
  EXPECT_TRUE(read_library_notes(small_library({std::string(max_manifest_bytes, ' ')})));
  const auto notes = read_library_notes(small_library({std::string(max_manifest_bytes + 1, ' ')}));
  ASSERT_FALSE(notes);
  EXPECT_THAT(notes.error().what, HasSubstr("longer than 1 MiB"));
}

TEST(ManifestReader, SurvivesALibraryThatIsCutAnywhere) {
  library real;
  const std::vector<std::byte> whole = real.bytes();
  const auto note_end = real.segment(PT_NOTE).p_offset + 4096;
  for (std::size_t size = 0; size < whole.size(); size += size < note_end ? 1 : 997) {
    const std::vector<std::byte> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    const auto notes = read_library_notes(cut);
    EXPECT_TRUE(!notes || parse_manifest(notes->manifest)) << "cut at " << size;
  }
}

TEST(ManifestReader, SurvivesAnyByteOfHeadersAndNotesSetToAnyExtreme) {
  library real;
  const std::size_t end = std::min<std::size_t>(real.bytes().size(), 2048);
  for (std::size_t at = 0; at < end; ++at) {
    const std::byte before = real.bytes()[at];
    for (const unsigned value : {0u, 1u, 0x7fu, 0x80u, 0xffu}) {
      real.bytes()[at] = static_cast<std::byte>(value);
      const auto notes = read_library_notes(real.bytes());
      EXPECT_TRUE(notes || !notes.error().what.empty()) << "byte " << at;
    }
    real.bytes()[at] = before;
  }
}

}  // namespace
}  // namespace tocsin
