"""The MIME tree of a mail (RFC 2045, 2046) as a flat list of parts in depth-first order.

One pass over the lines that begin with "--", a stack of open multiparts, no recursion; parts are slices of
the raw mail. message/* parts are leaves: their bytes stay as they came and nesting can't grow through them.
Limits: 256 KB of header, 50 levels, 1,000 parts. What is beyond them is one file: nothing is lost.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property

from postvak.mail.header_lines import HeaderBlock, header_end, read_header
from postvak.mail.headers import Headers, parameters
from postvak.mail.transfer import decode_transfer

__all__ = ["Part", "Tree", "build", "header_end", "strip_envelope"]

MAX_DEPTH = 50
MAX_PARTS = 1000
MAX_GUESSES = 5
UTF8_BOM = b"\xef\xbb\xbf"
CONTENT_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+")
LOOKS_LIKE_DELIMITER = re.compile(rb"^--([^\r\n]{1,100}?)[ \t]*\r?\n(?=content-[a-z-]{2,30}[ \t]*:)", re.I | re.M)
GUESS_BYTES = 256 * 1024
REST = "application/octet-stream"


@dataclass(frozen=True)
class Part:
    """One MIME part. `index` counts all parts depth-first, the mail itself is 0; `parent` is an index or -1.

    `alternative`, `related` and `digest` are the indexes of the nearest such multipart around it (-1: none).
    `is_rest`: not a part but all that lies beyond the limits.
    """

    index: int
    parent: int
    alternative: int
    related: int
    is_in_digest: bool
    headers: Headers
    content_type: str
    parameters: dict[str, str]
    is_multipart: bool
    body: bytes
    preamble: bytes
    epilogue: bytes
    is_rest: bool = False

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

    def content(self) -> tuple[bytes, str]:
        """The decoded body and a defect code ('' if sound)."""
        if self.is_rest:
            return self.body, ""
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


@dataclass(slots=True)
class _Node:
    """A part while the mail is being split. Numbers are places in the raw mail."""

    block: HeaderBlock
    written_type: str
    parameters: dict[str, str]
    parent: _Node | None
    depth: int
    start: int
    end: int
    index: int = 0
    boundary: bytes = b""
    children: int = 0
    preamble_end: int = -1
    epilogue_start: int = -1
    epilogue_end: int = -1
    is_closed: bool = False
    is_rest: bool = False


def strip_envelope(raw: bytes) -> bytes:
    """The mail without byte order mark, leading blank lines and mbox "From " line."""
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
    for _ in range(MAX_GUESSES):
        splitter = _Splitter(raw, true_boundaries)
        splitter.split()
        found = _true_boundary(raw, splitter.nodes, true_boundaries)
        if found is None:
            break
        true_boundaries[found[0]] = found[1]
    if true_boundaries:
        splitter.defects.append("boundary_wrong")
    return _finished(raw, splitter)


@dataclass(slots=True)
class _Splitter:
    """One pass over the mail; `true_boundaries` are boundaries by the place of a part's body."""

    raw: bytes
    true_boundaries: dict[int, bytes]
    nodes: list[_Node] = field(default_factory=list)
    stack: list[_Node] = field(default_factory=list)
    prefixes: tuple[bytes, ...] = ()
    defects: list[str] = field(default_factory=list)
    is_full: bool = False

    def split(self) -> None:
        self._open(0, None)
        raw, at = self.raw, self.nodes[0].start
        if raw[at : at + 2] != b"--":
            at = raw.find(b"\n--", max(at - 1, 0)) + 1
        while at and self.stack and not self.is_full:
            if raw.startswith(self.prefixes, at):
                line_end = raw.find(b"\n", at) + 1 or len(raw)
                at = self._delimiter(at, line_end) - 1
            at = raw.find(b"\n--", at) + 1
        self._close_down_to(0, len(raw))

    def _delimiter(self, at: int, line_end: int) -> int:
        """Handle a line that begins like a delimiter; answer where to go on."""
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
            self._take_rest(line_end, node)
            return len(self.raw)
        node.is_closed, node.children = False, node.children + 1
        return self._open(line_end, node)

    def _meaning(self, text: bytes) -> tuple[int, bool]:
        """Which open multipart this delimiter belongs to (-1: none), and whether it closes it.

        The innermost open one first; then one that was closed already and goes on nevertheless.
        """
        text = text.rstrip()
        for wants_closed in (False, True):
            for level in range(len(self.stack) - 1, -1, -1):
                node = self.stack[level]
                if node.is_closed is wants_closed and text.startswith(node.boundary):
                    rest = text[len(node.boundary) :]
                    if not rest or rest.startswith(b"--"):
                        return level, bool(rest)
        return -1, False

    def _open(self, at: int, parent: _Node | None) -> int:
        """A new part begins at `at`; answer where its body begins."""
        is_root = parent is None
        block = read_header(self.raw, at, len(self.raw), is_root=is_root, is_delimiter=self._is_delimiter)
        self.defects += block.defects
        raw_type = next((value for name, value in block.lines if name.lower() == "content-type"), b"")
        written, named = parameters(raw_type)
        start = block.body_start
        depth = parent.depth + 1 if parent else 0
        node = _Node(block, written, named, parent, depth, start, len(self.raw), index=len(self.nodes))
        self.nodes.append(node)
        if written.startswith("multipart/"):
            self._push(node)
        elif not self.stack or parent is not None:
            self._leaf(node)
        return start

    def _push(self, node: _Node) -> None:
        boundary = self.true_boundaries.get(node.start) or _boundary(node.parameters)
        if not boundary:
            self.defects.append("boundary_missing")
        elif node.depth >= MAX_DEPTH:
            self.defects.append("too_deep")
            node.is_rest = True
        else:
            node.boundary = boundary
        self._leaf(node)

    def _leaf(self, node: _Node) -> None:
        """Every part lies on the stack until something ends it; only multiparts have a boundary."""
        self.stack.append(node)
        self.prefixes = tuple({b"--" + one.boundary for one in self.stack if one.boundary})

    def _is_delimiter(self, line: bytes) -> bool:
        return line.startswith(self.prefixes) and self._meaning(line[2:])[0] >= 0

    def _close_down_to(self, level: int, at: int) -> None:
        """The parts from this level of the stack upwards end here."""
        end = at
        if 0 < at < len(self.raw) or self.raw[at - 1 : at] == b"\n":
            end -= self.raw[at - 1 : at] == b"\n" and at < len(self.raw)
            end -= end < at and self.raw[end - 1 : end] == b"\r"
        for node in self.stack[level:]:
            node.end = max(end, node.start)
            if node.is_closed:
                node.epilogue_end = node.end
            elif node.boundary and node.children:
                self.defects.append("multipart_cut")
        if level < len(self.stack):
            del self.stack[level:]
            self.prefixes = tuple({b"--" + one.boundary for one in self.stack if one.boundary})

    def _take_rest(self, at: int, parent: _Node) -> None:
        self.defects.append("too_many_parts")
        self.is_full = True
        rest = _Node(HeaderBlock((), at), REST, {}, parent, parent.depth + 1, at, len(self.raw), len(self.nodes))
        rest.is_rest = True
        self.nodes.append(rest)
