"""Finds function pointers of the ABI headers whose comment does not say on which thread and in which states they are called.

usage: check_thread_tags.py INCLUDE_DIR

The comment stands before the function or at the end of its line; that of a struct will do for its only function.
"""
import pathlib
import re
import sys

STRUCT = re.compile(r"(/\*(?:(?!\*/).)*\*/\s*)?typedef struct (tocsin_\w+) \{(.*?)\n\} tocsin_\w+;", re.DOTALL)
# A comment before it, the declaration, a comment behind it on its last line.
FUNCTION = re.compile(
    r"(?P<before>/\*(?:(?!\*/).)*\*/)?\s*[\w\s*]*?\(\s*\*\s*(?P<name>\w+)\s*\)\s*\([^;]*?\);(?P<behind>[ \t]*/\*(?:(?!\*/).)*\*/)?",
    re.DOTALL)
TAG = re.compile(r"\[(control|worker|any|caller|service)\]")
STATE = re.compile(r"\b(created|active|draining|stopped|in any state|in start\(\))")


def faults(header, text):
    for about, struct, body in STRUCT.findall(text):
        found = list(FUNCTION.finditer(body))
        if len(found) != len(re.findall(r"\(\s*\*\s*\w+\s*\)\s*\(", body)):
            yield f"{header}: a function of {struct} has a form that {pathlib.Path(__file__).name} does not know"
        for function in found:
            words = " ".join(filter(None, [function["before"], function["behind"], about if len(found) == 1 else ""]))
            words = " ".join(words.replace("\n *", " ").replace("\n   *", " ").split())
            tag = TAG.search(words)
            name = f"{header}: {struct}.{function['name']}"
            if not tag:
                yield f"{name} has no thread tag; end its comment in one, such as [control] active"
            elif not STATE.search(words[tag.end():]):
                yield f"{name} names no state behind its thread tag, such as: active"


def main():
    include = pathlib.Path(sys.argv[1])
    headers = sorted((include / "tocsin/abi").rglob("*.h"))
    if not headers:
        sys.exit(f"{include} holds no header below tocsin/abi")
    found = [fault for path in headers
             for fault in faults(path.relative_to(include).as_posix(), path.read_text(encoding="utf-8"))]
    print("\n".join(found))
    sys.exit(1 if found else 0)


main()
