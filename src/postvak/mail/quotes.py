"""What is new in a reply, and what is quoted, a signature or a disclaimer. Parts are folded by the reader, never deleted.

The segments of `split_reply` and `split_reply_html`, joined, are the text or source again – character by character.
What stands above a quotation is in quotes_introductions.py and quotes_headers.py, what ends a text in
quotes_signatures.py and quotes_disclaimers.py; quotes_marks.py puts them together.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from babel.dates import format_date, format_time

from postvak.mail.quotes_headers import MAX_BLOCK, label_of
from postvak.mail.quotes_html import Page, has_quotation_marks, read_page
from postvak.mail.quotes_introductions import ADDRESS
from postvak.mail.quotes_marks import mark_lines
from postvak.mail.quotes_segments import Marks, Segment, SegmentKind, merge_pieces

__all__ = [
    "Segment",
    "SegmentKind",
    "forwarded_from",
    "has_forward",
    "introduction",
    "quote_reply",
    "reply_text",
    "split_reply",
    "split_reply_html",
]

LONGEST_REPLY = 250_000  # letters; nobody writes more
MOST_LINES = 10_000
INTRODUCTIONS = {
    "en": "On {date} at {time}, {author} wrote:",
    "nl": "Op {date} om {time} schreef {author}:",
    "de": "Am {date} um {time} schrieb {author}:",
}
FORWARDING_SUBJECT = re.compile(
    r"\s*\[?(?:fwd?|fw|wg|doorst|doorgestuurd|tr|rv|i|enc|vs|vb|pd|fs|转发|轉寄)\s?[:：\]]", re.I
)


def introduction(*, author: str, at: datetime, language: str) -> str:
    """The line above a quotation in nl, de or en (any other language: en)."""
    chosen = language[:2].lower() if language[:2].lower() in INTRODUCTIONS else "en"
    return INTRODUCTIONS[chosen].format(
        date=format_date(at, "long", locale=chosen),
        time=format_time(at, "HH:mm", locale=chosen),
        author=" ".join(author.split()),
    )


def quote_reply(text: str, *, author: str, at: datetime, language: str) -> str:
    """The text as a quotation below its introduction."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").strip("\n").split("\n")
    quoted = [f">{line}" if line.startswith(">") else f"> {line}".rstrip() for line in lines]
    return "\n".join([introduction(author=author, at=at, language=language), *quoted]) + "\n"


def split_reply(text: str) -> tuple[Segment, ...]:
    """New, quoted, signature and disclaimer segments in order; neighbours differ in kind; () for ''.

    Only as much is looked at as people write and quote; what follows is taken as the kind that stands before it.
    """
    beginning = beginning_of(text)
    lines = beginning.splitlines(keepends=True)
    pieces = _pieces(lines, mark_lines(lines))
    if len(beginning) < len(text):
        pieces.append((pieces[-1][0], text[len(beginning) :]))
    return merge_pieces(pieces)


def beginning_of(text: str) -> str:
    """The first LONGEST_REPLY letters, and of them the first MOST_LINES lines."""
    lines = text[:LONGEST_REPLY].split("\n", MOST_LINES)
    return "\n".join(lines[:MOST_LINES]) if len(lines) > MOST_LINES else text[:LONGEST_REPLY]


def split_reply_html(html: str) -> tuple[Segment, ...]:
    """The same for HTML: each segment is a piece of the source, to be sanitised (and so balanced) before it is shown."""
    page = read_page(html)
    marks = _mark_page(page)
    starts = [0, *(line.start for line in page.lines[1:]), len(html)]
    pieces = [(kind, html[starts[at] : starts[at + 1]]) for at, kind in enumerate(marks.kinds)]
    return merge_pieces(pieces or [("new", html)])


def reply_text(text: str, html: str) -> str:
    """The writer's own words: the new segments, without signature, disclaimer and quotation.

    `text` decides; the HTML does when only its mark-up tells what is quoted.
    """
    segments = split_reply(text)
    if html and has_quotation_marks(html) and not _is_split_by_text(text, html, segments):
        page = read_page(html)
        marks = _mark_page(page)
        if "quoted" in marks.kinds:
            new = (line.text for line, kind in zip(page.lines, marks.kinds, strict=True) if kind == "new")
            return "\n".join(new).strip()
    return "".join(segment.text for segment in segments if segment.kind == "new").strip()


def has_forward(text: str) -> bool:
    """Does the text pass on somebody else's mail, by a separator or as an original message with no word above it?"""
    return mark_lines(text.splitlines()).is_forward


def forwarded_from(text: str, *, subject: str = "") -> str:
    """The e-mail address of the author of a mail forwarded in this text, '' if it is no forward or names none.

    A subject that begins with "Fwd:", "FW:", "WG:" … makes a forward of any block of header lines.
    """
    lines = text.splitlines()
    marks = mark_lines(lines)
    if marks.text_at < 0 or not (marks.is_forward or FORWARDING_SUBJECT.match(subject)):
        return ""
    return _sender_in_block(lines[marks.text_at : marks.text_at + MAX_BLOCK])


def _sender_in_block(lines: Sequence[str]) -> str:
    """The address behind From:, also when it is wrapped to the next line."""
    for number, line in enumerate(lines):
        bare = line.lstrip("> \t*")
        if label_of(bare) == "from":
            found = ADDRESS.search(bare[:1000].replace("mailto:", " "))
            if not found and number + 1 < len(lines) and not label_of(lines[number + 1].lstrip("> \t*")):
                found = ADDRESS.search(lines[number + 1][:1000].replace("mailto:", " "))
            return found.group().strip(".*") if found else ""
    return ""


def _is_split_by_text(text: str, html: str, segments: Sequence[Segment]) -> bool:
    """Did the text itself show its quotation? Not if a <blockquote> became lines without ">"."""
    if not any(segment.kind == "quoted" for segment in segments):
        return False
    return "<blockquote" not in html.lower() or any(line.startswith(">") for line in text.split("\n"))


def _mark_page(page: Page) -> Marks:
    texts = [line.marked_text for line in page.lines]
    return mark_lines(texts, ruled=page.ruled, originals=page.originals, signed=page.signed)


def _pieces(lines: Sequence[str], marks: Marks) -> list[tuple[SegmentKind, str]]:
    if not marks.columns:
        return list(zip(marks.kinds, lines, strict=True))
    pieces: list[tuple[SegmentKind, str]] = []
    for number, (kind, line) in enumerate(zip(marks.kinds, lines, strict=True)):
        column = marks.columns.get(number)
        if column is None:
            pieces.append((kind, line))
            continue
        at = len(line) - len(line.lstrip()) + column
        pieces += [(kind, line[:at]), ("quoted", line[at:])]
    return pieces
