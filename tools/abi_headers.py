"""Reads the C headers of the plugin interface: their structs, fields, functions, numbers and comments, in order.

Made for the form that these headers have (docs/abi-policy.md); anything else in them is an error that names the place.
"""
import pathlib
import re
import sys

COMMENT = r"/\*(?P<comment>.*?)\*/"
TOP = re.compile(
    COMMENT + r"[ \t]*(?P<after>\n?)"
    r"|typedef struct (?P<struct>\w+) \{(?P<body>.*?)\n\} (?P=struct);"
    r"|typedef (?P<base>\w+) (?P<alias>\w+);"
    r"|\#define[ \t]+(?P<define>\w+)(?P<parameters>\([^)]*\))?(?P<value>(?:\\\n|[^\n])*)"
    r"|^(?P<prototype>const \w+\* \w+\([^)]*\);)"
    r"|(?P<skipped>\#(?:ifndef|ifdef|if|else|endif|include)[^\n]*|extern \"C\" \{|^\})", re.DOTALL | re.MULTILINE)
MEMBER = re.compile(COMMENT + r"|(?P<declaration>[^;/]+);", re.DOTALL)
FUNCTION = re.compile(r"^(?P<result>.*?)\(\*\s*(?P<name>\w+)\)\((?P<parameters>.*)\)$", re.DOTALL)
VARIABLE = re.compile(r"^(?P<type>.*?[\s*])(?P<name>\w+)$", re.DOTALL)


class Field:
    def __init__(self, declaration, comment):
        self.text = " ".join(declaration.split())
        self.comment = comment
        found = FUNCTION.match(self.text)
        self.is_function = found is not None
        if found:
            self.name, self.result = found["name"], found["result"].strip()
            self.parameters = [] if found["parameters"].strip() in ("", "void") else [
                split_variable(part) for part in found["parameters"].split(",")]
        else:
            self.type, self.name = split_variable(self.text)


class Item:
    def __init__(self, kind, name, comment, **more):
        self.kind, self.name, self.comment = kind, name, comment
        self.__dict__.update(more)


class Header:
    def __init__(self, path, comment, items):
        self.path, self.comment, self.items = path, comment, items


def split_variable(text):
    found = VARIABLE.match(text.strip())
    if not found:
        sys.exit(f"abi_headers.py does not know the form of \"{text}\"")
    return found["type"].strip(), found["name"]


def plain(comment):
    """A comment's text: paragraphs and lists as they are, without stars."""
    lines = [re.sub(r"^\s*\*? ?", "", line, count=1).rstrip() for line in comment.splitlines()]
    return "\n".join(lines).strip()


def members(body):
    fields, before, last_end = [], "", None
    for found in MEMBER.finditer(body):
        if found["comment"] is not None:
            beside = last_end is not None and "\n" not in body[last_end:found.start()]
            if beside:
                fields[-1].comment = (fields[-1].comment + " " + plain(found["comment"])).strip()
            else:
                before = (before + "\n" + plain(found["comment"])).strip()
            continue
        fields.append(Field(found["declaration"], before))
        before, last_end = "", found.end()
    return fields


def read_header(path, text):
    items, before, last_line_item = [], "", None
    heading = None
    for found in TOP.finditer(text):
        if found["comment"] is not None:
            words = plain(found["comment"])
            if words.startswith("SPDX"):
                continue
            beside = last_line_item is not None and "\n" not in text[last_line_item.end:found.start()]
            if beside:
                last_line_item.comment = words
            elif heading is None:
                heading = words
            else:
                before = words
            continue
        if found["skipped"] is not None:
            continue
        if found["struct"]:
            item = Item("struct", found["struct"], before, fields=members(found["body"]))
        elif found["alias"]:
            item = Item("alias", found["alias"], before, base=found["base"])
        elif found["define"]:
            value = found["value"].strip()
            comment = before
            inside = re.search(r"/\*(.*?)(\*/|$)", value)
            end = found.end()
            if inside:
                end = found.start() + found.group(0).index("/*")
                value = value[:inside.start()].strip()
                rest = re.compile(COMMENT, re.DOTALL).search(text, end)
                comment = plain(rest["comment"])
            if found["define"].endswith("_H") and not value:
                continue
            item = Item("define", found["define"], comment, value=value, parameters=found["parameters"])
        else:
            item = Item("function", re.search(r"(\w+)\(", found["prototype"])[1], before,
                        text=" ".join(found["prototype"].split()))
        item.end = found.end()
        items.append(item)
        before, last_line_item = "", item
    return Header(path, heading or "", items)


def read_all(include):
    """Every header below INCLUDE/tocsin/abi, the order being: values, messages, plugin, then the extensions."""
    first = ["types", "version", "entry", "plugin", "host", "event", "message", "outcome", "endpoint", "finding"]
    root = pathlib.Path(include)
    paths = sorted((root / "tocsin/abi").rglob("*.h"),
                   key=lambda path: (path.parent.name == "ext", first.index(path.stem) if path.stem in first else 99,
                                     path.stem))
    return [read_header(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8")) for path in paths]
