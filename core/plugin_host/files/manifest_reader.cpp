// Reads an ELF64 shared library's notes with every bound checked. Layouts: System V ABI (gABI) 4.1, chapters 4 and 5.
#include "core/plugin_host/files/manifest_reader.hpp"

#include "core/model/hex.hpp"
#include "core/plugin_host/files/pe_manifest_reader.hpp"

#include <elf.h>

#include <bit>
#include <cstring>
#include <optional>
#include <vector>

namespace tocsin {
namespace {

using bytes = std::span<const std::byte>;

constexpr std::size_t max_program_headers = 1024;
constexpr std::size_t max_notes = 4096;
constexpr std::size_t max_dynamic_entries = 65536;
constexpr std::size_t max_build_id_bytes = 64;
constexpr std::size_t max_needed = 1024;
constexpr std::size_t max_name_bytes = 4096;
constexpr std::uint32_t manifest_note_type = 1;

constexpr std::uint16_t built_for =
#if defined(__x86_64__)
    EM_X86_64;
#elif defined(__aarch64__)
    EM_AARCH64;
#elif defined(__riscv)
    EM_RISCV;
#elif defined(__powerpc64__)
    EM_PPC64;
#elif defined(__s390x__)
    EM_S390;
#else
#error "The manifest reader does not know this machine's ELF number."
#endif

fault refused(std::string what, std::string remedy = "Replace the file with one that was built for this host.") {
  return {"PLUGIN_REFUSED", std::move(what), std::move(remedy), {}};
}

fault damaged(std::string what) { return refused("it is damaged: " + std::move(what), "Build or install it again."); }

std::string machine_name(std::uint16_t machine) {
  switch (machine) {
    case EM_386:
      return "x86 (32 bits)";
    case EM_X86_64:
      return "x86_64";
    case EM_ARM:
      return "ARM (32 bits)";
    case EM_AARCH64:
      return "aarch64";
    case EM_RISCV:
      return "RISC-V";
    case EM_PPC64:
      return "POWER (64 bits)";
    case EM_S390:
      return "s390x";
    default:
      return "machine number " + std::to_string(machine);
  }
}

// The part [offset, offset + size) of what, if all of it is there.
std::optional<bytes> part(bytes what, std::uint64_t offset, std::uint64_t size) {
  if (offset > what.size() || size > what.size() - offset) return std::nullopt;
  return what.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(size));
}

// A struct out of bytes that need not be aligned. The caller has checked that they are there.
template <class T>
T copy(bytes from) {
  T value;
  std::memcpy(&value, from.data(), sizeof(T));
  return value;
}

std::string_view text(bytes from) { return {reinterpret_cast<const char*>(from.data()), from.size()}; }

// Is it a shared library for this machine at all?
result<Elf64_Ehdr> read_header(bytes file, std::uint16_t machine) {
  if (file.empty()) return refused("it is empty.", "Build or install it again.");
  if (is_pe_file(file))
    return refused("it is built for the wrong system: it is for Windows. `tocsin plugin inspect` reads its manifest.");
  if (file.size() < SELFMAG || std::memcmp(file.data(), ELFMAG, SELFMAG) != 0)
    return refused("it is no shared library: it does not begin as an ELF file does.");
  if (file.size() < EI_NIDENT) return damaged("it ends within its ELF header.");
  const auto* ident = reinterpret_cast<const unsigned char*>(file.data());
  if (ident[EI_CLASS] != ELFCLASS64)
    return refused("it is built for the wrong architecture: it is not a 64-bit library, and this host is 64-bit.");
  constexpr unsigned char own_order = std::endian::native == std::endian::little ? ELFDATA2LSB : ELFDATA2MSB;
  if (ident[EI_DATA] != own_order)
    return refused("it is built for the wrong architecture: its byte order is not this host's.");
  if (ident[EI_VERSION] != EV_CURRENT) return damaged("its ELF version is not 1.");
  if (file.size() < sizeof(Elf64_Ehdr)) return damaged("it ends within its ELF header.");
  const auto header = copy<Elf64_Ehdr>(file);
  if (header.e_machine != machine) {
    return refused("it is built for the wrong architecture: it is for " + machine_name(header.e_machine) +
                   ", and this host is " + machine_name(machine) + ".");
  }
  if (header.e_type != ET_DYN)
    return refused("it is an ELF file, but no shared library (a program or an object file?).");
  return header;
}

result<std::vector<Elf64_Phdr>> read_program_headers(bytes file, const Elf64_Ehdr& header) {
  if (header.e_phnum == 0) return damaged("it has no program headers.");
  if (header.e_phentsize != sizeof(Elf64_Phdr)) return damaged("its program headers have an unknown size.");
  if (header.e_phnum > max_program_headers)
    return damaged("it claims " + std::to_string(header.e_phnum) + " program headers.");
  const auto table = part(file, header.e_phoff, std::uint64_t{header.e_phnum} * sizeof(Elf64_Phdr));
  if (!table) return damaged("its program headers reach beyond its end.");
  std::vector<Elf64_Phdr> headers;
  for (std::size_t index = 0; index < header.e_phnum; ++index)
    headers.push_back(copy<Elf64_Phdr>(table->subspan(index * sizeof(Elf64_Phdr))));
  return headers;
}

struct note {
  std::string_view name;  // without the terminator
  std::uint32_t type = 0;
  bytes content;
};

// Takes the first note off `rest`. align is 4 or 8: what name and content are padded to.
result<note> take_note(bytes& rest, std::uint64_t align) {
  if (rest.size() < sizeof(Elf64_Nhdr)) return damaged("a note ends within its header.");
  const auto header = copy<Elf64_Nhdr>(rest);
  const auto padded = [align](std::uint64_t size) { return (size + align - 1) / align * align; };
  const auto name = part(rest, sizeof(Elf64_Nhdr), header.n_namesz);
  if (!name) return damaged("a note's name reaches beyond its segment.");
  const std::uint64_t content_offset = padded(sizeof(Elf64_Nhdr) + std::uint64_t{header.n_namesz});
  const auto content = part(rest, content_offset, header.n_descsz);
  if (!content) return damaged("a note's content reaches beyond its segment.");
  const std::uint64_t end = content_offset + padded(header.n_descsz);
  rest = end >= rest.size() ? bytes{} : rest.subspan(static_cast<std::size_t>(end));
  std::string_view shown = text(*name);
  if (!shown.empty() && shown.back() == '\0') shown.remove_suffix(1);
  return note{shown, header.n_type, *content};
}

// What is kept of all notes while they are walked.
struct findings {
  std::optional<std::string_view> manifest;
  std::string build_id;
  std::size_t notes = 0;
};

result<void> walk_notes(bytes segment, std::uint64_t align, findings& found) {
  // Some linkers pad a segment with less than a header's length of zeros.
  while (segment.size() >= sizeof(Elf64_Nhdr)) {
    if (++found.notes > max_notes) return damaged("it has more than " + std::to_string(max_notes) + " notes.");
    const result<note> next = take_note(segment, align);
    if (!next) return next.error();
    if (next->name == "Tocsin" && next->type == manifest_note_type) {
      if (found.manifest) {
        return fault{"MANIFEST_INVALID", "it carries two manifests.", "Build it again with one manifest.", {}};
      }
      if (next->content.size() > max_manifest_bytes) {
        return fault{"MANIFEST_INVALID", "its manifest is longer than 1 MiB.", "Make manifest.json shorter.", {}};
      }
      found.manifest = text(next->content);
    } else if (next->name == "GNU" && next->type == NT_GNU_BUILD_ID && next->content.size() <= max_build_id_bytes) {
      found.build_id = to_hex(next->content);
    }
  }
  return {};
}

// The file's bytes at a virtual address, up to the end of the segment that holds it.
std::optional<bytes> at_address(bytes file, const std::vector<Elf64_Phdr>& headers, std::uint64_t address) {
  for (const Elf64_Phdr& header : headers) {
    if (header.p_type != PT_LOAD || address < header.p_vaddr) continue;
    const std::uint64_t into = address - header.p_vaddr;
    if (into >= header.p_filesz) continue;
    const auto segment = part(file, header.p_offset, header.p_filesz);
    if (!segment) return std::nullopt;
    return segment->subspan(static_cast<std::size_t>(into));
  }
  return std::nullopt;
}

// What the dynamic section says that the host cares for, as offsets into the table of strings.
struct dynamic_entries {
  std::optional<std::uint64_t> strings;  // a virtual address
  std::optional<std::uint64_t> search_path;
  std::vector<std::uint64_t> needed;
};

result<dynamic_entries> read_dynamic_entries(bytes file, const std::vector<Elf64_Phdr>& headers) {
  dynamic_entries found;
  for (const Elf64_Phdr& header : headers) {
    if (header.p_type != PT_DYNAMIC) continue;
    const auto table = part(file, header.p_offset, header.p_filesz);
    if (!table) return damaged("its dynamic section reaches beyond its end.");
    // The system's loader goes by the address: it must find there what is read here.
    const auto loaded = at_address(file, headers, header.p_vaddr);
    if (!loaded || loaded->data() != table->data() || loaded->size() < table->size())
      return damaged("its dynamic section is loaded from another place than it lies at.");
    const std::size_t count = table->size() / sizeof(Elf64_Dyn);
    if (count > max_dynamic_entries) return damaged("its dynamic section is too long.");
    for (std::size_t index = 0; index < count; ++index) {
      const auto entry = copy<Elf64_Dyn>(table->subspan(index * sizeof(Elf64_Dyn)));
      if (entry.d_tag == DT_NULL) break;
      if (entry.d_tag == DT_STRTAB) found.strings = entry.d_un.d_ptr;
      if (entry.d_tag == DT_RPATH || entry.d_tag == DT_RUNPATH) found.search_path = entry.d_un.d_val;
      // A filter is loaded like any other that is needed.
      if (entry.d_tag == DT_NEEDED || entry.d_tag == DT_FILTER || entry.d_tag == DT_AUXILIARY)
        found.needed.push_back(entry.d_un.d_val);
    }
    if (found.needed.size() > max_needed) {
      return damaged("it claims to need " + std::to_string(found.needed.size()) + " libraries.");
    }
  }
  return found;
}

// Fills in the search path, which would let the library fetch others from a folder that nobody has checked, and the
// libraries that it needs.
result<void> read_dynamic(bytes file, const std::vector<Elf64_Phdr>& headers, library_notes& into) {
  const auto entries = read_dynamic_entries(file, headers);
  if (!entries) return entries.error();
  const auto names = entries->strings ? at_address(file, headers, *entries->strings) : std::nullopt;
  const auto name_at = [&](std::uint64_t offset) -> std::optional<std::string> {
    if (!names || offset > names->size()) return std::nullopt;
    const std::string_view rest = text(names->subspan(static_cast<std::size_t>(offset)));
    return std::string(rest.substr(0, std::min(rest.find('\0'), max_name_bytes)));
  };
  if (entries->search_path) {
    auto path = name_at(*entries->search_path);
    if (!path) return damaged("its search path for libraries lies beyond its end.");
    into.search_path = std::move(*path);
  }
  for (const std::uint64_t offset : entries->needed) {
    auto name = name_at(offset);
    if (!name || name->empty()) return damaged("the name of a library that it needs lies beyond its end.");
    into.needed.push_back(std::move(*name));
  }
  return {};
}

}  // namespace

std::uint16_t host_machine() { return built_for; }

result<library_notes> read_library_notes(bytes file, std::uint16_t machine) {
  const auto header = read_header(file, machine);
  if (!header) return header.error();
  const auto headers = read_program_headers(file, *header);
  if (!headers) return headers.error();
  findings found;
  for (const Elf64_Phdr& segment : *headers) {
    if (segment.p_type != PT_NOTE) continue;
    const auto notes = part(file, segment.p_offset, segment.p_filesz);
    if (!notes) return damaged("its notes reach beyond its end.");
    const auto walked = walk_notes(*notes, segment.p_align == 8 ? 8 : 4, found);
    if (!walked) return walked.error();
  }
  if (!found.manifest) {
    return fault{"MANIFEST_INVALID",
                 "it carries no Tocsin manifest, so it is no Tocsin plugin.",
                 "Move it out of the plugin folder, or build it with tocsin_add_plugin().",
                 {}};
  }
  library_notes notes{*found.manifest, std::move(found.build_id), {}, {}};
  if (auto read = read_dynamic(file, *headers, notes); !read) return read.error();
  return notes;
}

}  // namespace tocsin
