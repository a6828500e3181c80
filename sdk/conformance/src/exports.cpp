// SPDX-License-Identifier: Apache-2.0
// Reads .dynsym of an ELF64 file, each offset checked against the bytes that are there.
#include "sdk/conformance/src/exports.hpp"

#include <elf.h>

#include <cstring>
#include <fstream>
#include <iterator>

namespace tocsin::conformance {
namespace {

template <class Struct>
bool read_at(const std::string& bytes, std::uint64_t at, Struct& into) {
  if (at > bytes.size() || bytes.size() - at < sizeof(Struct)) return false;
  std::memcpy(&into, bytes.data() + at, sizeof(Struct));
  return true;
}

std::string text_at(const std::string& bytes, const Elf64_Shdr& table, std::uint64_t at) {
  if (at >= table.sh_size || table.sh_offset > bytes.size() || table.sh_size > bytes.size() - table.sh_offset)
    return {};
  const char* begin = bytes.data() + table.sh_offset + at;
  return {begin, strnlen(begin, table.sh_size - at)};
}

void add_symbols(const std::string& bytes, const Elf64_Shdr& symbols, const Elf64_Shdr& names,
                 std::vector<std::string>& into) {
  for (std::uint64_t at = 0; at + sizeof(Elf64_Sym) <= symbols.sh_size; at += sizeof(Elf64_Sym)) {
    Elf64_Sym symbol{};
    if (!read_at(bytes, symbols.sh_offset + at, symbol)) return;
    const auto visibility = ELF64_ST_VISIBILITY(symbol.st_other);
    const bool visible = visibility == STV_DEFAULT || visibility == STV_PROTECTED;
    const bool global = ELF64_ST_BIND(symbol.st_info) != STB_LOCAL;
    if (global && visible && symbol.st_shndx != SHN_UNDEF && symbol.st_shndx != SHN_ABS)
      into.push_back(text_at(bytes, names, symbol.st_name));
  }
}

}  // namespace

std::vector<std::string> exported_symbols(const std::filesystem::path& file, std::string& fault) {
  std::ifstream stream(file, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(stream), {}};
  Elf64_Ehdr header{};
  std::vector<std::string> names;
  if (!read_at(bytes, 0, header) || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
      header.e_ident[EI_CLASS] != ELFCLASS64) {
    fault = "it is not an ELF64 library";
    return names;
  }
  bool found = false;
  for (std::uint16_t index = 0; index < header.e_shnum; ++index) {
    Elf64_Shdr section{};
    Elf64_Shdr strings{};
    if (!read_at(bytes, header.e_shoff + std::uint64_t{index} * header.e_shentsize, section)) break;
    if (section.sh_type != SHT_DYNSYM) continue;
    found = read_at(bytes, header.e_shoff + std::uint64_t{section.sh_link} * header.e_shentsize, strings);
    if (found) add_symbols(bytes, section, strings, names);
  }
  if (!found) fault = "it has no section of dynamic symbols, so that nobody can see what it exports";
  return names;
}

}  // namespace tocsin::conformance
