"""Compares the binary interface, the signatures of its functions included, with the one that is recorded.

usage: check_abi.py LIBRARY RECORDED.abi [--update]

LIBRARY's debug information holds every struct of the ABI headers (make_abi_sources.py). Prints abidiff's report on every
change. Exit status: 0 as recorded, 1 changed, 77 not comparable here.
"""
import pathlib
import platform
import re
import subprocess
import sys

NEEDED = "abidw and abidiff are missing: install the package abigail-tools (tools/packages test does)."


def run(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        sys.exit(NEEDED)


def main():
    library, recorded = sys.argv[1], pathlib.Path(sys.argv[2])
    if platform.machine() != "x86_64":
        print("The record was made on x86_64; docs/abi-offsets.txt is compared on every 64-bit machine.")
        return 77
    if "--update" in sys.argv:
        seen = run("abidw", "--no-corpus-path", "--no-comp-dir-path", "--no-show-locs", library)
        if seen.returncode != 0:
            sys.exit(seen.stderr)
        recorded.write_text(re.sub(r" path='[^']*'", " path='abi_library.c'", seen.stdout), encoding="utf-8")
        return 0
    compared = run("abidiff", recorded, library)
    # Bits 0 and 1: it could not compare (abidiff's manual, "Return values").
    if compared.returncode & 3:
        sys.exit(f"abidiff failed ({compared.returncode}):\n{compared.stdout}{compared.stderr}")
    if compared.returncode:
        print(compared.stdout)
        print("The binary interface differs from the record. docs/abi-policy.md says what may change; if this is lawful:")
        print(f"  python3 {sys.argv[0]} {library} {recorded} --update")
        return 1
    print("The binary interface is as recorded.")
    return 0


sys.exit(main())
