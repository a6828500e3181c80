"""Holds the table of helpers in docs/plugin-authoring.md against the headers and the crate: each extension of the interface
has a row, what a row names is there, and where a row has a dash no helper speaks of that extension.

usage: check_helpers.py"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TABLE = re.compile(r"\| extension \| C\+\+ \| C \| Rust \|\n\|[-|]*\|\n((?:\|.*\n)+)")


def sources(folder, pattern, without=()):
    return "\n".join(path.read_text() for path in sorted((ROOT / folder).glob(pattern)) if not path.name.startswith(without))


LANGUAGES = [
    ("C++", sources("sdk/include/tocsin/sdk", "*.hpp"), r"(?:class|struct) {0}\b|\b{0}\("),
    ("C", sources("sdk/include/tocsin/c", "*.h", ("test_",)), r"#define {0}\(|static inline [\w\s*]*\b{0}\("),
    ("Rust", sources("sdk/rust/src", "*.rs", ("abi", "testing")), r"pub (?:trait|struct|fn) {0}\b"),
]


def extensions():
    """id -> the macro that names it."""
    text = sources("sdk/include/tocsin/abi/ext", "*.h")
    found = re.findall(r'#define (TOCSIN_(?:EXT|HOST)_\w+) "([^"]+)"', text)
    return {name.removesuffix("-draft"): macro for macro, name in found}


def faults(rows, known):
    for name in sorted(set(known) - set(rows)):
        yield f"{name} has no row"
    for name, cells in rows.items():
        if name not in known:
            yield f"{name} is no extension of the interface"
            continue
        for (language, text, definition), cell in zip(LANGUAGES, cells):
            helped = re.search(rf"\b{known[name]}\b", text) is not None
            if cell == "-":
                if helped:
                    yield f"{name}: {language} has a helper, and the row has a dash"
            elif not helped:
                yield f"{name}: {language} has no helper, and the row names {cell}"
            elif not re.search(definition.format(re.escape(cell)), text):
                yield f"{name}: {language} has no {cell}"


def main():
    guide = ROOT / "docs/plugin-authoring.md"
    table = TABLE.search(guide.read_text())
    if not table:
        sys.exit(f"{guide}: there is no table of helpers")
    rows = {}
    for line in table.group(1).splitlines():
        name, *cells = [cell.strip().strip("`") for cell in line.strip("|").split("|")]
        rows[name] = cells
    known = extensions()
    wrong = list(faults(rows, known))
    # The check itself: what is missing, made up or concealed is noticed.
    planted = dict(rows, **{"tocsin.channel/1": ["-", "TOCSIN_C_NOTHING", "Channel"], "tocsin.stream/1": ["stream", "-", "-"]})
    planted.pop("tocsin.timer/1")
    if len(list(faults(planted, known))) != len(wrong) + 4:
        wrong.append("the check does not notice what is planted for it")
    print(*wrong, sep="\n")
    print(f"{len(known)} extensions, {len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
