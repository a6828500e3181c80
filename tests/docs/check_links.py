"""Every relative link of the documentation leads to a file or folder of the tree."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def broken_links(text, folder):
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
        if not re.match(r"[a-z]+:", target) and not (folder / target).exists():
            yield target


# The check itself can fail.
assert list(broken_links("[a](no/such/file.md) [b](http://x/)", ROOT)) == ["no/such/file.md"]

documents = [path for path in ROOT.rglob("*.md") if not any(part.startswith((".", "build")) for part in path.relative_to(ROOT).parts)]
broken = [f"{path.relative_to(ROOT)}: {target}" for path in documents for target in broken_links(path.read_text(), path.parent)]
print("\n".join(broken) or f"{len(documents)} documents, every link leads somewhere")
sys.exit(1 if broken else 0)
