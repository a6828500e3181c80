"""Writes two C sources from the ABI headers: a program that prints size and offsets of every struct and the value of
every constant, and a library whose debug information holds every struct with the signatures of its functions.

usage: make_abi_sources.py INCLUDE_DIR PRINTER.c LIBRARY.c
"""
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "tools"))
import abi_headers  # noqa: E402

STRUCT = re.compile(r"typedef struct (tocsin_\w+) \{(.*?)\n\} (tocsin_\w+);", re.DOTALL)
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
FUNCTION_POINTER = re.compile(r"\(\s*\*\s*(\w+)\s*\)\s*\(")
MEMBER = re.compile(r"(\w+)(\s*\[[^\]]*\])?$")
OPENINGS = re.compile(r"typedef struct \w+ \{")


def members(body):
    """The member names of a struct's body, in order."""
    for declaration in COMMENT.sub("", body).split(";"):
        declaration = " ".join(declaration.split())
        if not declaration:
            continue
        found = FUNCTION_POINTER.search(declaration) or MEMBER.search(declaration)
        if not found:
            sys.exit(f"cannot read the member \"{declaration}\"; teach {__file__} its form")
        yield found.group(1)


def constants(header, text):
    """A statement for each number and each text that the header defines."""
    if re.search(r"\benum\b", COMMENT.sub("", text)):
        sys.exit(f"{header}: an enum has no fixed width; define the numbers (docs/abi-policy.md, 1)")
    defined = [item for item in abi_headers.read_header(header, text).items if item.kind == "define"]
    # All but the header's guard.
    if len(defined) + 1 != len(re.findall(r"^#\s*define\b", COMMENT.sub("", text), re.MULTILINE)):
        sys.exit(f"{header}: a #define there has a form that tools/abi_headers.py does not know")
    for item in defined:
        if not item.value or item.parameters or item.name == "TOCSIN_EXPORT":
            continue
        if item.value.startswith('"'):
            yield f'  printf("{item.name} value \\"%s\\"\\n", {item.name});'
        else:
            yield f'  printf("{item.name} value %lld\\n", (long long)({item.name}));'


def main():
    include, printer, library = (pathlib.Path(argument) for argument in sys.argv[1:])
    headers = sorted(path.relative_to(include).as_posix() for path in (include / "tocsin/abi").rglob("*.h"))
    includes = [f"#include <{header}>" for header in headers]
    lines = ["/* Prints size and offsets of every struct of the binary interface and its constants. Generated. */", *includes]
    lines += ["#include <stdio.h>", "", "int main(void) {"]
    seen = ["/* Shows every struct of the binary interface to abidiff. Generated. */", *includes, ""]
    for header in headers:
        text = (include / header).read_text(encoding="utf-8")
        structs = STRUCT.findall(text)
        if len(structs) != len(OPENINGS.findall(text)):
            sys.exit(f"{header}: a struct there has a form that {__file__} does not know")
        lines += constants(header, text)
        for name, body, alias in structs:
            if name != alias:
                sys.exit(f"{header}: struct {name} is called {alias}, too")
            seen.append(f"TOCSIN_EXPORT void see_{name}(const {name}* value);")
            seen.append(f"void see_{name}(const {name}* value) {{ (void)value; }}")
            lines.append(f'  printf("{name} size %zu align %zu\\n", sizeof({name}), _Alignof({name}));')
            for member in members(body):
                lines.append(
                    f'  printf("{name}.{member} offset %zu size %zu\\n", offsetof({name}, {member}),'
                    f" sizeof((({name}*)0)->{member}));")
    lines += ["  return 0;", "}", ""]
    printer.write_text("\n".join(lines), encoding="utf-8")
    library.write_text("\n".join([*seen, ""]), encoding="utf-8")


main()
