"""ASN.1 as bytes: BER read (X.690; indefinite lengths, strings in pieces), DER written. No schema: callers know what stands where.

Only what CMS needs: tag numbers below 31. A string may be megabytes in thousands of pieces; nothing here recurses without a limit.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

INTEGER, BIT_STRING, OCTET_STRING, NULL, OID = 0x02, 0x03, 0x04, 0x05, 0x06
UTC_TIME, GENERALIZED_TIME, SEQUENCE, SET = 0x17, 0x18, 0x30, 0x31
CONSTRUCTED, TAG_NUMBER, LONG, INDEFINITE = 0x20, 0x1F, 0x80, 0x80
MAX_DEPTH = 40
FREE_OBJECTS, BYTES_OF_OBJECT = 50_000, 10  # looked at, also again and again: so many, and one more for so many bytes


class Broken(ValueError):
    """Not what it should be."""


@dataclass(slots=True)
class Work:
    """How many objects may still be looked at. Where an object of indefinite length ends is found by looking at all that it holds, on
    each level anew: a small file could ask for minutes."""

    left: int

    def one_more(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Broken("too many objects")


def work_for(data: bytes) -> Work:
    return Work(FREE_OBJECTS + len(data) // BYTES_OF_OBJECT)


@dataclass(frozen=True, slots=True)
class Node:
    """One object within `data`: it begins at `start`, what it holds at `body`, up to `end`; the next one follows at `after`."""

    data: bytes
    tag: int
    start: int
    body: int
    end: int
    after: int
    work: Work = field(repr=False, compare=False)

    @property
    def content(self) -> bytes:
        return self.data[self.body : self.end]

    @property
    def whole(self) -> bytes:
        return self.data[self.start : self.after]

    def children(self) -> list[Node]:
        found, at = [], self.body
        while at < self.end:
            found.append(read(self.data, at, self.end, self.work))
            at = found[-1].after
        return found

    def octets(self) -> bytes:
        """The bytes of an octet string (also under a tag of its own), put together from its pieces."""
        if not self.tag & CONSTRUCTED:
            return self.content
        return b"".join(_pieces(self, MAX_DEPTH))

    def number(self) -> int:
        if self.tag != INTEGER or self.body == self.end:
            raise Broken("no number")
        return int.from_bytes(self.content, "big", signed=True)

    def oid(self) -> str:
        if self.tag != OID:
            raise Broken("no object identifier")
        return dotted(self.content)

    def expect(self, tag: int) -> Node:
        if self.tag != tag:
            raise Broken(f"tag {self.tag:#x} instead of {tag:#x}")
        return self


def _pieces(node: Node, depth: int) -> Iterable[bytes]:
    if depth == 0:
        raise Broken("too deep")
    for child in node.children():
        if child.tag & CONSTRUCTED:
            yield from _pieces(child, depth - 1)
        else:
            yield child.expect(OCTET_STRING).content


def read(data: bytes, at: int = 0, limit: int | None = None, work: Work | None = None) -> Node:
    """The object that begins at `at`. Raises Broken."""
    limit, work = len(data) if limit is None else limit, work or work_for(data)
    work.one_more()
    body, length = _head(data, at, limit)
    if length >= 0:
        if body + length > limit:
            raise Broken("cut off")
        return Node(data, data[at], at, body, body + length, body + length, work)
    if not data[at] & CONSTRUCTED:
        raise Broken("an endless string")
    end = _end_of_contents(data, body, limit, work)
    return Node(data, data[at], at, body, end, end + 2, work)


def _head(data: bytes, at: int, limit: int) -> tuple[int, int]:
    """(where what it holds begins, its length or -1 for indefinite)"""
    if at + 2 > limit:
        raise Broken("cut off")
    if data[at] & TAG_NUMBER == TAG_NUMBER:
        raise Broken("a long tag")
    length = data[at + 1]
    if length < LONG:
        return at + 2, length
    if length == INDEFINITE:
        return at + 2, -1
    count = length & 0x7F
    if count > 8 or at + 2 + count > limit:  # noqa: PLR2004 - no length needs more than 8 bytes
        raise Broken("cut off")
    return at + 2 + count, int.from_bytes(data[at + 2 : at + 2 + count], "big")


def _end_of_contents(data: bytes, at: int, limit: int, work: Work) -> int:
    """Where the two zeros are that end an indefinite length."""
    depth = 1
    while True:
        work.one_more()
        body, length = _head(data, at, limit)
        if data[at] == 0 and length == 0:
            depth -= 1
            if depth == 0:
                return at
        elif length < 0:
            depth += 1
        at = body + max(length, 0)


def canonical(node: Node, depth: int = MAX_DEPTH) -> bytes:
    """The object with definite, shortest lengths and strings in one piece: DER, but for the order in sets."""
    if depth == 0:
        raise Broken("too deep")
    if not node.tag & CONSTRUCTED:
        return encode(node.tag, node.content)
    if node.tag == OCTET_STRING | CONSTRUCTED:
        return encode(OCTET_STRING, node.octets())
    return encode(node.tag, b"".join(canonical(child, depth - 1) for child in node.children()))


def dotted(content: bytes) -> str:
    numbers, number = [], 0
    for byte in content[:100]:
        number = number << 7 | byte & 0x7F
        if not byte & 0x80:
            numbers.append(number)
            number = 0
    if not numbers:
        raise Broken("no object identifier")
    first = min(numbers[0] // 40, 2)
    return ".".join(map(str, [first, numbers[0] - 40 * first, *numbers[1:]]))


def moment(node: Node) -> datetime:
    """UTCTime or GeneralizedTime in UTC (RFC 5652 section 11.3)."""
    text = node.content.decode("ascii", "replace").rstrip("Z")
    if node.tag == UTC_TIME:
        text = ("19" if text[:2] >= "50" else "20") + text
    try:
        return datetime.strptime(text[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError as error:
        raise Broken("no time") from error


def encode(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < LONG:
        return bytes((tag, length)) + content
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, LONG | len(size))) + size + content


def sequence(*parts: bytes) -> bytes:
    return encode(SEQUENCE, b"".join(parts))


def set_of(*parts: bytes) -> bytes:
    return encode(SET, b"".join(sorted(parts)))


def explicit(number: int, content: bytes) -> bytes:
    return encode(0xA0 | number, content)


def integer(number: int) -> bytes:
    return encode(INTEGER, number.to_bytes(number.bit_length() // 8 + 1, "big", signed=True))


def octet_string(content: bytes) -> bytes:
    return encode(OCTET_STRING, content)


def bit_string(content: bytes) -> bytes:
    return encode(BIT_STRING, b"\0" + content)


def null() -> bytes:
    return encode(NULL, b"")


def oid(text: str) -> bytes:
    first, second, *others = map(int, text.split("."))
    content = bytearray()
    for number in (first * 40 + second, *others):
        septets = [number & 0x7F]
        while number := number >> 7:
            septets.append(number & 0x7F | 0x80)
        content += bytes(reversed(septets))
    return encode(OID, bytes(content))


def time(at: datetime) -> bytes:
    """UTCTime until 2049, as RFC 5652 section 11.3 wants it."""
    at = at.astimezone(UTC)
    if 1950 <= at.year < 2050:  # noqa: PLR2004 - the years that UTCTime can say
        return encode(UTC_TIME, at.strftime("%y%m%d%H%M%SZ").encode())
    return encode(GENERALIZED_TIME, at.strftime("%Y%m%d%H%M%SZ").encode())
