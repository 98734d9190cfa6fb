"""The MIME tree of a mail (RFC 2045, 2046) as a flat list of parts in depth-first order.

One pass over the lines that begin with "--", a stack of open multiparts, no recursion; parts are slices of
the raw mail. message/* parts are leaves: their bytes stay as they came and nesting can't grow through them.
Limits: 256 KB of header, 50 levels, 1,000 parts. What is beyond them is one file: nothing is lost.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property

from postvak.mail.header_lines import MAX_HEADER_BYTES, HeaderBlock, header_end, read_header
from postvak.mail.headers import Headers, parameters
from postvak.mail.transfer import decode_transfer

__all__ = ["Part", "Tree", "build", "header_end", "strip_envelope"]

MAX_DEPTH = 50
MAX_PARTS = 1000
MAX_DELIMITERS = 20_000
MAX_GUESSES = 5
MIN_PART_HEADER = 2048
UTF8_BOM = b"\xef\xbb\xbf"
UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")
CONTENT_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+")
LOOKS_LIKE_DELIMITER = re.compile(rb"^--([^\r\n]{1,100}?)[ \t]*\r?\n(?=content-[a-z-]{2,30}[ \t]*:)", re.I | re.M)
GUESS_BYTES = 256 * 1024
REST = "application/octet-stream"


@dataclass(frozen=True)
class Part:
    """One MIME part. `index` counts all parts depth-first, the mail itself is 0; `parent` is an index or -1.

    `alternative` and `related` are the indexes of the nearest such multipart around it (-1: none).
    `is_rest`: not a part but all that lies beyond the limits. `start`: where its body begins in the mail.
    """

    index: int
    parent: int
    alternative: int
    related: int
    headers: Headers
    content_type: str
    parameters: dict[str, str]
    is_multipart: bool
    body: bytes
    preamble: bytes
    epilogue: bytes
    is_rest: bool = False
    start: int = 0

    @cached_property
    def disposition(self) -> tuple[str, dict[str, str]]:
        """Content-Disposition: value ('' if absent) and parameters (RFC 2183)."""
        return parameters(self.headers.raw("content-disposition"))

    @property
    def filename(self) -> str:
        """The name that the sender gave to the file, '' if none."""
        return self.disposition[1].get("filename") or self.parameters.get("name", "")

    @property
    def sent_filename(self) -> str:
        """The same, with backslashes read strictly as the RFCs want it: they only quote the next letter."""
        for name, wanted in (("content-disposition", "filename"), ("content-type", "name")):
            raw = self.headers.raw(name)
            found = parameters(raw, strict=True)[1].get(wanted) if raw else ""
            if found:
                return found
        return ""

    @property
    def content_id(self) -> str:
        """Content-ID without <>."""
        return self.headers.text("content-id").strip().strip("<>").strip()

    def content(self, *, is_shown: bool = False) -> tuple[bytes, str]:
        """The decoded body and a defect code ('' if sound); see `decode_transfer`."""
        if self.is_rest:
            return self.body, ""
        encoding = self.headers.raw("content-transfer-encoding").split(b"(")[0].strip().strip(b'";').lower()
        return decode_transfer(self.body, encoding, is_shown=is_shown)


@dataclass(frozen=True)
class Tree:
    """All parts of a mail, depth-first, never empty, and what was wrong with its structure."""

    parts: tuple[Part, ...]
    defects: tuple[str, ...]

    @property
    def root(self) -> Part:
        """The mail itself."""
        return self.parts[0]


@dataclass(slots=True)
class _Node:
    """A part while the mail is being split. Numbers are places in the raw mail."""

    block: HeaderBlock
    content_type: str
    parameters: dict[str, str]
    parent: _Node | None
    index: int
    start: int
    end: int
    depth: int = 0
    boundary: bytes = b""
    children: int = 0
    preamble_end: int = -1
    epilogue_start: int = -1
    is_closed: bool = False
    is_rest: bool = False


def strip_envelope(raw: bytes) -> bytes:
    """The mail without byte order mark, leading blank lines and mbox "From " line; UTF-16 becomes UTF-8."""
    if raw.startswith(UTF16_BOMS):
        raw = raw.decode("utf-16", "replace").encode("utf-8", "replace")
    raw = raw.removeprefix(UTF8_BOM).lstrip(b"\r\n")
    if raw.startswith((b"From ", b">From ")):
        raw = raw.partition(b"\n")[2]
    return raw


def build(raw: bytes) -> Tree:
    """Split a mail (without envelope, see `strip_envelope`) into its parts. Never raises.

    A boundary that never occurs is replaced by what looks like the true one, and the mail split again.
    """
    if b"\n" not in raw:
        raw = raw.replace(b"\r", b"\n")
    true_boundaries: dict[int, bytes] = {}
    while True:
        splitter = _Splitter(raw, true_boundaries)
        splitter.split()
        found = _true_boundary(raw, splitter.nodes, true_boundaries)
        if found is None or len(true_boundaries) >= MAX_GUESSES:
            break
        true_boundaries[found[0]] = found[1]
    if true_boundaries:
        splitter.defects.append("boundary_wrong")
    return _finished(raw, splitter)


@dataclass(slots=True)
class _Splitter:
    """One pass over the mail; `true_boundaries` are boundaries by the place of a part's body.

    On the stack lie the open part and the multiparts around it, with `levels` by their boundary.
    """

    raw: bytes
    true_boundaries: dict[int, bytes]
    nodes: list[_Node] = field(default_factory=list)
    stack: list[_Node] = field(default_factory=list)
    levels: dict[bytes, list[int]] = field(default_factory=dict)
    prefixes: tuple[bytes, ...] = ()
    defects: list[str] = field(default_factory=list)
    delimiters: int = 0
    part_headers: int = MAX_HEADER_BYTES  # grows smaller with what was read, so that all together stay bounded
    is_full: bool = False

    def split(self) -> None:
        raw = self.raw
        start = self._open(0, None)
        at = start if raw[start : start + 2] == b"--" else raw.find(b"\n--", max(start - 1, 0)) + 1
        while at and self.prefixes and not self.is_full:
            if raw.startswith(self.prefixes, at):
                at = max(self._delimiter(at, raw.find(b"\n", at) + 1 or len(raw)) - 1, at)
            at = raw.find(b"\n--", at) + 1
        self._close_down_to(0, len(raw))

    def _delimiter(self, at: int, line_end: int) -> int:
        """Handle a line that begins like a delimiter; answer where to go on."""
        self.delimiters += 1
        level, is_close = self._meaning(self.raw[at + 2 : line_end])
        if level < 0:
            return line_end
        node = self.stack[level]
        self._close_down_to(level + 1, at)
        if node.preamble_end < 0:
            node.preamble_end = at
        if is_close:
            node.is_closed, node.epilogue_start = True, line_end
            return line_end
        if len(self.nodes) >= MAX_PARTS - 1:
            return self._take_rest(line_end, node)
        node.is_closed = False
        node.children += 1
        return self._open(line_end, node)

    def _meaning(self, line: bytes) -> tuple[int, bool]:
        """Which multipart this delimiter (without its dashes) belongs to, -1: none; and does it close that?"""
        text = line.rstrip()
        if text in self.levels:
            return self._innermost(self.levels[text]), False
        if b"--" not in text or self.delimiters > MAX_DELIMITERS:
            return -1, False
        if text[:-2] in self.levels and text.endswith(b"--"):
            return self._innermost(self.levels[text[:-2]]), True
        found = [levels for boundary, levels in self.levels.items() if text.startswith(boundary + b"--")]
        return (self._innermost(found[-1]), True) if found else (-1, False)

    def _innermost(self, levels: list[int]) -> int:
        """The innermost open one; if all were closed already, the innermost, which goes on nevertheless."""
        still_open = [level for level in levels if not self.stack[level].is_closed]
        return (still_open or levels)[-1]

    def _open(self, at: int, parent: _Node | None) -> int:
        """A new part begins at `at`; answer where its body begins."""
        is_root = parent is None
        most = MAX_HEADER_BYTES if is_root else self.part_headers
        block = read_header(self.raw, at, is_root=is_root, is_delimiter=self._is_delimiter, most=most)
        self.part_headers = max(self.part_headers - (block.body_start - at) // 4, MIN_PART_HEADER)
        self.defects += block.defects
        types = [at for at, (name, _) in enumerate(block.lines) if name.lower() == "content-type"]
        node = self._add(block, types[:1], parent)
        if len(types) > 1 and node.boundary and not parameters(block.lines[types[1]][1])[0].startswith("multipart/"):
            # the delimiter of its first part is missing: that part's header follows at once
            self.defects.append("boundary_missing")
            node.children, node.preamble_end = 1, node.start
            self._add(HeaderBlock(block.lines[types[1] :], block.body_start), [0], node)
        return block.body_start

    def _add(self, block: HeaderBlock, types: list[int], parent: _Node | None) -> _Node:
        content_type, named = parameters(block.lines[types[0]][1] if types else b"")
        node = _Node(block, content_type, named, parent, len(self.nodes), block.body_start, len(self.raw))
        node.depth = parent.depth + 1 if parent else 0
        self._find_boundary(node)
        self.nodes.append(node)
        self.stack.append(node)
        if node.boundary:
            self._stack_changed()
        return node

    def _find_boundary(self, node: _Node) -> None:
        boundary = self.true_boundaries.get(node.start, b"")
        if boundary and not node.content_type:
            node.content_type = "multipart/mixed"
        if not node.content_type.startswith("multipart/"):
            return
        boundary = boundary or node.parameters.get("boundary", "").rstrip().encode("utf-8", "surrogateescape")
        if not boundary:
            self.defects.append("boundary_missing")
        elif node.depth >= MAX_DEPTH:
            self.defects.append("too_deep")
            node.is_rest = True
        else:
            node.boundary = boundary

    def _stack_changed(self) -> None:
        self.levels = {}
        for level, node in enumerate(self.stack):
            if node.boundary:
                self.levels.setdefault(node.boundary, []).append(level)
        self.prefixes = tuple(b"--" + boundary for boundary in self.levels)

    def _is_delimiter(self, line: bytes) -> bool:
        return line.startswith(self.prefixes) and self._meaning(line[2:])[0] >= 0

    def _close_down_to(self, level: int, at: int) -> None:
        """The parts from this level of the stack upwards end before `at`, without the line end there."""
        end = at
        if at < len(self.raw):
            end -= self.raw[end - 1 : end] == b"\n"
            end -= self.raw[end - 1 : end] == b"\r"
        for node in self.stack[level:]:
            node.end = max(end, node.start)
            if node.children and not node.is_closed:
                self.defects.append("multipart_cut")
        had_boundaries = any(node.boundary for node in self.stack[level:])
        del self.stack[level:]
        if had_boundaries:
            self._stack_changed()

    def _take_rest(self, at: int, parent: _Node) -> int:
        """The last part that the limit allows holds all that remains."""
        self.defects.append("too_many_parts")
        self.is_full = True
        rest = _Node(HeaderBlock((), at), REST, {}, parent, len(self.nodes), at, len(self.raw), is_rest=True)
        self.nodes.append(rest)
        return len(self.raw)


def _true_boundary(raw: bytes, nodes: list[_Node], known: dict[int, bytes]) -> tuple[int, bytes] | None:
    """Place of a body and its boundary, for the first multipart whose own boundary never occurred."""
    for node in nodes:
        claims = node.content_type.startswith("multipart/") or not (node.index or node.content_type)
        if node.children or node.is_rest or not claims or node.start in known:
            continue
        body = raw[node.start : min(node.end, node.start + GUESS_BYTES)]
        match = LOOKS_LIKE_DELIMITER.search(body)
        if match is None or (not node.content_type and body[: match.start()].strip()):
            continue
        found = match.group(1)
        is_same = found.lower() == node.boundary.lower()
        if is_same or raw.find(b"\n--" + found, node.start + match.end(), node.end) >= 0:
            return node.start, found
    return None


def _finished(raw: bytes, splitter: _Splitter) -> Tree:
    fallback = _header_charset(splitter.nodes)
    parts: list[Part] = []
    for node in splitter.nodes:
        parts.append(_part(raw, node, parts, fallback))
    defects = [*splitter.defects]
    if any(node.boundary and not node.children for node in splitter.nodes):
        defects.append("boundary_not_found")
    return Tree(tuple(parts), tuple(dict.fromkeys(defects)))


def _header_charset(nodes: list[_Node]) -> str:
    """Senders who leave header text unencoded write it in the charset of their text."""
    labels = (node.parameters.get("charset", "").strip().lower() for node in nodes)
    return next((label for label in labels if label and label not in ("utf-8", "us-ascii", "ascii")), "")


def _part(raw: bytes, node: _Node, parts: list[Part], fallback: str) -> Part:
    parent = parts[node.parent.index] if node.parent else None
    written, inside = node.content_type, parent.content_type if parent else ""
    if not CONTENT_TYPE.fullmatch(written):
        written = "message/rfc822" if inside == "multipart/digest" else "text/plain"
    is_multipart = node.children > 0
    after = node.epilogue_start if is_multipart and node.epilogue_start >= 0 else node.end
    return Part(
        index=node.index,
        parent=parent.index if parent else -1,
        alternative=_around(parent, "alternative"),
        related=_around(parent, "related"),
        headers=Headers(node.block.lines, fallback),
        content_type=REST if node.is_rest else written,
        parameters=node.parameters,
        is_multipart=is_multipart,
        body=b"" if is_multipart else raw[node.start : node.end],
        preamble=raw[node.start : node.preamble_end] if is_multipart else b"",
        epilogue=raw[after : node.end],
        is_rest=node.is_rest,
        start=node.start,
    )


def _around(parent: Part | None, subtype: str) -> int:
    if parent is None:
        return -1
    if parent.content_type == f"multipart/{subtype}":
        return parent.index
    return parent.alternative if subtype == "alternative" else parent.related
