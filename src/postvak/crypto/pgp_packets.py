"""OpenPGP packets: bytes -> packets and back, ASCII armour, the numbers inside (RFC 4880 and 9580, sections 3, 4 and 6).

Nothing here computes with keys. Whatever can't be read raises Malformed.
"""

from __future__ import annotations

import re
from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

MOST_PACKETS = 20_000
MARK = re.compile(
    rb"^[ \t]*-----(?P<edge>BEGIN|END) PGP (?P<what>[A-Z ]{1,30})(?:, PART[^-\r\n]{1,20})?-----[ \t\r]*$", re.M
)
CHARSET = re.compile(rb"(?i:charset): ?(.{1,40})")
CLEAR_SIGNED, SIGNATURE = b"SIGNED MESSAGE", b"SIGNATURE"
BLANK = b" \t\r\xa0"
NO_BREAK = "\N{NO-BREAK SPACE}".encode()


class Malformed(Exception):
    """These bytes are no OpenPGP, or are broken."""


class Tag(IntEnum):
    """Of packets (RFC 9580 section 5). Others are numbers."""

    session_key = 1
    signature = 2
    password_session_key = 3
    one_pass = 4
    secret_key = 5
    public_key = 6
    secret_subkey = 7
    compressed = 8
    unprotected = 9
    marker = 10
    literal = 11
    trust = 12
    user_id = 13
    public_subkey = 14
    user_attribute = 17
    protected = 18
    mdc = 19
    gnupg_aead = 20
    padding = 21


@dataclass(frozen=True, slots=True)
class Packet:
    tag: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Armour:
    """`what`: MESSAGE, PUBLIC KEY BLOCK…"""

    what: str
    content: bytes
    charset: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """Where a block stands in a text, from the first mark to the last. `signed`: of clear-signed text what stands between its first
    mark and the signature, headers and all; None for an ordinary block."""

    what: str
    start: int
    end: int
    inside: bytes
    signed: bytes | None = None


class Reader:
    """Takes one field after the other out of a packet; raises Malformed at its end."""

    def __init__(self, content: bytes) -> None:
        self.content, self.at = content, 0

    def take(self, count: int) -> bytes:
        if count < 0 or self.at + count > len(self.content):
            raise Malformed("it ends too early")
        self.at += count
        return self.content[self.at - count : self.at]

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def mpi(self) -> int:
        """Multiprecision integer: its bits, then the number (section 3.2)."""
        return int.from_bytes(self.take((self.number(2) + 7) // 8), "big")

    def sized(self, size: int = 1) -> bytes:
        """A length in so many bytes, and what follows."""
        return self.take(self.number(size))

    def rest(self) -> bytes:
        return self.take(len(self.content) - self.at)

    @property
    def is_done(self) -> bool:
        return self.at >= len(self.content)


def packets(content: bytes) -> list[Packet]:
    """All of them, in order. Raises Malformed, also when there is none."""
    reader, found = Reader(content), []
    while not reader.is_done:
        found.append(_packet(reader))
        if len(found) > MOST_PACKETS:
            raise Malformed("more packets than anybody makes")
    if not found:
        raise Malformed("empty")
    return found


def _packet(reader: Reader) -> Packet:
    head = reader.number(1)
    if not head & 0x80:
        raise Malformed("no packet")
    if head & 0x40:
        return Packet(head & 0x3F, _new_body(reader))
    tag, size = (head >> 2) & 0x0F, head & 3
    return Packet(tag, reader.rest() if size == 3 else reader.sized(1 << size))


def _new_body(reader: Reader) -> bytes:
    """New format, maybe in pieces (section 4.2.1.4)."""
    pieces = []
    while True:
        first = reader.number(1)
        if first < 224 or first == 255:
            pieces.append(reader.take(_length(first, reader)))
            return b"".join(pieces)
        pieces.append(reader.take(1 << (first & 0x1F)))


def _length(first: int, reader: Reader) -> int:
    if first < 192:
        return first
    return reader.number(4) if first == 255 else ((first - 192) << 8) + reader.number(1) + 192


def subpackets(area: bytes) -> Iterator[tuple[int, bool, bytes]]:
    """(type, critical, value) of an area of a signature (section 5.2.3.7)."""
    reader = Reader(area)
    while not reader.is_done:
        first = reader.number(1)
        size = _length(first, reader) if first < 255 else reader.number(4)
        kind = reader.number(1)
        yield kind & 0x7F, bool(kind & 0x80), reader.take(size - 1)


def written(tag: int, body: bytes) -> bytes:
    """One packet, new format."""
    size = len(body)
    if size < 192:
        length = bytes([size])
    elif size < 8384:
        length = bytes([((size - 192) >> 8) + 192, (size - 192) & 0xFF])
    else:
        length = b"\xff" + size.to_bytes(4, "big")
    return bytes([0xC0 | tag]) + length + body


def mpi(number: int) -> bytes:
    return number.bit_length().to_bytes(2, "big") + number.to_bytes((number.bit_length() + 7) // 8, "big")


def spans(content: bytes) -> list[Span]:
    """Every armoured block and clear-signed text, whatever stands around. One pass, however many lines look like armour."""
    found: list[Span] = []
    opened: re.Match[bytes] | None = None
    signed: re.Match[bytes] | None = None
    for mark in MARK.finditer(content):
        if mark["edge"] == b"BEGIN":
            if mark["what"] == CLEAR_SIGNED:
                opened, signed = None, mark
                continue
            opened, signed = mark, signed if mark["what"] == SIGNATURE else None
        elif opened and opened["what"] == mark["what"]:
            text = content[signed.end() : opened.start()] if signed else None
            start = (signed or opened).start()
            inside = content[opened.end() : mark.start()]
            found.append(Span(mark["what"].decode(), start, mark.end(), inside, text))
            opened = signed = None
    return found


def read_armour(span: Span) -> Armour:
    """The checksum is not looked at (RFC 9580 section 6.1): signatures and modification detection tell more. Raises Malformed."""
    lines = [line.replace(NO_BREAK, b"").strip(BLANK) for line in span.inside.split(b"\n")]
    said = [header[1] for line in lines if (header := CHARSET.fullmatch(line))]
    charset = said[0].decode("ascii", "replace").strip() if said else ""
    data = b"".join(line for line in lines if b":" not in line and not line.startswith(b"="))
    try:
        return Armour(span.what, a2b_base64(data), charset)
    except Base64Error as error:
        raise Malformed("the armour is damaged") from error


def unarmoured(content: bytes) -> list[Armour]:
    """The armoured blocks, or the content itself when it is binary. Raises Malformed for one that is no base64."""
    if b"-----BEGIN PGP" in content:
        return [read_armour(span) for span in spans(content) if span.signed is None]
    return [Armour("", content)] if content[:1] >= b"\x80" else []
