"""The lines of an HTML mail with their places in the source, and what its mark-up says about them.

Only what splitting needs: block elements and <br> end lines; clients mark quotations and signatures by class or id.
"""

from __future__ import annotations

import html as entities
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from postvak.mail.html_rules import BLOCKS
from postvak.mail.quotes_headers import separator_of

# A class or an id (or a part of one) → what the element is.
# reply: an introduction and then a blockquote. original: the original message, from here to the end.
ROLES = {
    "gmail_quote": "reply",  # Gmail
    "gmail_attr": "quote",
    "gmail_signature": "signature",
    "moz-cite-prefix": "quote",  # Thunderbird
    "moz-email-headers-table": "quote",
    "moz-signature": "signature",
    "moz-forward-container": "forward",
    "yahoo_quoted": "original",  # Yahoo, with digits behind it
    "yqt": "original",
    "yahoo-signature": "signature",
    "protonmail_quote": "reply",  # Proton
    "protonmail_signature_block": "signature",
    "tutanota_quote": "quote",  # Tuta
    "divrplyfwdmsg": "original",  # Outlook on the web
    "appendonsend": "original",
    "mail-editor-reference-message-container": "original",  # new Outlook
    "ms-outlook-mobile-signature": "signature",
    "ms-outlook-mobile-reference-message": "original",
    "outlookmessageheader": "original",  # old Outlook
    "olk_src_body_section": "original",  # Outlook for Mac
    "stopspelling": "original",  # Hotmail
    "signature": "signature",  # Outlook on the web; only as id
    "applemailsignature": "signature",  # Apple Mail
    "airmail_on": "quote",  # Airmail
    "airmail_ext_on": "quote",
    "bloop_sign": "signature",
    "zmail_extra": "original",  # Zoho
    "zwchr": "original",  # Zimbra
    "__quoted_text__": "original",
    "__headers__": "original",
    "isreplycontent": "original",  # QQ
    "replysplit": "original",  # Naver and others
    "freshdesk_quote": "quote",
    "zd_quote": "quote",
    "front-blockquote": "quote",
    "mail-quote": "reply",  # web.de, GMX
    "mail_quote": "reply",
    "quotedtext": "quote",
    "quoted-text": "quote",
    "pv-quote": "reply",  # our own
    "pv-signature": "signature",
    "pv-footer": "signature",
}
MARKERS = (
    "<blockquote gmail_quote divrplyfwdmsg appendonsend reference-message yahoo_quoted protonmail_quote moz-cite olk_src_body "
    "outlookmessageheader stopspelling border-top border-left zmail_extra zwchr __quoted isreplycontent <hr"
)
QUOTATION_MARKS = tuple(MARKERS.split())
TAG = re.compile(r"<(?:(!--)|(/?)([a-zA-Z][a-zA-Z0-9:-]*|!doctype)([^<>]*)>)", re.I)
NAMES = re.compile(
    r"\b(?:class|id|data-marker|name)\s*=\s*(?:\"([^\"]{1,200})\"|'([^']{1,200})'|([^\s\"'>]{1,200}))", re.I
)
ID_ONLY = re.compile(r"\bid\s*=\s*[\"']?(?:x_)*signature\b", re.I)
NO_BORDER = re.compile(r"border\s*:\s*(?:none|0)", re.I)
TOP_BORDER = re.compile(r"border-top(?:-style|-width|-color)?\s*:\s*(?!none|0)[^;]", re.I)
CITE = re.compile(r"\bcite\b", re.I)
UNREAD = ("script", "style", "head", "title", "template")
VOID = frozenset(["br", "hr", "img", "meta", "link", "input", "col", "wbr", "area", "base", "!doctype"])


@dataclass(frozen=True, slots=True)
class HtmlLine:
    """One line as a reader sees it; `start` is its place in the source."""

    start: int
    text: str
    is_quoted: bool

    @property
    def marked_text(self) -> str:
        """The text with the ">" that a plain text would have."""
        return f"> {self.text}" if self.is_quoted else self.text


@dataclass(frozen=True, slots=True)
class Page:
    """All lines; numbers of those below a rule, of those where an original message begins, and of signatures."""

    lines: tuple[HtmlLine, ...]
    ruled: frozenset[int]
    originals: frozenset[int]
    signed: frozenset[int]


@dataclass(slots=True)
class _Open:
    name: str
    level: int
    role: str


@dataclass(slots=True)
class _Reader:
    """Collects lines while the tags go by."""

    lines: list[HtmlLine] = field(default_factory=list)
    ruled: set[int] = field(default_factory=set)
    originals: set[int] = field(default_factory=set)
    signed: set[int] = field(default_factory=set)
    stack: list[_Open] = field(default_factory=list)
    levels: Counter[str] = field(default_factory=Counter)
    words: list[str] = field(default_factory=list)
    start: int = 0

    def add_text(self, piece: str) -> None:
        if piece and (self.words or not piece.isspace()):
            self.words.append(entities.unescape(piece) if "&" in piece else piece)

    def end_line(self, next_start: int, *, even_empty: bool = False) -> None:
        """Keep what was collected; an empty line only if it is seen, as that of a <br> is."""
        if not self.words and not even_empty:
            return
        text = " ".join("".join(self.words).split())
        if self.stack and separator_of(text) == "forward":  # not quoted, but passed on
            self.stack = [one for one in self.stack if one.name == "blockquote"]
        roles = {one.role for one in self.stack}
        is_quoted = bool(roles & {"quote", "reply"})
        if "signature" in roles and not is_quoted:
            self.signed.add(len(self.lines))
        self.lines.append(HtmlLine(self.start, text, is_quoted))
        self.words.clear()
        self.start = next_start

    def open(self, name: str, attributes: str, *, at: int) -> None:
        if name in BLOCKS:
            self.end_line(at)
        role = _role(name, attributes) if attributes or name == "blockquote" else ""
        if role == "original":
            self.end_line(at)
            self.originals.add(len(self.lines))
        elif name == "hr" or role == "ruled":
            self.ruled.add(len(self.lines))
        if name in VOID:
            return
        self.levels[name] += 1
        if role in ("quote", "reply", "signature"):
            self.end_line(at)
            self.stack.append(_Open(name, self.levels[name], role))

    def close(self, name: str, *, end: int) -> None:
        if name in BLOCKS:
            self.end_line(end)
        self.levels[name] = max(0, self.levels[name] - 1)
        while self.stack and self.levels[self.stack[-1].name] < self.stack[-1].level:
            self.end_line(end)
            closed = self.stack.pop()
            if closed.role == "quote" and closed.name == "blockquote" and self.stack and self.stack[-1].role == "reply":
                self.stack[-1].role = ""  # what follows the quotation inside its container is an answer
        if not self.words:
            self.start = end


def has_quotation_marks(html: str) -> bool:
    """A quick look: may the mark-up tell more than the text?"""
    lower = html.lower()
    return any(mark in lower for mark in QUOTATION_MARKS)


def read_page(html: str) -> Page:
    """The lines of this HTML in linear time, whatever it is."""
    reader = _Reader()
    for text, tag, end in _tokens(html):
        reader.add_text(text)
        if tag is None:
            continue
        name = tag.group(3).lower()
        if name == "br":
            reader.end_line(end, even_empty=True)
        elif tag.group(2):
            reader.close(name, end=end)
        else:
            reader.open(name, tag.group(4), at=tag.start())
            if name == "li":
                reader.add_text("- ")
    reader.end_line(len(html))
    return Page(tuple(reader.lines), frozenset(reader.ruled), frozenset(reader.originals), frozenset(reader.signed))


def _tokens(html: str) -> Iterator[tuple[str, re.Match[str] | None, int]]:
    """Text, the tag behind it (None at the end) and where that ends; comments, styles and scripts are passed over."""
    at = 0
    lower = html.lower() if len(html.lower()) == len(html) else html
    missing: set[str] = set()
    while (tag := TAG.search(html, at)) is not None:
        text, at = html[at : tag.start()], tag.end()
        name = (tag.group(3) or "").lower()
        closing = "-->" if tag.group(1) else f"</{name}" if name in UNREAD and not tag.group(2) else ""
        if closing and closing not in missing:
            found = lower.find(closing, at)
            if found < 0:
                missing.add(closing)
            else:
                at = found + (3 if tag.group(1) else 0)
        yield text, None if tag.group(1) else tag, at
    yield html[at:], None, len(html)


def _role(name: str, attributes: str) -> str:
    """What the class, id or style of an element says of it."""
    for found in NAMES.finditer(attributes):
        for word in (found.group(1) or found.group(2) or found.group(3)).lower().split():
            role = _role_of_word(word, attributes)
            if role:
                return role if name != "blockquote" or role != "reply" else "quote"
    if name == "blockquote":
        return "" if NO_BORDER.search(attributes) and not CITE.search(attributes) else "quote"
    if "data-signatureblock" in attributes:
        return "signature"
    return "ruled" if name in ("div", "td", "p") and TOP_BORDER.search(attributes) else ""


def _role_of_word(word: str, attributes: str) -> str:
    while word.startswith("x_"):  # Outlook renames what it quotes
        word = word[2:]
    if word == "signature" and not ID_ONLY.search(attributes):
        return ""
    if word.startswith(("yahoo_quoted", "yqt")):
        return "original"
    if word == "quote" and "border-left" in attributes:
        return "reply"
    return ROLES.get(word, "")
