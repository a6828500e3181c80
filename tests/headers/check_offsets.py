"""Compares the layout and the constants of the binary interface with the table in docs/abi-offsets.txt.

usage: check_offsets.py PRINTER TABLE [--update]
"""
import pathlib
import subprocess
import sys

HEADING = """\
# Size, alignment and offsets of every struct of the binary interface, in bytes, on 64-bit targets, and every constant.
# A struct only grows at its end, and a constant keeps its value (docs/abi-policy.md). tests/headers compares this table with what the compiler sees;
# after a lawful addition: python3 tests/headers/check_offsets.py BUILD/tests/print_abi_offsets docs/abi-offsets.txt --update
"""


def entries(text):
    return {line.split(" ", 1)[0]: line for line in text.splitlines() if line and not line.startswith("#")}


def main():
    printer, table = sys.argv[1], pathlib.Path(sys.argv[2])
    seen_text = subprocess.run([printer], check=True, capture_output=True, text=True).stdout
    if "--update" in sys.argv:
        table.write_text(HEADING + seen_text, encoding="utf-8")
        return 0
    recorded, seen = entries(table.read_text(encoding="utf-8")), entries(seen_text)
    drift = [f"gone:    {recorded[name]}" for name in recorded if name not in seen]
    drift += [f"new:     {seen[name]}" for name in seen if name not in recorded]
    for name in recorded:
        if name in seen and seen[name] != recorded[name]:
            drift += [f"was:     {recorded[name]}", f"is:      {seen[name]}"]
    if not drift and list(recorded) != list(seen):
        drift = ["the order differs: write the table anew with --update"]
    if drift:
        print(f"The binary interface differs from {table}:", *drift, sep="\n  ")
        print("Fields may only be added at a struct's end, and constants may only be added; if that is what happened, "
              "run this with --update.")
        return 1
    print(f"{len(seen)} sizes, offsets and constants as recorded")
    return 0


sys.exit(main())
