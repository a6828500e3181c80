"""Checks the dependency rule over every #include line of the product.

usage: check_includes.py ROOT        prints one line a breach; exit status 1 if there is any

The rule: sdk <- core, sdk <- plugins; the core includes no plugin, no plugin includes the core or another plugin; inside
the core an include runs only to the left in CORE_ORDER; protocol/, *_fsm and *_policy include no Asio and no clock, on
no detour either; the SDK's public headers need the standard library alone.
"""
import pathlib
import re
import sys

CORE_ORDER = ["model", "runtime", "observe", "settings", "plugin_host", "rendering", "routing", "delivery", "bus",
              "store", "http", "app"]
# What a helper in plain C may include: C11, and the system's mutex and loader.
PLAIN_C_HEADERS = ("stddef.h", "stdint.h", "stdio.h", "stdlib.h", "string.h", "time.h", "dlfcn.h", "pthread.h", "windows.h")
SUFFIXES = {".h", ".hpp", ".c", ".cpp"}
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]', re.MULTILINE)
COMMENT = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', re.DOTALL)
IMPURE_INCLUDES = ("boost/asio", "boost/beast", "core/runtime/", "tocsin/abi/ext/clock.h", "tocsin/abi/ext/stream.h",
                   "sys/socket.h", "sys/time.h", "time.h", "ctime", "fstream", "thread")
# Those that must not come in by another header either. The SDK's host.hpp brings ext/clock.h to whoever has a host.
IMPURE_BY_DETOUR = ("boost/asio", "boost/beast", "core/runtime/")
IMPURE_WORDS = re.compile(r"\b(?:system_clock|steady_clock|high_resolution_clock|utc_clock)\s*::\s*now\b"
                          r"|\b(?:clock_gettime|gettimeofday)\s*\(")


def keep_code(found):
    """Comments go, with their line ends kept; texts stay, since includes are such."""
    text = found.group(0)
    return text if text.startswith('"') else "\n" * text.count("\n") or " "


class source_file:
    def __init__(self, root, path):
        self.path = path
        self.code = COMMENT.sub(keep_code, (root / path).read_text(encoding="utf-8"))
        self.includes = [(self.code.count("\n", 0, found.start()) + 1, found.group(1) == '"', found.group(2))
                         for found in INCLUDE.finditer(self.code)]


def begins_with(include, prefixes):
    return any(include.startswith(prefix) if prefix.endswith(("/", "asio", "beast")) else include == prefix
               for prefix in prefixes)


def is_pure(path):
    return "protocol" in path.parts[:-1] or path.stem.endswith(("_fsm", "_policy"))


def plugin_of(path):
    """The folder of the plugin that a file belongs to: plugins/KIND/NAME."""
    return "/".join(path.parts[:3]) if len(path.parts) > 3 else None


def why_not_in_core(path, include):
    if begins_with(include, ("plugins/",)):
        return "the core includes no plugin"
    if begins_with(include, ("core/",)) and len(path.parts) > 2 and path.parts[1] in CORE_ORDER:
        target = include.split("/")[1]
        if target not in CORE_ORDER:
            return f"core/{target} is no part of the core; add it to CORE_ORDER where it belongs"
        if CORE_ORDER.index(target) > CORE_ORDER.index(path.parts[1]):
            return f"inside the core an include runs only to the left, and {target} is right of {path.parts[1]}"
    if begins_with(include, ("tocsin/host.hpp", "tocsin/inbox/")) and path.parts[1] not in ("app", "include"):
        return "only core/app knows the embedded host's face and the inbox"
    return None


def why_not_in_plugin(path, include):
    if begins_with(include, ("core/", "tocsin/host.hpp")):
        return "no plugin includes the core"
    if begins_with(include, ("tocsin/inbox/",)):
        return "no plugin includes the inbox, which is for tests and the demo"
    if begins_with(include, ("plugins/",)) and not include.startswith(f"{plugin_of(path)}/"):
        return "no plugin includes another; they meet through service extensions"
    return None


def why_not_in_sdk(path, include):
    if begins_with(include, ("core/", "plugins/", "tocsin/host.hpp")):
        return "the SDK knows neither core nor plugins"
    if path.parts[:3] == ("sdk", "include", "tocsin"):
        allowed = ("tocsin/abi/",) if path.parts[3] == "abi" else ("tocsin/abi/", f"tocsin/{path.parts[3]}/")
        c_headers = PLAIN_C_HEADERS if path.parts[3] == "c" else ("stddef.h", "stdint.h")
        standard = "/" not in include and (not include.endswith((".h", ".hpp")) or include in c_headers)
        if not begins_with(include, allowed) and not standard:
            return "the SDK's public headers include " + " and ".join(allowed) + " and the standard library alone"
    return None


RULES = {"core": why_not_in_core, "plugins": why_not_in_plugin, "sdk": why_not_in_sdk}


def is_relative(path, include, root):
    """The inbox is small and stands alone: its own files may be named as they lie beside each other."""
    return (path.parts[:2] != ("sdk", "inbox") and (root / path.parent / include).exists()
            and not (root / include).exists())


def impure_detour(start, files):
    """The way from a pure file to an impure include through the project's own headers, or None."""
    seen, ways = {start}, [[start]]
    while ways:
        way = ways.pop()
        for _, _, include in files[way[-1]].includes:
            if len(way) > 1 and begins_with(include, IMPURE_BY_DETOUR):
                return [path.as_posix() for path in way[1:]] + [include]
            target = pathlib.PurePosixPath(include)
            if target not in files:
                target = way[-1].parent / include
            if target in files and target not in seen:
                seen.add(target)
                ways.append(way + [target])
    return None


def breaches_of(file, files, root):
    path = file.path
    for line, quoted, include in file.includes:
        why = RULES[path.parts[0]](path, include)
        if begins_with(include, ("tests/",)):
            why = "the product includes no test"
        elif ".." in pathlib.PurePosixPath(include).parts or (quoted and is_relative(path, include, root)):
            why = "includes are written from the project's root"
        elif is_pure(path) and begins_with(include, IMPURE_INCLUDES):
            why = "protocol/, *_fsm and *_policy include no Asio, no clock and no I/O"
        if why:
            yield f"{path}:{line}: #include {include}: {why}"
    if is_pure(path):
        for found in IMPURE_WORDS.finditer(file.code):
            line = file.code.count("\n", 0, found.start()) + 1
            yield f"{path}:{line}: {found.group(0)}: protocol/, *_fsm and *_policy get the time as a value"
        detour = impure_detour(path, files)
        if detour:
            yield f"{path}: includes {detour[-1]} by way of {', '.join(detour[:-1])}: it must stay without I/O"


def check(root):
    """All breaches below root, as lines."""
    files = {}
    for top in RULES:
        for absolute in sorted((root / top).rglob("*")):
            if absolute.suffix in SUFFIXES and absolute.is_file():
                path = pathlib.PurePosixPath(absolute.relative_to(root).as_posix())
                files[path] = source_file(root, path)
    return len(files), [breach for file in files.values() for breach in breaches_of(file, files, root)]


def main():
    count, breaches = check(pathlib.Path(sys.argv[1]))
    print(*breaches, sep="\n")
    print(f"{count} files, {len(breaches)} breaches of the dependency rule (docs/flow.md has the picture)")
    if count == 0:
        print("no source file was found: is this the project's root?")
    return 1 if breaches or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
