"""MIME entities by their exact bytes (RFC 2045, 2046): what signatures are made over, and mails put together anew from opened parts.

`mail.tree` reads mails for people; here no byte may be lost or changed, because signatures are made over bytes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from postvak.mail.header_lines import read_header
from postvak.mail.headers import Headers, parameters
from postvak.mail.transfer import decode_transfer

MAX_PARTS = 200
FIELD = re.compile(rb"[!-9;-~]{1,100}[ \t]*:")
CONTENT_FIELD = re.compile(rb"(?:\A|\n)content-[a-z-]{2,40}[ \t]*:", re.I)
LINE_END = re.compile(rb"\r\n|\r|\n")


@dataclass(frozen=True)
class Entity:
    """A header and a body. `raw`: as it came, or as it was put together."""

    raw: bytes
    fields: tuple[tuple[str, bytes], ...]
    body: bytes

    @cached_property
    def headers(self) -> Headers:
        return Headers(self.fields)

    @cached_property
    def _type(self) -> tuple[str, dict[str, str]]:
        return parameters(self.headers.raw("content-type"))

    @property
    def content_type(self) -> str:
        return self._type[0] or "text/plain"

    @property
    def parameters(self) -> dict[str, str]:
        return self._type[1]

    @cached_property
    def filename(self) -> str:
        disposition = parameters(self.headers.raw("content-disposition"))[1]
        return disposition.get("filename") or self.parameters.get("name", "")

    @property
    def is_attachment(self) -> bool:
        return parameters(self.headers.raw("content-disposition"))[0] == "attachment"

    @cached_property
    def content(self) -> bytes:
        """The body without its transfer encoding."""
        encoding = self.headers.raw("content-transfer-encoding").split(b"(")[0].strip().strip(b"'\";").lower()
        return decode_transfer(self.body, encoding)[0]

    @property
    def line_end(self) -> bytes:
        return line_end_of(self.raw)


def line_end_of(raw: bytes) -> bytes:
    first = raw.find(b"\n", 0, 100_000)
    return b"\r\n" if first < 0 or raw[first - 1 : first] == b"\r" else b"\n"


def read_entity(raw: bytes, *, is_root: bool = False) -> Entity:
    """Whatever doesn't begin with a header is all body."""
    if raw[:1] in b"\r\n" or not FIELD.match(raw):
        body = raw[2:] if raw[:2] == b"\r\n" else raw.removeprefix(b"\n")
        return Entity(raw, (), body)
    block = read_header(raw, 0, is_root=is_root, is_delimiter=lambda _line: False)
    return Entity(raw, block.lines, raw[block.body_start :])


def looks_like_entity(raw: bytes) -> bool:
    """Does it say what it is? Signed documents (as invoices are) don't."""
    return bool(CONTENT_FIELD.search(raw[:8192]))


def make_entity(fields: Iterable[tuple[str, bytes]], body: bytes, *, line_end: bytes = b"\r\n") -> Entity:
    kept = tuple(fields)
    lines = [name.encode("ascii", "replace") + b": " + value + line_end for name, value in kept]
    return Entity(b"".join(lines) + line_end + body, kept, body)


def is_mime_field(name: str) -> bool:
    return name.lower().startswith("content-") or name.lower() == "mime-version"


def in_mail(outer: Entity, inner: Entity) -> Entity:
    """The mail with `outer`'s header and what `inner` holds: of inner's header only what tells of its content."""
    kept = [field for field in outer.fields if not is_mime_field(field[0])]
    told = [field for field in inner.fields if is_mime_field(field[0]) and field[0].lower() != "mime-version"]
    return make_entity([*kept, ("MIME-Version", b"1.0"), *told], inner.body, line_end=outer.line_end)


def split(entity: Entity) -> list[bytes]:
    """The parts of a multipart by their exact bytes; [] when there are none, or more than anybody sends."""
    boundary = entity.parameters.get("boundary", "").rstrip().encode("utf-8", "surrogateescape")
    if not entity.content_type.startswith("multipart/") or not boundary:
        return []
    parts: list[bytes] = []
    start = -1
    for begin, end, is_last in _delimiters(entity.body, boundary):
        if start >= 0:
            parts.append(entity.body[start : max(begin, start)])
        start = end
        if is_last or len(parts) > MAX_PARTS:
            start = -1
            break
    if start >= 0:  # cut off: the last one has no end
        parts.append(entity.body[start:])
    return parts if len(parts) <= MAX_PARTS else []


def _delimiters(body: bytes, boundary: bytes) -> Iterable[tuple[int, int, bool]]:
    """(where the part before ends, where the next begins, is it the last): the line end before a delimiter belongs to it."""
    mark = b"--" + boundary
    at = 0 if body.startswith(mark) else body.find(b"\n" + mark) + 1
    while at or body.startswith(mark):
        after = at + len(mark)
        end = body.find(b"\n", after) + 1 or len(body)
        tail = body[after:end].strip()
        if tail in (b"", b"--"):
            begin = at
            begin -= body[begin - 1 : begin] == b"\n" and begin > 0
            begin -= body[begin - 1 : begin] == b"\r" and begin > 0
            yield begin, end, tail == b"--"
        at = body.find(b"\n" + mark, end - 1) + 1
        if not at:
            return


def joined(entity: Entity, parts: Sequence[bytes]) -> Entity:
    """The multipart with these parts instead of its own, under a boundary that occurs in none of them."""
    digest = hashlib.sha256(b"\0".join(parts))
    boundary = b"=_" + digest.hexdigest()[:40].encode()
    while any(boundary in part for part in parts):
        digest.update(boundary)
        boundary = b"=_" + digest.hexdigest()[:40].encode()
    end = entity.line_end
    body = b"".join(b"--%s%s%s%s" % (boundary, end, part, end) for part in parts) + b"--%s--%s" % (boundary, end)
    kind = entity.content_type if entity.content_type.startswith("multipart/") else "multipart/mixed"
    value = kind.encode("ascii", "replace") + b'; boundary="' + boundary + b'"'
    kept = [field for field in entity.fields if field[0].lower() not in ("content-type", "content-transfer-encoding")]
    return make_entity([*kept, ("Content-Type", value)], body, line_end=end)


def canonical(content: bytes) -> bytes:
    """Every line end CRLF (RFC 8551 section 3.1.1)."""
    return LINE_END.sub(b"\r\n", content)
