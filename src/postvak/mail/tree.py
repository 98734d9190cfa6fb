"""The MIME tree of a mail (RFC 2045, 2046) as a flat list of parts in depth-first order.

The standard library splits headers and boundaries (policy compat32); everything after that is ours.
message/* parts are leaves: their bytes stay as they came and nesting can't grow through them.
Limits: 256 KB of header, 50 levels, 1,000 parts; what is beyond them is named as a defect.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import errors
from email.feedparser import FeedParser
from email.message import Message
from email.policy import compat32
from functools import cached_property

from postvak.mail.headers import Headers, decode_base64, parameters

MAX_DEPTH = 50
MAX_PARTS = 1000
MAX_HEADER_BYTES = 256 * 1024
UTF8_BOM = b"\xef\xbb\xbf"
ODD_LINE = re.compile(rb"^(?![\x21-\x39\x3b-\x7e]+:|[ \t])[^\r\n]", re.M)
BLANK_BEFORE_COLON = re.compile(rb"^([A-Za-z][A-Za-z0-9-]{1,60})[ \t]+:", re.M)
WELL_KNOWN = re.compile(
    rb"^(?:from|to|cc|subject|date|message-id|mime-version|content-type|received|reply-to)[ \t]*:",
    re.I | re.M,
)
CONTENT_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+")
DEFECTS: dict[type[errors.MessageDefect], str] = {
    errors.NoBoundaryInMultipartDefect: "boundary_missing",
    errors.StartBoundaryNotFoundDefect: "boundary_not_found",
    errors.CloseBoundaryNotFoundDefect: "multipart_cut",
    errors.MissingHeaderBodySeparatorDefect: "header_broken",
}


class _Node(Message):
    """What the standard parser fills; answers its questions from our own reading of Content-Type."""

    _payload: object
    _content: tuple[str, dict[str, str]] | None = None

    def _read_content(self) -> tuple[str, dict[str, str]]:
        if self._content is None:
            raw = next((value for name, value in self.raw_items() if name.lower() == "content-type"), "")
            self._content = parameters(_bytes(raw))
        return self._content

    def get_content_maintype(self) -> str:
        """Only multipart is split any further."""
        return "multipart" if self._read_content()[0].startswith("multipart/") else "text"

    def get_content_type(self) -> str:
        """Never message/*: the parser would descend."""
        return f"{self.get_content_maintype()}/x"

    def get_boundary(self, failobj: object = None) -> str | None:  # type: ignore[override]
        """The boundary as it stands in the lines of the body."""
        boundary = self._read_content()[1].get("boundary", "").rstrip()
        return _bytes(boundary).decode("ascii", "surrogateescape") if boundary else None

    @property
    def body(self) -> str:
        """Bytes of the body as ASCII with surrogate escapes; '' for a multipart that was split."""
        payload = self._payload
        return payload if isinstance(payload, str) else ""


@dataclass(frozen=True)
class Part:
    """One MIME part. `index` counts all parts depth-first, the mail itself is 0; `parent` is an index or -1.

    `alternative` and `related` are the indexes of the nearest such multipart around it (-1: none).
    """

    index: int
    parent: int
    alternative: int
    related: int
    headers: Headers
    content_type: str
    parameters: dict[str, str]
    is_multipart: bool
    _node: _Node

    @cached_property
    def disposition(self) -> tuple[str, dict[str, str]]:
        """Content-Disposition: value ('' if absent) and parameters (RFC 2183)."""
        return parameters(self.headers.raw("content-disposition"))

    @property
    def filename(self) -> str:
        """The name that the sender gave to the file, '' if none."""
        return self.disposition[1].get("filename") or self.parameters.get("name", "")

    @property
    def content_id(self) -> str:
        """Content-ID without <>."""
        return self.headers.text("content-id").strip().strip("<>").strip()

    @property
    def body(self) -> bytes:
        """The body as it stands in the mail, still encoded."""
        return _bytes(self._node.body)

    @property
    def preamble(self) -> bytes:
        """What stands before the first boundary of a multipart."""
        return _bytes(self._node.preamble or "")

    def content(self) -> tuple[bytes, str]:
        """The decoded body and a defect code ('' if sound)."""
        encoding = self.headers.raw("content-transfer-encoding").split(b"(")[0].strip().strip(b'";').lower()
        return decode_transfer(self.body, encoding)


@dataclass(frozen=True)
class Tree:
    """All parts of a mail, depth-first, never empty, and what was wrong with its structure."""

    parts: tuple[Part, ...]
    defects: tuple[str, ...]

    @property
    def root(self) -> Part:
        """The mail itself."""
        return self.parts[0]


def strip_envelope(raw: bytes) -> bytes:
    """The mail without byte order mark, leading blank lines and mbox "From " line."""
    raw = raw.removeprefix(UTF8_BOM).lstrip(b"\r\n")
    if raw.startswith((b"From ", b">From ")):
        raw = raw.partition(b"\n")[2]
    return raw


def header_end(raw: bytes) -> tuple[int, int]:
    """Where the header stops and where the body starts; both the length when there is no body."""
    match = re.search(rb"\r?\n\r?\n|\r\r", raw)
    return match.span() if match else (len(raw), len(raw))


def build(raw: bytes) -> Tree:
    """Split a mail (without envelope, see `strip_envelope`) into its parts. Never raises."""
    raw, cut = _within_limit(_with_whole_header(raw))
    try:
        root, defects = _parsed(raw), cut
    except RecursionError:
        root, defects = _parsed(raw[: header_end(raw)[1]]), [*cut, "too_deep"]
    parts = tuple(_walk(root, defects))
    for part in parts:
        defects += [DEFECTS[type(one)] for one in part._node.defects if type(one) in DEFECTS]
    return Tree(parts, tuple(dict.fromkeys(defects)))


def _with_whole_header(raw: bytes) -> bytes:
    """An odd line inside the header would end it for the standard parser: make it part of the line before.

    Only if a well-known header follows; else the body begins there without a blank line.
    """
    end = header_end(raw)[0]
    odd = ODD_LINE.search(raw, 0, end)
    if odd is None or odd.start() == 0 or not WELL_KNOWN.search(raw, odd.start(), end):
        return raw
    header = BLANK_BEFORE_COLON.sub(rb"\1:", raw[:end])
    last = max(match.start() for match in WELL_KNOWN.finditer(header))
    return ODD_LINE.sub(rb" \g<0>", header[:last]) + header[last:] + raw[end:]


def _within_limit(raw: bytes) -> tuple[bytes, list[str]]:
    end, body = header_end(raw)
    if end <= MAX_HEADER_BYTES:
        return raw, []
    kept = raw.rfind(b"\n", 0, MAX_HEADER_BYTES)
    kept = kept if kept > 0 else MAX_HEADER_BYTES
    return raw[:kept] + b"\n\n" + raw[body:], ["header_too_large"]


def _parsed(raw: bytes) -> _Node:
    parser: FeedParser[_Node] = FeedParser(_Node, policy=compat32)  # type: ignore[arg-type]
    parser.feed(raw.decode("ascii", "surrogateescape"))
    return parser.close()


def _walk(root: _Node, defects: list[str]) -> Iterator[Part]:
    """Depth-first without recursion; stops at the limits and says so."""
    stack: list[tuple[_Node, int, Part | None]] = [(root, 0, None)]
    index = 0
    while stack:
        node, depth, parent = stack.pop()
        if index >= MAX_PARTS:
            defects.append("too_many_parts")
            return
        part = _part(node, index, parent)
        index += 1
        yield part
        children = node._payload if isinstance(node._payload, list) else []
        if children and depth >= MAX_DEPTH:
            defects.append("too_deep")
            continue
        stack.extend((child, depth + 1, part) for child in reversed(children))


def _part(node: _Node, index: int, parent: Part | None) -> Part:
    lines = tuple((name, _bytes(value)) for name, value in node.raw_items())
    written, named = node._read_content()
    inside = parent.content_type if parent else ""
    if not CONTENT_TYPE.fullmatch(written):
        written = "message/rfc822" if inside == "multipart/digest" else "text/plain"
    return Part(
        index=index,
        parent=parent.index if parent else -1,
        alternative=_around(parent, "alternative"),
        related=_around(parent, "related"),
        headers=Headers(lines),
        content_type=written,
        parameters=named,
        is_multipart=isinstance(node._payload, list),
        _node=node,
    )


def _around(parent: Part | None, subtype: str) -> int:
    if parent is None:
        return -1
    if parent.content_type == f"multipart/{subtype}":
        return parent.index
    return parent.alternative if subtype == "alternative" else parent.related


def decode_transfer(body: bytes, encoding: bytes) -> tuple[bytes, str]:
    """Undo a Content-Transfer-Encoding (RFC 2045 section 6) and say whether it was sound. Never raises."""
    if encoding == b"base64":
        content, sound = decode_base64(body)
        return content, "" if sound else "base64_broken"
    if encoding == b"quoted-printable":
        return binascii.a2b_qp(body), ""
    if encoding in (b"x-uuencode", b"uuencode", b"x-uue", b"uue"):
        return decode_uu(body), ""
    return body, "" if encoding in (b"", b"7bit", b"8bit", b"binary") else "encoding_unknown"


def decode_uu(body: bytes) -> bytes:
    """The file between "begin 644 name" and "end"; broken lines are read as far as they go."""
    start = re.search(rb"^begin [0-7]{3,4} [^\r\n]*\r?\n", body, re.M)
    lines = body[start.end() if start else 0 :].splitlines()
    chunks: list[bytes] = []
    for line in lines:
        if line.strip() == b"end":
            break
        chunks.append(_uu_line(line))
    return b"".join(chunks)


def _uu_line(line: bytes) -> bytes:
    try:
        return binascii.a2b_uu(line)
    except binascii.Error:
        wanted = ((line[0] - 32) & 63) * 4 + 5 if line else 0
        try:
            return binascii.a2b_uu(line[: wanted // 3])
        except binascii.Error:
            return b""


def _bytes(text: object) -> bytes:
    return str(text).encode("utf-8", "surrogateescape")
