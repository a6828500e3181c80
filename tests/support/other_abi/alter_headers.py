"""Writes a copy of the SDK's headers as another release might have them.

usage: alter_headers.py INCLUDE OUT [--end STRUCT.FIELD] [--grow] [--minor N]
  --end    an older release: STRUCT ends before FIELD
  --grow   a newer release: every sized struct has two more fields at its end"""

import argparse
import pathlib
import re
import shutil

GROWN = "  uint64_t newer_number;\n  const void* newer_pointer;\n"
STRUCT = r"typedef struct {name} \{{\n(?P<body>.*?)^\}} {name};"


def end_before(text, struct, field):
    found = re.search(STRUCT.format(name=struct), text, re.S | re.M)
    if not found:
        return text, 0
    declared = re.search(rf"^  [^\n/]*(\(\*{field}\)|\b{field};)", found["body"], re.M)
    if not declared:
        raise SystemExit(f"{struct} has no field {field}")
    start = found.start("body")
    return text[:start + declared.start()] + text[found.end("body"):], 1


def grow(text):
    return re.subn(r"(typedef struct (\w+) \{\n  uint32_t struct_size;.*?)(^\} \2;)", rf"\1{GROWN}\3", text,
                   flags=re.S | re.M)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("include", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--end")
    parser.add_argument("--grow", action="store_true")
    parser.add_argument("--minor", type=int)
    asked = parser.parse_args()
    shutil.rmtree(asked.out, ignore_errors=True)
    shutil.copytree(asked.include, asked.out)
    changed = 0
    for header in (asked.out / "tocsin" / "abi").rglob("*.h"):
        text = header.read_text()
        if asked.end:
            text, count = end_before(text, *asked.end.split("."))
            changed += count
        if asked.grow:
            text, count = grow(text)
            changed += count
        if asked.minor is not None:
            text, count = re.subn(r"(#define TOCSIN_ABI_MINOR )\d+u", rf"\g<1>{asked.minor}u", text)
            changed += count
        header.write_text(text)
    if not changed:
        raise SystemExit("nothing was altered")


main()
