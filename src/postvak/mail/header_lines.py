"""Where the header of a mail or part ends, and its lines (RFC 5322 section 2.2), however broken.

What is not here: the meaning of a value (`headers`). Values stay raw: folded, encoded, in their bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

MAX_HEADER_BYTES = 256 * 1024
MAX_LINES = 20_000
NAME = re.compile(rb"([\x21-\x39\x3b-\x7e]{1,200}):|([A-Za-z][A-Za-z0-9-]{1,60})[ \t]+:")
LINE = re.compile(rb"[^\n]*\n?")
# A mail whose header holds an odd line goes on only if one of these comes later.
WELL_KNOWN = re.compile(
    rb"^(?:from|to|cc|subject|date|message-id|mime-version|content-type|received|reply-to)[ \t]*:",
    re.I | re.M,
)
PARAMETER_LINE = re.compile(rb"[A-Za-z][\w*-]{0,60}\s*=")

Lines = tuple[tuple[str, bytes], ...]
IsDelimiter = Callable[[bytes], bool]


@dataclass(frozen=True, slots=True)
class HeaderBlock:
    """Header lines, where the body starts, and what was wrong (defect codes)."""

    lines: Lines
    body_start: int
    defects: tuple[str, ...] = ()


@dataclass(slots=True)
class _Reader:
    """Walks over the lines of one header."""

    raw: bytes
    start: int
    end: int
    is_root: bool
    is_delimiter: IsDelimiter
    most: int
    found: list[tuple[str, list[bytes]]] = field(default_factory=list)
    defects: list[str] = field(default_factory=list)
    last_known: int = -1

    def read(self) -> HeaderBlock:
        at = self.start
        limit = min(self.end, self.start + self.most)
        while at < self.end:
            if at >= limit or len(self.found) > MAX_LINES:
                return self._cut(at)
            following = self.raw.find(b"\n", at, limit) + 1 or limit
            line = self.raw[at:following]
            if self._is_end(line, following):
                return self._done(following)
            if not self._take(line, at):
                self.defects.append("header_broken")
                return self._done(at)
            at = following
        return self._done(self.end)

    def _is_end(self, line: bytes, following: int) -> bool:
        """A blank line; one of blanks only counts when no header follows it."""
        if line[:1] not in b"\r\n \t":
            return False
        if line in (b"\n", b"\r\n"):
            return True
        if line.strip():
            return False
        after = self.raw[following : following + 300]
        return not NAME.match(after) and after[:1] not in (b" ", b"\t")

    def _take(self, line: bytes, at: int) -> bool:
        """Keep one line; False when the body begins with it, without a blank line."""
        if line[:1] in b" \t":
            self._continue(line)
            return True
        match = NAME.match(line)
        if match and not (line[:2] == b"--" and self.is_delimiter(line)):
            name = (match.group(1) or match.group(2)).decode("ascii")
            self.found.append((name, [line[match.end() :]]))
            return True
        return self._take_odd(line, at)

    def _take_odd(self, line: bytes, at: int) -> bool:
        if line[:2] == b"--" and self.is_delimiter(line):
            return False
        if not self.is_root:
            if not PARAMETER_LINE.match(line) or not self._value_is_open():
                return False
        elif not self._known_header_follows(at):
            return False
        self.defects.append("header_broken")
        self._continue(b" " + line)
        return True

    def _continue(self, line: bytes) -> None:
        if self.found:
            self.found[-1][1].append(line)

    def _value_is_open(self) -> bool:
        return bool(self.found) and self.found[-1][1][-1].rstrip().endswith(b";")

    def _known_header_follows(self, at: int) -> bool:
        if self.last_known < 0:
            end = header_end(self.raw, self.start, min(self.end, self.start + MAX_HEADER_BYTES))[0]
            known = [match.start() for match in WELL_KNOWN.finditer(self.raw[self.start : end])]
            self.last_known = self.start + known[-1] if known else self.start
        return at < self.last_known

    def _cut(self, at: int) -> HeaderBlock:
        """The header is longer than its limit: what is beyond it is skipped."""
        self.defects.append("header_too_large")
        return self._done(header_end(self.raw, max(self.start, at - 3), self.end)[1])

    def _done(self, body_start: int) -> HeaderBlock:
        lines = tuple((name, b"".join(value).strip(b"\r\n").lstrip(b" \t")) for name, value in self.found)
        return HeaderBlock(lines, body_start, tuple(dict.fromkeys(self.defects)))


def read_header(
    raw: bytes, start: int, *, is_root: bool, is_delimiter: IsDelimiter, most: int = MAX_HEADER_BYTES
) -> HeaderBlock:
    """The header that begins at `start`; a line that `is_delimiter` ends it; at most `most` bytes. Never raises."""
    return _Reader(raw, start, len(raw), is_root, is_delimiter, most).read()


def header_end(raw: bytes, start: int = 0, end: int | None = None) -> tuple[int, int]:
    """Where a header stops and where its body starts; both the end when there is no body."""
    stop = len(raw) if end is None else end
    lf = raw.find(b"\n\n", start, stop)
    crlf = raw.find(b"\n\r\n", start, stop if lf < 0 else lf + 2)
    if crlf >= 0:
        return crlf - (raw[crlf - 1 : crlf] == b"\r"), crlf + 3
    return (lf, lf + 2) if lf >= 0 else (stop, stop)
