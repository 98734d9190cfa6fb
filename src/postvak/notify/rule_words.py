"""The words of a rule for one mail: its placeholders filled in. There is no template language: a placeholder becomes text, and
nothing else happens. Reads, but writes nothing. Spec 06."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

from postvak.mail.outgoing_html import clean, text_of
from postvak.mail.placeholders import PLACEHOLDER, fill, fill_lines, meaning
from postvak.notify.words import Words

LONGEST_VALUE = 10_000  # letters
LONGEST_MAIL = 1_000_000  # letters with everything filled in
LINKS = ("ticket.link", "ticket.rating_link")
PIECES = re.compile(r"(<[^<>]*>)")


class TooLong(ValueError):
    """Filled in, the text would be longer than any mail that a person reads."""


@dataclass(frozen=True, slots=True)
class Filled:
    """`missing`: placeholders, as written, of which nothing is known here; their lines were left out."""

    subject: str
    words: Words
    missing: tuple[str, ...]


def fill_rule(subject: str, html: str, values: Mapping[str, str]) -> Filled:
    """Raises TooLong."""
    known = {name: value[:LONGEST_VALUE] for name, value in values.items()}
    check_length(html, known)
    head = fill(subject, known)
    missing = (*head.missing, *fill(html, known, is_html=True).missing)
    filled = clean(with_links(fill_lines(html, known, is_html=True), known))
    return Filled(one_line(head.text), Words(text_of(filled), filled), tuple(dict.fromkeys(missing)))


def check_length(html: str, values: Mapping[str, str]) -> None:
    asked = (meaning(match.group(), is_html=True)[0] for match in PLACEHOLDER.finditer(html))
    if len(html) + sum(len(values.get(name, "")) for name in asked) > LONGEST_MAIL:
        raise TooLong("With everything filled in, the text is too long for a mail.")


def one_line(subject: str) -> str:
    """What isn't known is left out of a subject, too."""
    return " ".join(PLACEHOLDER.sub("", subject).split())


def with_links(html: str, values: Mapping[str, str]) -> str:
    """Our own addresses become links where they stand in the text, outside of other links."""
    urls = [escape(url) for name in LINKS if (url := values.get(name, "")) and escape(url) in html]
    if not urls:
        return html
    pieces, depth = PIECES.split(html), 0
    for place, piece in enumerate(pieces):
        if place % 2:
            depth += piece[:3].lower() in {"<a ", "<a>"}
            depth -= piece[:3].lower() == "</a"
        elif depth <= 0:
            pieces[place] = linked(piece, urls)
    return "".join(pieces)


def linked(text: str, urls: list[str]) -> str:
    for url in urls:
        text = text.replace(url, f'<a href="{url}">{url}</a>')
    return text
