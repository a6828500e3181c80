"""Writes each ```cpp block of a document to a source file of its own, to be compiled.

usage: extract.py DOCUMENT FOLDER        prints the files' names; writes only what has changed
"""
import pathlib
import re
import sys

PROLOGUE = """\
// A code block of {document}, line {line}.
#include <tocsin/abi/ext/stream.h>
#include <tocsin/sdk/channel.hpp>
#include <tocsin/sdk/config.hpp>
#include <tocsin/sdk/doctor.hpp>
#include <tocsin/sdk/http_route.hpp>
#include <tocsin/sdk/health.hpp>
#include <tocsin/sdk/json.hpp>
#include <tocsin/sdk/metrics.hpp>
#include <tocsin/sdk/plugin.hpp>
#include <tocsin/sdk/preset.hpp>
#include <tocsin/sdk/secret_store.hpp>
#include <tocsin/sdk/source.hpp>
#include <tocsin/sdk/timer.hpp>
#include <tocsin/sdk/token_table.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace snippet_{number} {{
namespace sdk = tocsin::sdk;
#line {code_line} "{document}"
{code}}}  // namespace snippet_{number}
"""
INSTANCE = """
namespace {{
[[maybe_unused]] constexpr tocsin_entry entry_{number}_{plugin} =
    tocsin::sdk::make_entry<snippet_{number}::{plugin}>("snippet", "0.1.0");
}}
"""


def main():
    document, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    text = document.read_text(encoding="utf-8")
    blocks = list(re.finditer(r"^```cpp\n(.*?)^```$", text, re.DOTALL | re.MULTILINE))
    if not blocks:
        sys.exit(f"{document} has no ```cpp block")
    for number, block in enumerate(blocks):
        line = text.count("\n", 0, block.start()) + 1
        content = PROLOGUE.format(document=document.name, line=line, code_line=line + 1, number=number,
                                  code=block.group(1))
        # A class template's errors show only when it is used: make each plugin's entry.
        for plugin in re.findall(r"^class (\w+) : public sdk::plugin", block.group(1), re.MULTILINE):
            content += INSTANCE.format(number=number, plugin=plugin)
        target = folder / f"{document.stem}_{number}.cpp"
        if not target.exists() or target.read_text(encoding="utf-8") != content:
            target.write_text(content, encoding="utf-8")
        print(target)


main()
