"""What is new in a reply, and what is quoted or a signature. Parts are folded by the reader, never deleted.

The segments of `split_reply`, joined, are the text again – character by character.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Literal

from babel.dates import format_date, format_time

SegmentKind = Literal["new", "quoted", "signature"]
INTRODUCTIONS = {
    "en": "On {date} at {time}, {author} wrote:",
    "nl": "Op {date} om {time} schreef {author}:",
    "de": "Am {date} um {time} schrieb {author}:",
}
MAX_INTRODUCTION = 300
INTRODUCTION = re.compile(
    r"\s*(?:>\s*)?(?:(?:on|op|am|le|den|il|el)\b.{4,}"
    r"\b(?:wrote|schreef|schrieb|a écrit|geschreven|folgendes geschrieben)\b.{0,120}:"
    r"|.{2,160}\b(?:wrote|schreef|schrieb)\b(?: .{2,80})?:)\s*",
    re.I,
)
INTRODUCTION_START = re.compile(r"\s*(?:on|op|am|le)\s.{0,20}\d", re.I)
SEPARATOR = re.compile(
    r"\s*(?:[-_*=]{2,}\s*(?:original message|original appointment"
    r"|originalnachricht|ursprüngliche nachricht|urspr\. nachricht|oorspronkelijke? bericht|origineel bericht"
    r"|forwarded message|doorgestuurd bericht|weitergeleitete nachricht|message d'origine)\s*[-_*=]{2,}"
    r"|begin forwarded message:|anfang der weitergeleiteten nachricht:|begin doorgestuurd bericht:)\s*",
    re.I,
)
UNDERLINE = re.compile(r"\s*_{20,}\s*")
FROM_LINE = re.compile(r"\s*\*?(?:from|van|von)\s?:\*?\s+\S.*", re.I)
BLOCK_LINE = re.compile(
    r"\s*\*?(?:sent|date|verzonden|datum|gesendet|to|aan|an|subject|onderwerp|betreff|cc)\s?:", re.I
)
SIGNATURE = re.compile(r"--\s?")


@dataclass(frozen=True, slots=True)
class Segment:
    """A run of lines of one kind, with their line ends."""

    kind: SegmentKind
    text: str


def quote_reply(text: str, *, author: str, at: datetime, language: str) -> str:
    """The text as a quotation below an introducing line in nl, de or en (any other language: en)."""
    chosen = language[:2].lower() if language[:2].lower() in INTRODUCTIONS else "en"
    introduction = INTRODUCTIONS[chosen].format(
        date=format_date(at, "long", locale=chosen),
        time=format_time(at, "HH:mm", locale=chosen),
        author=" ".join(author.split()),
    )
    lines = text.replace("\r\n", "\n").replace("\r", "\n").strip("\n").split("\n")
    quoted = [f">{line}" if line.startswith(">") else f"> {line}".rstrip() for line in lines]
    return "\n".join([introduction, *quoted]) + "\n"


def split_reply(text: str) -> tuple[Segment, ...]:
    """New, quoted and signature segments in order; neighbours differ in kind; () for ''."""
    lines = text.splitlines(keepends=True)
    kinds = list(_kinds(lines))
    pairs = groupby(zip(kinds, lines, strict=True), key=lambda pair: pair[0])
    return tuple(Segment(kind, "".join(line for _, line in group)) for kind, group in pairs)


def _kinds(lines: list[str]) -> Iterator[SegmentKind]:
    """The kind of every line. After a separator all is quoted; after "-- " all is signature until a quote."""
    quoted_from = _separator_at(lines)
    in_signature = False
    introduction_until = -1
    for number, line in enumerate(lines):
        introduction_until = max(introduction_until, _introduction_end(lines, number))
        if number >= quoted_from or line.lstrip().startswith(">") or number < introduction_until:
            in_signature = False
            yield "quoted"
            continue
        in_signature = in_signature or SIGNATURE.fullmatch(line.rstrip("\r\n")) is not None
        yield "signature" if in_signature else "new"


def _separator_at(lines: list[str]) -> int:
    """Number of the first line that says "the rest is the original message"; the number of lines if none."""
    for number, line in enumerate(lines):
        if len(line) > MAX_INTRODUCTION:
            continue
        if SEPARATOR.fullmatch(line) or _is_header_block(lines, number):
            return number
        end = _introduction_end(lines, number)
        if end and not _is_answered_below(lines, end):
            return number
    return len(lines)


def _is_header_block(lines: list[str], number: int) -> bool:
    """Outlook: a line of underscores or nothing, then From:/Van:/Von: and at least two more such lines."""
    start = number + 1 if UNDERLINE.fullmatch(lines[number]) else number
    if start >= len(lines) or not FROM_LINE.fullmatch(lines[start].rstrip("\r\n")[:MAX_INTRODUCTION]):
        return False
    following = lines[start + 1 : start + 6]
    return sum(1 for line in following if BLOCK_LINE.match(line)) >= 2


def _introduction_end(lines: list[str], number: int) -> int:
    """The line after an "On … wrote:" that begins here (one to three lines), 0 if none does."""
    for count in (1, 2, 3):
        if number + count > len(lines):
            return 0
        if count > 1 and not INTRODUCTION_START.match(lines[number]):
            return 0
        joined = " ".join(line.strip() for line in lines[number : number + count])
        if len(joined) > MAX_INTRODUCTION:
            return 0
        if joined.endswith(":") and INTRODUCTION.fullmatch(joined):
            return number + count if _is_followed_by_quote(lines, number + count, joined) else 0
    return 0


def _is_followed_by_quote(lines: list[str], start: int, joined: str) -> bool:
    """A sentence such as "Ann wrote:" counts only before a "> " line; a dated one counts always."""
    following = next((line for line in lines[start : start + 20] if line.strip()), "")
    return following.lstrip().startswith(">") or INTRODUCTION_START.match(joined) is not None


def _is_answered_below(lines: list[str], start: int) -> bool:
    """Does the quotation use "> "? Then only those lines are quoted, for answers may stand between them."""
    following = next((line for line in lines[start : start + 20] if line.strip()), "")
    return following.lstrip().startswith(">") or not following
