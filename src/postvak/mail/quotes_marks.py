"""Which line of a reply is of which kind. First what is quoted, then how each run of own words ends."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from postvak.mail.quotes_disclaimers import is_banner, notice_strength
from postvak.mail.quotes_headers import MAX_LINE, RULE, RULE_MARKS, is_header_block, label_of, separator_of
from postvak.mail.quotes_introductions import LOOK_AHEAD, introduction_start, may_end_introduction, shared_column
from postvak.mail.quotes_segments import Marks
from postvak.mail.quotes_signatures import (
    closing_at,
    delimiter_at,
    is_device_line,
    is_footer,
    is_underline,
    signature_end,
)

MAX_TAIL = 80
MAX_LINES = 20_000
MAX_ATTEMPTS = 300
LONG_QUOTED = 68
NONE: frozenset[int] = frozenset()
DEEP_QUOTE = re.compile(r">\s?>")
SENTENCE_ENDS = ".!?:;)\"'"


def mark_lines(
    lines: Sequence[str],
    *,
    ruled: frozenset[int] = NONE,
    originals: frozenset[int] = NONE,
    signed: frozenset[int] = NONE,
) -> Marks:
    """The kind of every line. Quoted lines begin with ">".

    What mark-up told: `ruled` are lines directly below a rule, `originals` those where, for certain, the original
    message begins, `signed` those of a signature.
    """
    stripped = [line.strip() if len(line) <= 2 * MAX_LINE else line for line in lines]
    marks = Marks(["quoted" if _is_quoted(stripped, number) else "new" for number in range(len(lines))])
    for number in signed:
        marks.kinds[number] = "signature"
    _find_original(stripped, marks, ruled, originals)
    _join_wrapped(stripped, marks)
    for start, end in list(_runs(marks, "new")):
        _mark_tail(stripped, marks, start, end)
    if marks.original_at >= 0 and not marks.is_forward:
        _show_lone_original(stripped, marks)
    _mark_banner(stripped, marks)
    _fill_gaps(stripped, marks)
    return marks


def _is_quoted(lines: Sequence[str], number: int) -> bool:
    """A ">" in front; not that of a wrapped "<address", nor what mailboxes put before a "From " of the text."""
    line = lines[number]
    if line[:1] not in (">", "＞") or line[-1] == "<":
        return False
    above = lines[number - 1] if number else ""
    if line.startswith(">From "):
        below = lines[number + 1] if number + 1 < len(lines) else ""
        return above.startswith(">") or below.startswith(">")
    return not (line[-1] in ":：" and above.rfind("<") > above.rfind(">") and "@" in above)


def _find_original(lines: Sequence[str], marks: Marks, ruled: frozenset[int], originals: frozenset[int]) -> None:
    """Mark introductions, and everything from the first separator on."""
    earliest = attempts = 0
    for number in range(min(len(lines), MAX_LINES)):
        line = lines[number]
        if number in originals:
            _mark_original(lines, marks, number, number)
            return
        if marks.kinds[number] == "quoted" or not line or len(line) > MAX_LINE:
            continue
        separator = separator_of(line)
        if separator or _opens_block(lines, number, ruled):
            marks.is_forward = separator == "forward"
            _mark_original(lines, marks, number, number + 1 if separator else number)
            return
        if attempts < MAX_ATTEMPTS and may_end_introduction(line):
            attempts += 1
            if _mark_introduction(lines, marks, number, earliest):
                return
            earliest = number + 1 if marks.kinds[number] == "quoted" else earliest


def _opens_block(lines: Sequence[str], number: int, ruled: frozenset[int]) -> bool:
    line = lines[number]
    is_ruled = number in ruled
    if not (is_ruled or is_underline(line) or label_of(line)):
        return False
    return is_header_block(lines, number, is_ruled=is_ruled)


def _mark_original(lines: Sequence[str], marks: Marks, start: int, text_at: int) -> None:
    """The original message goes on to the end; rules directly above it belong to it. A forward stays to be read."""
    above = start
    while above > 0 and (not lines[above - 1] or RULE.fullmatch(lines[above - 1])):
        above -= 1
    while above < start and not lines[above]:
        above += 1
    marks.original_at, marks.text_at = above, text_at
    if not marks.is_forward:
        marks.kinds[above:] = ["quoted"] * (len(lines) - above)
    elif _is_before_quote(marks, lines, text_at):
        shown = (number for number in range(text_at, len(lines)) if not DEEP_QUOTE.match(lines[number]))
        for number in shown:  # Apple puts ">" before a forwarded mail
            marks.kinds[number] = "new"


def _mark_introduction(lines: Sequence[str], marks: Marks, number: int, earliest: int) -> bool:
    """Mark the introduction that ends here, if one does; True when all below it is the original message."""
    before_quote = _is_before_quote(marks, lines, number + 1)
    start = introduction_start(lines, number, earliest, before_quote=before_quote)
    if start == number and before_quote:
        column = shared_column(lines[number])
        if column > 0:
            marks.columns[number] = column
            return False
    if start < 0:
        return False
    if before_quote or not any(lines[number + 1 : number + 1 + LOOK_AHEAD]):
        marks.kinds[start : number + 1] = ["quoted"] * (number + 1 - start)
        return False
    _mark_original(lines, marks, start, number + 1)
    return True


def _is_before_quote(marks: Marks, lines: Sequence[str], start: int) -> bool:
    for number in range(start, min(start + LOOK_AHEAD, len(lines))):
        if lines[number]:
            return marks.kinds[number] == "quoted"
    return False


def _join_wrapped(lines: Sequence[str], marks: Marks) -> None:
    """The rest of a quoted line that a mail server broke: small letters between ">" lines, behind no sentence's end."""
    kinds = marks.kinds
    for number in range(1, min(len(lines) - 1, MAX_LINES)):
        if kinds[number] == "new" and kinds[number - 1] == kinds[number + 1] == "quoted":
            above, line = lines[number - 1], lines[number]
            if len(above) >= LONG_QUOTED and above[-1] not in SENTENCE_ENDS and line[:1].islower():
                kinds[number] = "quoted"


def _runs(marks: Marks, kind: str) -> Iterator[tuple[int, int]]:
    """Start and end of each run of lines of this kind; a forward begins a run of its own, which is left out."""
    kinds = marks.kinds[: marks.original_at] if marks.is_forward else marks.kinds
    start = -1
    for number, one in enumerate(kinds):
        if one == kind and start < 0:
            start = number
        elif one != kind and start >= 0:
            yield start, number
            start = -1
    if start >= 0:
        yield start, len(kinds)


def _mark_tail(lines: Sequence[str], marks: Marks, start: int, end: int) -> None:
    """Signature and disclaimers at the end of one run of new lines."""
    while end > start and not lines[end - 1]:
        end -= 1
    first = max(start, end - MAX_TAIL)
    signature = delimiter_at(lines, first, end)
    if signature >= 0:
        end = signature_end(lines, signature, end)
        marks.kinds[signature:end] = ["signature"] * (end - signature)
        _mark_notices(lines, marks, _paragraphs(lines, signature + 1, end))
        return
    body_end = _mark_footers(lines, marks, _paragraphs(lines, first, end))
    signature = closing_at(lines, first, body_end)
    if signature >= 0:
        marks.kinds[signature:body_end] = ["signature"] * (body_end - signature)


def _mark_footers(lines: Sequence[str], marks: Marks, paragraphs: list[tuple[int, int]]) -> int:
    """Paragraphs at the end that no person wrote; the line where they begin. Weak notices need a strong one above."""
    body_end = paragraphs[-1][1] if paragraphs else 0
    while paragraphs and is_device_line(lines[body_end - 1]):  # often without an empty line above it
        body_end -= 1
        marks.kinds[body_end] = "signature"
        start = paragraphs.pop()[0]
        if start < body_end:
            paragraphs.append((start, body_end))
        elif paragraphs:
            body_end = paragraphs[-1][1]
    weak: list[tuple[int, int]] = []
    for start, end in reversed(paragraphs):
        paragraph = lines[start:end]
        strength = 0 if is_footer(paragraph) else notice_strength(paragraph)
        if strength == 1:
            weak.append((start, end))
            continue
        if strength == 0 and (weak or not is_footer(paragraph)):
            break
        for first, last in [*weak, (start, end)]:
            marks.kinds[first:last] = ["disclaimer" if strength else "signature"] * (last - first)
        weak = []
        body_end = start
    return body_end


def _mark_notices(lines: Sequence[str], marks: Marks, paragraphs: list[tuple[int, int]]) -> None:
    """Below "-- " a notice and what continues it are a disclaimer."""
    threshold = 2
    for start, end in paragraphs:
        is_notice = notice_strength(lines[start:end]) >= threshold
        threshold = 1 if is_notice else 2
        if is_notice:
            marks.kinds[start:end] = ["disclaimer"] * (end - start)


def _paragraphs(lines: Sequence[str], start: int, end: int) -> list[tuple[int, int]]:
    """Runs of lines with text; a line of underscores begins one."""
    found: list[tuple[int, int]] = []
    opened = -1
    for number in range(start, end):
        begins = bool(lines[number]) and (opened < 0 or is_underline(lines[number]))
        if opened >= 0 and (begins or not lines[number]):
            found.append((opened, number))
            opened = -1
        if begins:
            opened = number
    return [*found, (opened, end)] if opened >= 0 else found


def _show_lone_original(lines: Sequence[str], marks: Marks) -> None:
    """Nothing new stands above an unmarked original: it is a forward, or the answer is somewhere in it. So show it."""
    above = range(marks.original_at)
    if any(marks.kinds[number] == "new" and lines[number].strip(RULE_MARKS) for number in above):
        return
    if any(marks.kinds[number] == "quoted" for number in above):
        return
    marks.is_forward = label_of(lines[marks.text_at]) != "" if marks.text_at < len(lines) else False
    shown_from = marks.original_at if marks.is_forward else marks.text_at
    for number in range(shown_from, len(lines)):
        if not _is_quoted(lines, number):
            marks.kinds[number] = "new"


def _mark_banner(lines: Sequence[str], marks: Marks) -> None:
    paragraph = next(iter(_paragraphs(lines, 0, min(len(lines), 12))), None)
    if paragraph and marks.kinds[paragraph[0]] == "new" and is_banner(lines[paragraph[0] : paragraph[1]]):
        marks.kinds[paragraph[0] : paragraph[1]] = ["disclaimer"] * (paragraph[1] - paragraph[0])


def _fill_gaps(lines: Sequence[str], marks: Marks) -> None:
    """Empty lines between two kinds go with what stands above them."""
    kinds = marks.kinds
    for start, end in list(_runs(marks, "new")):
        if start and not any(lines[start:end]):
            kinds[start:end] = [kinds[start - 1]] * (end - start)
