"""Placeholders in texts that we send: `{{ ticket.number }}`, `{{ customer.name or "customer" }}`. Spec 06.

A placeholder only ever becomes text: there are no loops, no calls, nothing that an author could do harm with.
"""

import re
from collections.abc import Mapping, Set
from dataclasses import dataclass
from html import escape, unescape

LETTER_NAMES = frozenset(  # of what agents write and sign
    [
        "agent.name", "agent.first_name", "agent.email",
        "customer.name", "customer.first_name", "customer.email", "customer.organisation",
        "ticket.number", "ticket.subject", "ticket.queue", "ticket.created", "ticket.rating_link",
        "ticket.status", "ticket.priority", "ticket.assignee", "ticket.due", "ticket.waiting_since", "ticket.link",
        "brand.name", "address.name", "address.email", "message.subject", "message.date", "message.quote",
        "today",
    ]
)  # fmt: skip
RULE_NAMES = frozenset(  # besides, of mails that a rule sends
    [
        "salutation", "rule.name", "reader.name", "reader.first_name",
        "message.beginning", "event.author", "event.change",
    ]
)  # fmt: skip
NAMES = LETTER_NAMES | RULE_NAMES
CLASSIC = {"{TICKET}": "ticket.number", "{BETREFF}": "ticket.subject", "{SUBJECT}": "ticket.subject"}
PLACEHOLDER = re.compile(r"\{\{([^{}\n]{1,200})\}\}|\{(?:TICKET|BETREFF|SUBJECT)\}")
MEANING = re.compile(r'\s*([\w.]+)\s*(?:or\s+["“”„\'‘’]([^"“”„\'‘’]*)["“”„\'‘’]\s*)?')
LINE_END = re.compile(r"(<br\s*/?>|</(?:p|div|li|h[1-6]|td|tr|blockquote)\s*>)", re.I)
TAGS = re.compile(r"<[^<>]*>")
EMPTY_BLOCK = re.compile(r"<(p|div|li)\b[^<>]*>\s*</\1\s*>", re.I)


@dataclass(frozen=True, slots=True)
class Filled:
    """`text` with everything filled in that could be; `missing`: the placeholders, as written, that had no value."""

    text: str
    missing: tuple[str, ...]


def fill(text: str, values: Mapping[str, str], *, is_html: bool = False) -> Filled:
    """Put `values` (name from NAMES -> text) in. What has neither value nor `or "…"` stays as it is written.

    In HTML the values are escaped, and their line breaks are kept.
    """
    missing: list[str] = []

    def value_of(match: re.Match[str]) -> str:
        name, otherwise = meaning(match.group(), is_html=is_html)
        value = values.get(name) or otherwise
        if value is None:
            missing.append(unescape(match.group()) if is_html else match.group())
            return match.group()
        return escape(value).replace("\n", "<br>") if is_html else value

    return Filled(PLACEHOLDER.sub(value_of, text), tuple(dict.fromkeys(missing)))


def fill_lines(text: str, values: Mapping[str, str], *, is_html: bool = False) -> str:
    """As fill(), but a line that names something without a value is left out: nobody may be there to complete it."""
    if is_html:
        pieces = LINE_END.split(text)
        kept = "".join(_kept_html(piece, values) if place % 2 == 0 else piece for place, piece in enumerate(pieces))
        return EMPTY_BLOCK.sub("", kept) if kept != text else kept
    filled = (fill(line, values) for line in text.split("\n"))
    return "\n".join(line.text for line in filled if not line.missing)


def _kept_html(piece: str, values: Mapping[str, str]) -> str:
    filled = fill(piece, values, is_html=True)
    return "".join(TAGS.findall(piece)) if filled.missing else filled.text


def unknown(text: str, *, is_html: bool = False, names: Set[str] = NAMES) -> tuple[str, ...]:
    """Placeholders, as written, that nothing will ever fill: to be refused when a text is saved. `names`: LETTER_NAMES
    for what agents write."""
    found = (match.group() for match in PLACEHOLDER.finditer(text))
    return tuple(dict.fromkeys(one for one in found if meaning(one, is_html=is_html)[0] not in names))


def unfilled(text: str) -> tuple[str, ...]:
    """Placeholders of ours that still stand in a finished text: it must not go out so."""
    found = (match.group() for match in PLACEHOLDER.finditer(text))
    return tuple(dict.fromkeys(one for one in found if meaning(one)[0] in NAMES or one.startswith("{{")))


def meaning(placeholder: str, *, is_html: bool = False) -> tuple[str, str | None]:
    """(name, what stands in for a missing value or None) of one placeholder."""
    if placeholder in CLASSIC:
        return CLASSIC[placeholder], None
    inside = placeholder[2:-2]
    match = MEANING.fullmatch(unescape(inside) if is_html else inside)
    return (match.group(1), match.group(2)) if match else (inside.strip(), None)
