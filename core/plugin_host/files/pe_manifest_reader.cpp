// Reads a PE32+ library's sections with every bound checked. Layouts: Microsoft, "PE Format", the headers and the
// section table.
#include "core/plugin_host/files/pe_manifest_reader.hpp"

#include "core/plugin_host/files/manifest_reader.hpp"

#include <algorithm>
#include <optional>

namespace tocsin {
namespace {

using bytes = std::span<const std::byte>;

constexpr std::size_t max_sections = 96;  // the limit of the Windows loader
constexpr std::size_t dos_header_size = 64;
constexpr std::size_t new_header_offset_at = 0x3c;
constexpr std::size_t coff_header_size = 24;  // with the signature before it
constexpr std::size_t section_header_size = 40;
constexpr std::uint16_t is_library = 0x2000;
constexpr std::uint16_t magic_64_bits = 0x20b;
constexpr std::string_view note_name("Tocsin\0", 7);
constexpr std::size_t note_content_at = 20;  // three numbers, and the name padded to 8
constexpr std::uint32_t note_type = 1;

fault refused(std::string what, std::string remedy) {
  return {"PLUGIN_REFUSED", std::move(what), std::move(remedy), {}};
}

fault damaged(std::string what) { return refused("it is damaged: " + std::move(what), "Build or install it again."); }

std::optional<bytes> part(bytes what, std::uint64_t offset, std::uint64_t size) {
  if (offset > what.size() || size > what.size() - offset) return std::nullopt;
  return what.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(size));
}

// A number, least byte first. The caller has checked that its bytes are there.
std::uint32_t number(bytes from, std::size_t at, std::size_t size) {
  std::uint32_t value = 0;
  for (std::size_t index = size; index-- > 0;) value = value << 8 | std::to_integer<std::uint32_t>(from[at + index]);
  return value;
}

std::string_view text(bytes from) { return {reinterpret_cast<const char*>(from.data()), from.size()}; }

struct pe_header {
  std::uint16_t machine = 0;
  std::uint64_t sections_at = 0;
  std::size_t sections = 0;
};

result<pe_header> read_header(bytes file) {
  if (!is_pe_file(file)) return refused("it is no library for Windows.", "Name a file that ends in .dll.");
  if (file.size() < dos_header_size) return damaged("it ends within its first header.");
  const std::uint64_t at = number(file, new_header_offset_at, 4);
  const auto coff = part(file, at, coff_header_size);
  if (!coff || text(*coff).substr(0, 4) != std::string_view("PE\0\0", 4))
    return damaged("it has no PE header where its first header says.");
  if ((number(*coff, 22, 2) & is_library) == 0)
    return refused("it is a program for Windows, and no library.", "Name the plugin's library.");
  const std::size_t optional_size = number(*coff, 20, 2);
  const auto optional = part(file, at + coff_header_size, optional_size);
  if (!optional || optional_size < 2) return damaged("its headers reach beyond its end.");
  if (number(*optional, 0, 2) != magic_64_bits) {
    return refused("it is built for the wrong architecture: it is not a 64-bit library.",
                   "Build it for 64-bit Windows.");
  }
  pe_header header;
  header.machine = static_cast<std::uint16_t>(number(*coff, 4, 2));
  header.sections = number(*coff, 6, 2);
  header.sections_at = at + coff_header_size + optional_size;
  if (header.sections > max_sections) return damaged("it claims " + std::to_string(header.sections) + " sections.");
  return header;
}

// A section's bytes without the padding at its end.
result<bytes> section_content(bytes file, bytes header, const std::string& name) {
  const std::uint64_t used = number(header, 8, 4);
  const std::uint64_t stored = number(header, 16, 4);
  const auto content = part(file, number(header, 20, 4), used == 0 ? stored : std::min(used, stored));
  if (!content) return damaged("its section " + name + " reaches beyond its end.");
  return *content;
}

// The manifest out of the section .tocsin, which has the form of an ELF note.
result<std::string_view> read_note(bytes section) {
  const auto broken = [](const char* what) {
    return fault{"MANIFEST_INVALID", what, "Build it again with tocsin_add_plugin().", {}};
  };
  if (section.size() < note_content_at) return broken("its section .tocsin is too short for a manifest.");
  const std::uint64_t size = number(section, 4, 4);
  if (number(section, 0, 4) != note_name.size() || number(section, 8, 4) != note_type ||
      text(section.subspan(12, note_name.size())) != note_name)
    return broken("its section .tocsin holds no manifest of this form.");
  if (size > max_manifest_bytes) return broken("its manifest is longer than 1 MiB.");
  const auto content = part(section, note_content_at, size);
  if (!content) return broken("its manifest reaches beyond its section.");
  return text(*content);
}

// The build id: the signature of the CodeView record that the first entry of .buildid points to. Empty: none.
std::string read_build_id(bytes file, bytes section) {
  constexpr std::size_t debug_entry_size = 28;
  constexpr std::size_t record_size = 20;
  if (section.size() < debug_entry_size) return {};
  const auto record = part(file, number(section, 24, 4), record_size);
  if (!record || text(*record).substr(0, 4) != "RSDS") return {};
  static constexpr char digits[] = "0123456789abcdef";
  std::string shown;
  for (const std::byte byte : record->subspan(4)) {
    shown += digits[std::to_integer<unsigned>(byte) >> 4];
    shown += digits[std::to_integer<unsigned>(byte) & 15];
  }
  return shown;
}

std::string machine_name(std::uint16_t machine) {
  switch (machine) {
    case 0x8664:
      return "x86_64";
    case 0xaa64:
      return "aarch64";
    default:
      return "machine number " + std::to_string(machine);
  }
}

}  // namespace

bool is_pe_file(bytes file) { return file.size() >= 2 && text(file).substr(0, 2) == "MZ"; }

result<pe_notes> read_pe_notes(bytes file) {
  const auto header = read_header(file);
  if (!header) return header.error();
  const auto table = part(file, header->sections_at, std::uint64_t{header->sections} * section_header_size);
  if (!table) return damaged("its section table reaches beyond its end.");
  std::optional<std::string_view> manifest;
  pe_notes notes;
  for (std::size_t index = 0; index < header->sections; ++index) {
    const bytes section = table->subspan(index * section_header_size, section_header_size);
    const std::string_view padded = text(section).substr(0, 8);
    const std::string name(padded.substr(0, std::min(padded.find('\0'), padded.size())));
    if (name != ".tocsin" && name != ".buildid") continue;
    const auto content = section_content(file, section, name);
    if (!content) return content.error();
    if (name == ".buildid") {
      notes.build_id = read_build_id(file, *content);
      continue;
    }
    if (manifest) {
      return fault{"MANIFEST_INVALID", "it carries two manifests.", "Build it again with one manifest.", {}};
    }
    const auto found = read_note(*content);
    if (!found) return found.error();
    manifest = *found;
  }
  if (!manifest) {
    return fault{"MANIFEST_INVALID",
                 "it carries no Tocsin manifest, so it is no Tocsin plugin.",
                 "Build it with tocsin_add_plugin().",
                 {}};
  }
  notes.manifest = *manifest;
  notes.machine = machine_name(header->machine);
  return notes;
}

}  // namespace tocsin
