"""winmail.dat: the files and the text that Outlook wraps into a TNEF stream ([MS-OXTNEF]). Never raises.

Every length is checked against what is left; embedded messages are opened to a depth of five.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from struct import Struct, error

from postvak.mail.charsets import decode, storable
from postvak.mail.rtf import decompress, read_rtf

SIGNATURE = b"\x78\x9f\x3e\x22"
ATTRIBUTE = Struct("<BII")  # level, id, length
U32 = Struct("<I")
TYPE_AND_ID = Struct("<HH")
MAX_FILES = 1000
MAX_PROPERTIES = 10_000
MAX_DEPTH = 5
# attributes (section 2.1.3)
BODY, MESSAGE_PROPERTIES, CODEPAGE = 0x0002800C, 0x00069003, 0x00069007
FILE_STARTS, FILE_TITLE, FILE_DATA, FILE_PROPERTIES = 0x00069002, 0x00018010, 0x0006800F, 0x00069005
# properties ([MS-OXPROPS])
TEXT, RTF, HTML, INTERNET_CODEPAGE = 0x1000, 0x1009, 0x1013, 0x3FDE
DATA, SHORT_NAME, LONG_NAME, DISPLAY_NAME, MIME_TYPE, CONTENT_ID = 0x3701, 0x3704, 0x3707, 0x3001, 0x370E, 0x3712
SIZES = {2: 4, 3: 4, 4: 4, 5: 8, 6: 8, 7: 8, 0xA: 4, 0xB: 4, 0x14: 8, 0x40: 8, 0x48: 16}
OBJECT, STRING, UNICODE, BINARY = 0x0D, 0x1E, 0x1F, 0x102
MANY = 0x1000
Properties = dict[int, tuple[int, bytes]]  # type and first value by property number
IID_MESSAGE = bytes.fromhex("0703020000000000c000000000000046")


@dataclass(frozen=True, slots=True)
class TnefFile:
    """One file; `name` as Outlook wrote it, '' when it gave none."""

    name: str
    content: bytes
    content_type: str
    content_id: str


@dataclass
class Tnef:
    """What a winmail.dat holds. `is_cut`: it ended before it was complete."""

    files: list[TnefFile] = field(default_factory=list)
    text: str = ""
    html: str = ""
    is_cut: bool = False


@dataclass
class _File:
    title: bytes = b""
    data: bytes = b""
    properties: Properties = field(default_factory=dict)


def is_tnef(content_type: str, name: str, content: bytes) -> bool:
    """By its type or name, and its first four bytes."""
    named = content_type in ("application/ms-tnef", "application/vnd.ms-tnef") or name.lower() == "winmail.dat"
    return named and content.startswith(SIGNATURE)


def read_tnef(raw: bytes, depth: int = 0) -> Tnef | None:
    """Files and text; None when these bytes are no TNEF stream."""
    if not raw.startswith(SIGNATURE):
        return None
    found = Tnef()
    reader = _Stream()
    for identity, data in _attributes(raw, found):
        reader.take(identity, data)
    found.text = decode(reader.body, _charset(reader.codepage))[0]
    _read_bodies(found, reader.properties, reader.codepage)
    for file in reader.files:
        found.files += _finished(file, reader.codepage, depth)
    return found


@dataclass
class _Stream:
    """What the attributes of one stream said."""

    codepage: str = ""
    body: bytes = b""
    properties: Properties = field(default_factory=dict)
    files: list[_File] = field(default_factory=list)

    def take(self, identity: int, data: bytes) -> None:
        if identity == CODEPAGE and len(data) >= 4:
            self.codepage = f"cp{U32.unpack_from(data)[0]}"
        elif identity == BODY:
            self.body = data.rstrip(b"\0")
        elif identity == MESSAGE_PROPERTIES:
            self.properties = _properties(data)
        elif identity == FILE_STARTS and len(self.files) < MAX_FILES:
            self.files.append(_File())
        elif self.files:
            self._add_to_file(self.files[-1], identity, data)

    def _add_to_file(self, file: _File, identity: int, data: bytes) -> None:
        if identity == FILE_TITLE:
            file.title = data.rstrip(b"\0")
        elif identity == FILE_DATA:
            file.data = data
        elif identity == FILE_PROPERTIES:
            file.properties = _properties(data)


def _attributes(raw: bytes, found: Tnef) -> Iterator[tuple[int, bytes]]:
    """(id, data) of each; a stream that ends in the middle of one is cut."""
    at = 6
    while at + ATTRIBUTE.size <= len(raw):
        _level, identity, length = ATTRIBUTE.unpack_from(raw, at)
        at += ATTRIBUTE.size
        if at + length > len(raw):
            found.is_cut = True
            yield identity, raw[at:]
            return
        yield identity, raw[at : at + length]
        at += length + 2


def _properties(data: bytes) -> Properties:
    """Type and first value by property number (section 2.1.3.4); what can't be read is left out."""
    found: Properties = {}
    try:
        at = 4
        for _ in range(min(U32.unpack_from(data)[0], MAX_PROPERTIES)):
            kind, number = TYPE_AND_ID.unpack_from(data, at)
            at += 4
            if number >= 0x8000:
                at = _after_name(data, at)
            value, at = _value(data, at, kind)
            found.setdefault(number, (kind & ~MANY, value))
    except (error, KeyError):
        pass
    return found


def _after_name(data: bytes, at: int) -> int:
    """A named property: GUID, then a number or a name."""
    by_name, length = U32.unpack_from(data, at + 16)[0], U32.unpack_from(data, at + 20)[0]
    return at + 24 + (_padded(length) if by_name else 0)


def _value(data: bytes, at: int, kind: int) -> tuple[bytes, int]:
    """The first value and the place behind all values."""
    plain = kind & ~MANY
    is_long = plain in (OBJECT, STRING, UNICODE, BINARY)
    count = 1
    if kind & MANY or is_long:
        count = U32.unpack_from(data, at)[0]
        at += 4
    first = b""
    for position in range(min(count, MAX_PROPERTIES)):
        length = U32.unpack_from(data, at)[0] if is_long else SIZES[plain]
        at += 4 * is_long
        if position == 0:
            first = data[at : at + length]
        at += _padded(length)
    return first, at


def _padded(length: int) -> int:
    return (length + 3) & ~3


def _read_bodies(found: Tnef, properties: Properties, codepage: str) -> None:
    """Text, HTML, and what only the compressed RTF says."""
    found.text = _text(properties, TEXT, codepage) or found.text
    kind, html = properties.get(HTML, (0, b""))
    number = properties.get(INTERNET_CODEPAGE, (0, b""))[1]
    label = f"cp{U32.unpack(number)[0]}" if len(number) == 4 else codepage
    if html:
        found.html = decode(html, "utf-16-le" if kind == UNICODE else _charset(label))[0]
    if RTF in properties and not (found.text and found.html):
        text, from_html = read_rtf(decompress(properties[RTF][1]))
        found.text, found.html = found.text or text, found.html or from_html


def _charset(codepage: str) -> str:
    return {"cp65001": "utf-8", "cp20127": "us-ascii", "cp28591": "iso-8859-1", "cp28605": "iso-8859-15"}.get(
        codepage, codepage.replace("cp125", "windows-125")
    )


def _text(properties: Properties, number: int, codepage: str) -> str:
    kind, value = properties.get(number, (0, b""))
    if kind == UNICODE:
        return storable(value.decode("utf-16-le", "replace").rstrip("\0"))
    return decode(value.rstrip(b"\0"), _charset(codepage))[0] if kind == STRING else ""


def _finished(file: _File, codepage: str, depth: int) -> list[TnefFile]:
    """One file, or the files of an embedded message."""
    properties = file.properties
    kind, value = properties.get(DATA, (0, b""))
    content = value if DATA in properties else file.data
    names = (_text(properties, number, codepage) for number in (LONG_NAME, SHORT_NAME, DISPLAY_NAME))
    name = next(filter(None, names), "") or decode(file.title, _charset(codepage))[0]
    if kind == OBJECT:
        content = value[16:]
        inner = read_tnef(content, depth + 1) if value[:16] == IID_MESSAGE and depth < MAX_DEPTH else None
        if inner is not None:
            body = inner.html or inner.text
            text = TnefFile(f"{name or 'message'}.{'html' if inner.html else 'txt'}", body.encode(), "", "")
            return [*([text] if body else []), *inner.files]
    # what follows the 16 bytes of an interface's number is the object itself, mostly an OLE file
    content_type = _text(properties, MIME_TYPE, codepage).strip().lower()
    return [TnefFile(name, content, content_type, _text(properties, CONTENT_ID, codepage).strip("<> "))]
