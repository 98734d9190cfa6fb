"""A mail as DKIM signs it (RFC 6376 section 3.4): its header lines with their bytes, its body, both canonicalized."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from hashlib import sha256

from postvak.mail.tree import strip_envelope

FIELD_END = re.compile(rb"\r\n(?![ \t])")
NAME = re.compile(rb"([\x21-\x39\x3b-\x7e]+)[ \t]*:")
BLANKS = re.compile(rb"[ \t]+")
LARGEST_HEADER = 512 * 1024
LINES = 2000


@dataclass(slots=True)
class Letter:
    """`lines`: (name in small letters, the whole line with its folds, without the last CRLF). `hashes`: of the body, as far as they
    were asked for."""

    lines: tuple[tuple[bytes, bytes], ...]
    body: bytes
    hashes: dict[tuple[str, int | None], bytes] = field(default_factory=dict)

    def named(self, name: bytes) -> list[bytes]:
        return [line for found, line in self.lines if found == name]


def letter_of(raw: bytes) -> Letter:
    """Line ends that became LF on the way are CRLF again: so the mail was signed."""
    content = bytes(strip_envelope(raw))
    if content.count(b"\n") != content.count(b"\r\n"):
        content = content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    if content.startswith(b"\r\n"):
        return Letter((), content[2:])
    header, _gap, body = content.partition(b"\r\n\r\n")
    found = []
    for line in FIELD_END.split(header[:LARGEST_HEADER], LINES):
        match = NAME.match(line)
        if match:
            found.append((match.group(1).lower(), line))
    return Letter(tuple(found), body)


def value_of(line: bytes) -> bytes:
    return line.partition(b":")[2]


def header_line(line: bytes, how: str) -> bytes:
    """Without the last CRLF."""
    if how == "simple":
        return line
    name, _colon, value = line.partition(b":")
    return name.strip().lower() + b":" + BLANKS.sub(b" ", value.replace(b"\r\n", b"")).strip(b" ")


def body_of(body: bytes, how: str) -> bytes:
    """Empty lines at the end don't count; an empty body is CRLF (simple) or nothing (relaxed)."""
    if how == "relaxed":
        body = BLANKS.sub(b" ", body).replace(b" \r\n", b"\r\n")
        body = body[:-1] if body.endswith(b" ") else body
    end = len(body)
    while body[end - 2 : end] == b"\r\n":
        end -= 2
    if end == 0:
        return b"\r\n" if how == "simple" else b""
    return body[:end] + b"\r\n"


def body_hash(letter: Letter, how: str, length: int | None) -> tuple[bytes, bool]:
    """(SHA-256, does it cover the whole body?)"""
    key = (how, length)
    if key not in letter.hashes:
        content = body_of(letter.body, how)
        if length is not None and length < len(content):
            return sha256(content[:length]).digest(), False
        if length is not None and length > len(content):
            return b"", False
        letter.hashes[key] = sha256(content).digest()
    return letter.hashes[key], True
