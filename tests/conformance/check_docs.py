"""Checks that docs/plugin-conformance.md lists the kit's cases as they are.

usage: check_docs.py TOCSIN DOCUMENT [--write]        --write brings the table up to date
"""
import json
import pathlib
import re
import subprocess
import sys

TABLE = re.compile(r"\| case \| law \| where it stands \|\n(?:\|.*\n)+")


def main():
    tocsin, document = sys.argv[1], pathlib.Path(sys.argv[2])
    listed = json.loads(subprocess.run([tocsin, "plugin", "test", "--list", "--json"], check=True, capture_output=True,
                                       text=True).stdout)
    rows = [f"| `{one['case']}` | {one['law']} | `{one['header']}`: {one['tag']} |\n" for one in listed]
    table = "| case | law | where it stands |\n|---|---|---|\n" + "".join(rows)
    text = document.read_text(encoding="utf-8")
    now = TABLE.sub(lambda _: table, text)
    if not TABLE.search(text):
        sys.exit(f"{document}: there is no table of the cases")
    if "--write" in sys.argv:
        document.write_text(now, encoding="utf-8")
    elif now != text:
        sys.exit(f"{document}: the table of the cases is not up to date; run tests/conformance/check_docs.py with --write")
    return 0


if __name__ == "__main__":
    sys.exit(main())
