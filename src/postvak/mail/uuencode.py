"""uuencode: files that stand inside a text between "begin 644 name" and "end" (POSIX uuencode). Never raises."""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass

BEGIN = re.compile(rb"^begin [0-7]{3,4} ([^\r\n]{1,255})\r?\n", re.M)
BEGIN_TEXT = re.compile(r"^begin [0-7]{3,4} ([^\n]{1,255})\n", re.M)
END = re.compile(r"^end[ \t]*(?:\n|\Z)", re.M)
MAX_FILES = 100
MAX_LINE = 90


@dataclass(frozen=True, slots=True)
class UuFile:
    """One file out of a text."""

    name: str
    content: bytes


def split_files(text: str) -> tuple[str, tuple[UuFile, ...]]:
    """The text without its uuencoded files, and the files. Blocks without "end" or with odd lines stay text."""
    if "begin " not in text:
        return text, ()
    found: list[UuFile] = []
    kept: list[str] = []
    at = 0
    for begin in BEGIN_TEXT.finditer(text):
        end = END.search(text, begin.end()) if begin.start() >= at and len(found) < MAX_FILES else None
        if end is None:
            break
        lines = text[begin.end() : end.start()].encode("ascii", "replace").split(b"\n")
        if all(map(_is_sound, lines)):
            found.append(UuFile(begin.group(1).strip(), b"".join(map(_decode_line, lines))))
            kept.append(text[at : begin.start()])
            at = end.end()
    return "".join([*kept, text[at:]]), tuple(found)


def _is_sound(line: bytes) -> bool:
    """Has the line about as many characters as its first one says?"""
    if not line.strip(b" `"):
        return True
    if len(line) > MAX_LINE:
        return False
    wanted = (((line[0] - 32) & 63) + 2) // 3 * 4
    return line.isascii() and len(line.rstrip()) <= wanted + 2 and len(line) - 1 >= wanted - 4


def decode_uu(body: bytes) -> bytes:
    """The file of a body that is all uuencoded; broken lines are read as far as they go."""
    start = BEGIN.search(body)
    chunks: list[bytes] = []
    for line in body[start.end() if start else 0 :].splitlines():
        if line.strip() == b"end":
            break
        chunks.append(_decode_line(line))
    return b"".join(chunks)


def _decode_line(line: bytes) -> bytes:
    if not line.strip():
        return b""
    try:
        return binascii.a2b_uu(line)
    except binascii.Error:
        wanted = ((line[0] - 32) & 63) * 4 + 5
        try:
            return binascii.a2b_uu(line[: wanted // 3])
        except binascii.Error:
            return b""
