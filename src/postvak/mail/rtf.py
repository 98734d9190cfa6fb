"""Rich text of Outlook: decompressed ([MS-OXRTFCP]) and turned to text, or to the HTML it was made of.

HTML inside RTF is marked by \\fromhtml1 ([MS-OXRTFEX]); its tags stand in \\*\\htmltag groups. Never raises.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from struct import unpack_from

from postvak.mail.charsets import decode

MAX_RTF = 5_000_000
DICTIONARY = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript \fdecor "
    rb"MS Sans SerifSymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0"
    b"\r\n"
    rb"\par \pard\plain\f0\fs20\b\i\u\tab\tx"
)
TOKEN = re.compile(
    rb"\\([a-zA-Z]{1,32})(-?[0-9]{1,9})? ?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z])|([{}])|[\r\n]+|([^\\{}\r\n]+)|\\"
)
SKIPPED = frozenset(
    # fmt: off
    [
        b"fonttbl",
        b"colortbl",
        b"stylesheet",
        b"info",
        b"pict",
        b"object",
        b"header",
        b"footer",
        b"generator",
        b"listtable",
        b"listoverridetable",
        b"themedata",
        b"datastore",
        b"xmlnstbl",
        b"rsidtbl",
        b"fldinst",
    ]
    # fmt: on
)
LETTERS: dict[bytes, bytes | str] = {
    b"par": b"\n", b"line": b"\n", b"sect": b"\n", b"page": b"\n", b"row": b"\n", b"tab": b"\t", b"cell": b"\t",
    b"emdash": "—", b"endash": "–", b"lquote": "‘", b"rquote": "’", b"ldblquote": "“", b"rdblquote": "”",
    b"bullet": "•",
}  # fmt: skip


def decompress(packed: bytes) -> bytes:
    """The RTF of a PR_RTF_COMPRESSED value; b'' when it is none. At most MAX_RTF bytes."""
    if len(packed) < 16:
        return b""
    size, kind = unpack_from("<I", packed, 4)[0], packed[8:12]
    if kind == b"MELA":
        return packed[16 : 16 + size]
    return _unpacked(packed, min(size, MAX_RTF)) if kind == b"LZFu" else b""


def _unpacked(packed: bytes, size: int) -> bytes:
    """A flag byte says for each of the next eight whether it is a letter or a reference into a ring of 4096."""
    out = bytearray(DICTIONARY)
    start = len(DICTIONARY)
    at = 16
    while at < len(packed) and len(out) - start < size:
        flags = packed[at]
        at += 1
        for bit in range(8):
            if not flags >> bit & 1:
                out += packed[at : at + 1]
                at += 1
                continue
            if at + 2 > len(packed):
                return bytes(out[start:])
            place, length = packed[at] << 4 | packed[at + 1] >> 4, (packed[at + 1] & 15) + 2
            at += 2
            if not _copy(out, place, length):
                return bytes(out[start:])
    return bytes(out[start:])


def _copy(out: bytearray, place: int, length: int) -> bool:
    """False at the mark of the end: a reference to the place that is written next."""
    distance = (len(out) - place) & 4095
    if distance == 0:
        return False
    begin = len(out) - distance
    for at in range(begin, begin + length):
        out.append(out[at] if at >= 0 else 32)
    return True


@dataclass
class _Group:
    is_skipped: bool = False
    is_tag: bool = False
    fallback: int = 1


@dataclass
class _Reader:
    """Walks over the tokens of an RTF text."""

    is_html: bool
    charset: str
    groups: list[_Group] = field(default_factory=lambda: [_Group()])
    raw: bytearray = field(default_factory=bytearray)
    pieces: list[str] = field(default_factory=list)
    is_hidden: bool = False
    starred: bool = False
    to_skip: int = 0

    def take(self, match: re.Match[bytes]) -> None:
        word, number, byte, sign, brace, text = match.groups()
        if brace:
            self._brace(brace)
        elif word:
            self._word(word, number)
        elif byte:
            self._put(bytes([int(byte, 16)]))
        elif sign:
            self._sign(sign)
        elif text:
            self._put(text)

    def _brace(self, brace: bytes) -> None:
        self.starred = False
        if brace == b"{":
            last = self.groups[-1]
            self.groups.append(_Group(last.is_skipped, last.is_tag, last.fallback))
        elif len(self.groups) > 1:
            self.groups.pop()

    def _word(self, word: bytes, number: bytes | None) -> None:
        group = self.groups[-1]
        if word == b"htmlrtf":
            self.is_hidden = number != b"0"
        elif word == b"htmltag":
            group.is_skipped, group.is_tag = not self.is_html, True
        elif word in SKIPPED or self.starred:
            group.is_skipped = True
        elif word == b"uc":
            group.fallback = int(number or 1)
        elif word == b"u":
            self._letter(chr(int(number or 0) & 0xFFFF))
            self.to_skip = group.fallback
        elif word in LETTERS:
            letter = LETTERS[word]
            self._put(letter) if isinstance(letter, bytes) else self._letter(letter)
        self.starred = False

    def _sign(self, sign: bytes) -> None:
        if sign == b"*":
            self.starred = True
        elif sign in b"\\{}":
            self._put(sign)
        elif sign == b"~":
            self._put(b" ")
        elif sign in b"\r\n":
            self._put(b"\n")

    def _is_silent(self) -> bool:
        return self.groups[-1].is_skipped or (self.is_html and self.is_hidden)

    def _put(self, text: bytes) -> None:
        if self.to_skip:
            dropped = min(self.to_skip, len(text))
            self.to_skip -= dropped
            text = text[dropped:]
        if not self._is_silent():
            self.raw += text

    def _letter(self, letter: str) -> None:
        if not self._is_silent():
            self._flush()
            self.pieces.append(letter)

    def _flush(self) -> None:
        if self.raw:
            self.pieces.append(decode(bytes(self.raw), self.charset)[0])
            self.raw.clear()

    def text(self) -> str:
        self._flush()
        joined = "".join(self.pieces)
        return joined.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").replace("\0", "")


def read_rtf(rtf: bytes) -> tuple[str, str]:
    """(text, HTML) of an RTF text; one of them is ''."""
    if not rtf.startswith(b"{\\rtf"):
        return "", ""
    codepage = re.search(rb"\\ansicpg(\d{1,5})", rtf[:1000])
    number = codepage.group(1).decode() if codepage else "1252"
    is_html = b"\\fromhtml" in rtf[:1000]
    reader = _Reader(
        is_html, "utf-8" if number == "65001" else f"windows-{number}" if number[:3] == "125" else f"cp{number}"
    )
    for match in TOKEN.finditer(rtf[:MAX_RTF]):
        reader.take(match)
    text = reader.text().strip()
    return ("", text) if is_html else (text, "")
