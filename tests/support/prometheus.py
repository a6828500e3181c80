"""A strict reader of the Prometheus text exposition format 0.0.4. Standard library only."""

import math
import re

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
TYPES = ("counter", "gauge", "histogram", "summary", "untyped")


class Wrong(AssertionError):
    """A line that is not of the format."""


class Family:
    def __init__(self, name, kind, text):
        self.name, self.kind, self.help = name, kind, text
        self.samples = {}  # (name of the line, sorted labels) -> value

    def value(self, suffix="", **labels):
        return self.samples.get((self.name + suffix, tuple(sorted(labels.items()))))


def unescape(text, known, line):
    made, at = "", 0
    while at < len(text):
        if text[at] == "\\":
            at += 1
            if at == len(text) or text[at] not in known:
                raise Wrong(f"an escape that there is none of: {line!r}")
            made += "\n" if text[at] == "n" else text[at]
        else:
            made += text[at]
        at += 1
    return made


def number(text, line):
    if text in ("+Inf", "-Inf", "NaN"):
        return float(text.replace("Inf", "inf"))
    if not re.fullmatch(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", text):
        raise Wrong(f"{text!r} is no number: {line!r}")
    return float(text)


def parse_sample(line):
    """(name, labels, value)"""
    name = NAME.match(line)
    if not name:
        raise Wrong(f"no name: {line!r}")
    at, labels = name.end(), []
    if line[at:at + 1] == "{":
        at += 1
        while line[at:at + 1] != "}":
            label = LABEL.match(line, at)
            if not label or line[label.end():label.end() + 2] != '="':
                raise Wrong(f"no label: {line!r}")
            at = begin = label.end() + 2
            while line[at:at + 1] != '"':
                if at >= len(line):
                    raise Wrong(f"a value without end: {line!r}")
                at += 2 if line[at] == "\\" else 1
            labels.append((label.group(), unescape(line[begin:at], '\\n"', line)))
            at += 1
            if line[at:at + 1] == ",":
                at += 1
            elif line[at:at + 1] != "}":
                raise Wrong(f"labels without end: {line!r}")
        at += 1
    if len({label for label, value in labels}) != len(labels):
        raise Wrong(f"a label twice: {line!r}")
    if line[at:at + 1] != " " or " " in line[at + 1:]:
        raise Wrong(f"there is to be one number after one space: {line!r}")
    return name.group(), tuple(sorted(labels)), number(line[at + 1:], line)


def check_histogram(family):
    """Each series has rising buckets up to +Inf, a sum, and a count that is the last bucket's."""
    series = {}
    for (name, labels), value in family.samples.items():
        others = tuple(label for label in labels if label[0] != "le")
        series.setdefault(others, {})[(name[len(family.name):], dict(labels).get("le"))] = value
    for labels, lines in series.items():
        buckets = sorted((number(le, le), value) for (suffix, le), value in lines.items() if suffix == "_bucket")
        counts = [value for le, value in buckets]
        if not buckets or not math.isinf(buckets[-1][0]) or counts != sorted(counts):
            raise Wrong(f"{family.name}{labels}: wrong buckets {buckets}")
        if lines.get(("_count", None)) != counts[-1] or ("_sum", None) not in lines or len(lines) != len(buckets) + 2:
            raise Wrong(f"{family.name}{labels}: wrong sum or count: {lines}")


def parse(body):
    """{name: Family} of an answer's bytes; raises Wrong."""
    text = body.decode("utf-8")
    if text and not text.endswith("\n"):
        raise Wrong("the last line does not end in a line feed")
    families, family, text_of_help = {}, None, None
    for line in text.split("\n")[:-1]:
        if line.startswith("# HELP "):
            name, _, words = line[len("# HELP "):].partition(" ")
            text_of_help = (name, unescape(words, "\\n", line))
        elif line.startswith("# TYPE "):
            name, _, kind = line[len("# TYPE "):].partition(" ")
            if not NAME.fullmatch(name) or kind not in TYPES or name in families:
                raise Wrong(f"a wrong type, or one that comes twice: {line!r}")
            if text_of_help is None or text_of_help[0] != name:
                raise Wrong(f"{name} has no help")
            family = families[name] = Family(name, kind, text_of_help[1])
            text_of_help = None
        else:
            name, labels, value = parse_sample(line)
            suffixes = ("_bucket", "_sum", "_count") if family and family.kind == "histogram" else ("",)
            if family is None or name not in [family.name + suffix for suffix in suffixes]:
                raise Wrong(f"a line that belongs to no metric: {line!r}")
            if (name, labels) in family.samples:
                raise Wrong(f"a series twice: {line!r}")
            if family.kind == "counter" and value < 0:
                raise Wrong(f"a counter below 0: {line!r}")
            family.samples[(name, labels)] = value
    for one in families.values():
        if one.kind == "histogram":
            check_histogram(one)
        if not one.samples:
            raise Wrong(f"{one.name} has no series")
    return families
