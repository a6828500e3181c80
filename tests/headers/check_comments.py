"""Finds what the comments of the ABI headers must say and do not (docs/abi-policy.md):

- law 7: each function says on which thread and in which states it is called;
- law 9: each type that is a list of numbers says what a number stands for that its reader does not know;
- each function that answers a tocsin_status says which failures there are, or what follows from one.

usage: check_comments.py INCLUDE_DIR

A function's comment stands before it or at the end of its line; that of a struct will do for its only function.
"""
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "tools"))
import abi_headers  # noqa: E402

TAG = re.compile(r"\[(control|worker|any|caller|service)\]")
STATE = re.compile(r"\b(created|active|draining|stopped|in any state|in start\(\))")
FAILURE = re.compile(r"TOCSIN_(FAILED|INVALID|UNAVAILABLE|UNSUPPORTED|NO_MEMORY)|On failure|(other than|but) TOCSIN_OK")
FALLBACK = re.compile(r"\b(not know|not named here)\b")


def faults_of_function(name, answer, comment):
    words = " ".join(comment.split())
    tag = TAG.search(words)
    if not tag:
        yield f"{name} has no thread tag; end its comment in one, such as [control] active"
    elif not STATE.search(words[tag.end():]):
        yield f"{name} names no state behind its thread tag, such as: active"
    if answer == "tocsin_status" and not FAILURE.search(words):
        yield f"{name} does not say how it may fail, such as: TOCSIN_INVALID: the token is not known"


def faults(header, text):
    seen = 0
    for item in abi_headers.read_header(header, text).items:
        if item.kind == "alias" and item.base in ("uint32_t", "int32_t") and not FALLBACK.search(item.comment):
            yield (f"{header}: {item.name} does not say what a number means that its reader does not know, such as: "
                   "a value that the host does not know is treated as TOCSIN_LOG_INFO")
        if item.kind == "function":
            yield from faults_of_function(f"{header}: {item.name}", "", item.comment)
        functions = [field for field in getattr(item, "fields", []) if field.is_function]
        for function in functions:
            seen += 1
            comment = function.comment + (" " + item.comment if len(functions) == 1 else "")
            yield from faults_of_function(f"{header}: {item.name}.{function.name}", function.result, comment)
    code = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    if seen != len(re.findall(r"\(\s*\*\s*\w+\s*\)\s*\(", code)):
        yield f"{header}: a function there has a form that tools/abi_headers.py does not know"


def main():
    include = pathlib.Path(sys.argv[1])
    headers = sorted((include / "tocsin/abi").rglob("*.h"))
    if not headers:
        sys.exit(f"{include} holds no header below tocsin/abi")
    found = [fault for path in headers
             for fault in faults(path.relative_to(include).as_posix(), path.read_text(encoding="utf-8"))]
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
