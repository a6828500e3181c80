#!/usr/bin/env python3
"""Reads mails that our composer wrote with Python's email package: what went in must come out."""
import base64
import email
import email.header
import email.policy
import email.utils
import json
import re
import subprocess
import sys


def unstuff(mail):
    assert mail.endswith(b"\r\n.\r\n"), "no end of data"
    lines = mail[:-3].split(b"\r\n")
    for line in lines:
        assert b"\r" not in line and b"\n" not in line, "a bare CR or LF"
        assert len(line) <= 999, "a line of %d bytes" % len(line)
        assert line != b".", "an end of data inside the mail"
    return b"\r\n".join(line[1:] if line.startswith(b".") else line for line in lines)


def expect(what, got, wanted):
    assert got == wanted, "%s: got %r, wanted %r" % (what, got, wanted)


def header_text(text):
    """What a header can say of a text: control characters are spaces."""
    return re.sub(r"[\x00-\x1f\x7f]", " ", text)


def decoded(text):
    return str(email.header.make_header(email.header.decode_header(text)))


def check(sample):
    fields = {key: base64.b64decode(value) for key, value in sample.items()}
    raw = unstuff(fields["mail"])
    head = raw.split(b"\r\n\r\n", 1)[0]
    for line in head.split(b"\r\n"):
        assert len(line) <= 78, "a header line of %d bytes: %r" % (len(line), line)
        assert all(byte < 0x80 for byte in line), "a header line beyond ASCII"
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    for name in ("From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Auto-Submitted", "Content-Type"):
        expect("number of " + name, len(mail.get_all(name) or []), 1)
    for part in mail.walk():
        expect("defects", list(part.defects), [])

    # The words of a phrase through email.header: email.policy.default keeps the space between encoded words
    # (bugs.python.org/issue35547), which RFC 2047 section 6.2 has ignored.
    old_style = email.message_from_bytes(raw)
    phrase = email.utils.parseaddr(re.sub(r"\r?\n", "", old_style["From"]))[0]
    name = decoded(phrase)
    if header_text(fields["name"].decode()).strip():
        expect("sender's name", name.strip(), header_text(fields["name"].decode()).strip())
    expect("sender", mail["From"].addresses[0].addr_spec, fields["address"].decode())
    expect("recipient", mail["To"].addresses[0].addr_spec, fields["to"].decode())
    expect("subject", decoded(re.sub(r"\r?\n", "", old_style["Subject"])), header_text(fields["subject"].decode()))
    expect("date", mail["Date"].datetime.isoformat(), "2025-11-21T23:53:01+00:00")
    expect("message id", mail["Message-ID"], "<sample@host.example>")

    text, html = fields["text"].decode(), fields["html"].decode()
    for kind, wanted in (("plain", text), ("html", html)):
        if not wanted:
            continue
        part = mail.get_body(preferencelist=(kind,))
        assert part is not None, "no %s part" % kind
        got = part.get_payload(decode=True).decode().replace("\r\n", "\n")
        if not wanted.endswith("\n"):
            wanted += "\n"
        expect(kind, got.rstrip("\n"), wanted.rstrip("\n"))
    if text and html:
        expect("type", mail.get_content_type(), "multipart/alternative")
        expect("parts", len(list(mail.iter_parts())), 2)


def main():
    lines = subprocess.run([sys.argv[1]], check=True, stdout=subprocess.PIPE).stdout.splitlines()
    for number, line in enumerate(lines):
        try:
            check(json.loads(line))
        except AssertionError as wrong:
            sys.exit("sample %d: %s" % (number, wrong))
    print("%d mails read back" % len(lines))


if __name__ == "__main__":
    main()
