// SPDX-License-Identifier: Apache-2.0
// What can be said of a plugin before an instance is made: its manifest, its symbols, its entry.
#include "sdk/conformance/src/case.hpp"
#include "sdk/conformance/src/exports.hpp"

#include <tocsin/abi/version.h>

namespace tocsin::conformance {
namespace {

void manifest_valid(bench& on, const law& about) {
  if (!on.about.manifest_fault.empty()) blackbox::breach(about, on.about.manifest_fault);
}

void exports_only_the_entry(bench& on, const law& about) {
  std::string fault;
  const auto names = exported_symbols(on.about.image.empty() ? on.about.file : on.about.image, fault);
  if (!fault.empty()) blackbox::breach(about, fault);
  bool has_entry = false;
  for (const std::string& name : names) {
    if (name == TOCSIN_ENTRY_SYMBOL) {
      has_entry = true;
    } else {
      blackbox::breach(about, "it exports " + name + " as well; tocsin_add_plugin() hides all but the entry");
    }
  }
  if (fault.empty() && !has_entry) blackbox::breach(about, "it does not export " TOCSIN_ENTRY_SYMBOL);
}

void table(bench& on, const law& about) {
  const tocsin_entry* first = on.entry();
  const tocsin_entry* second = on.ask_for_entry_again();
  kit_host& host = kit_host::make({});
  check_struct(host, first, sizeof(tocsin_entry), "tocsin_entry");
  if (first != second) blackbox::breach(about, "tocsin_plugin_entry_v1() gives another pointer at its second call");
  const std::string id = take_text(host, first->id, "the entry's id");
  if (id != on.about.id)
    blackbox::breach(about, "its entry's id is " + shown(id) + ", its manifest's " + shown(on.about.id));
  const std::string version = take_text(host, first->version, "the entry's version");
  if (version != on.about.version)
    blackbox::breach(about, "its entry's version is " + shown(version) + ", its manifest's " + shown(on.about.version));
  if (TOCSIN_ABI_MAJOR_OF(first->abi_version) != TOCSIN_ABI_MAJOR)
    blackbox::breach(about,
                     "its entry's abi_version has major " + std::to_string(TOCSIN_ABI_MAJOR_OF(first->abi_version)));
}

}  // namespace

case_table entry_cases() {
  return {
      {"manifest.valid",
       {"the manifest is embedded, can be read without running the plugin, and holds the rules of its format",
        "docs/formats/manifest.md", "manifest.json"},
       manifest_valid,
       true},
      {"entry.exports-only-the-entry",
       {"a plugin's library exports one symbol", "tocsin/abi/entry.h", "tocsin_plugin_entry_v1"},
       exports_only_the_entry,
       true},
      {"entry.table",
       {"the entry is a static table with its size, this ABI's major version, and the manifest's id and version",
        "tocsin/abi/entry.h", "tocsin_plugin_entry_v1 [control]"},
       table},
  };
}

}  // namespace tocsin::conformance
