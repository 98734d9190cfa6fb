"""E-mail addresses: read out of headers (RFC 5322 section 3.4, tolerant), normalised, judged when typed.

Reading happens on the raw header, before encoded words are decoded: a decoded name may hold commas.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field

from postvak.mail.headers import decode_text
from postvak.mail.values import Address

WORD = r"(?P<word>=\?[^?\s]{1,80}\?[bBqQ]\?[^?]{0,2000}\?=)"
QUOTE = r'(?P<quoted>"(?:[^"\\]|\\.){0,1000}")'
ANGLE_OR_MARK = r"(?P<angle><[^<>]*>)|(?P<mark>[,;:()])"
TOKEN = re.compile(rf'{WORD}|{QUOTE}|{ANGLE_OR_MARK}|(?P<text>[^",;:()<=]+|.)', re.S)
UNQUOTED_TOKEN = re.compile(rf"{WORD}|{ANGLE_OR_MARK}|(?P<text>[^,;:()<=]+|.)", re.S)
BARE = re.compile(r"(?:\"(?:[^\"\\]|\\.){0,1000}\"|[^\s\"<>,;]+)@[^\s\"<>,;]+")
QUOTED = re.compile(r"\"((?:[^\"\\]|\\.){0,1000})\"")
WHOLLY_QUOTED = re.compile(r'"([^"]*)"?|([^"]*)"')
TYPED = re.compile(r"[^\s@\"(),:;<>\[\]\\\x00-\x1f\x7f]{1,64}@([^\s@\x00-\x1f\x7f]{1,253})")
LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
MAX_ADDRESSES = 10_000
MAX_OPEN_QUOTES = 20
MAX_PHRASE = 2000  # keeps the patterns quick on hostile headers


@dataclass
class _Reader:
    """Collects one address after the other while the tokens pass by."""

    fallback: str = ""
    found: list[Address] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    phrase: list[str] = field(default_factory=list)
    comment: list[str] = field(default_factory=list)
    angle: str | None = None

    def take(self, kind: str, text: str) -> None:
        """One token; comments come through `take_comment`."""
        if kind == "angle":
            if self.angle is not None:
                self.flush()
            self.angle = text[1:-1]
        elif kind == "mark" and text in ",;":
            self.flush()
        elif text == ":" and self.angle is None and "@" not in "".join(self.phrase):
            self.phrase.clear()  # the name of a group
        else:
            self._take_text(text)

    def _take_text(self, text: str) -> None:
        if self.angle is not None and text.strip():
            self.flush()
        self.phrase.append(text)

    def flush(self) -> None:
        """The current address is complete."""
        phrase = "".join(self.phrase).strip()[:MAX_PHRASE]
        comment = "".join(self.comment)
        if self.angle is not None:
            self._add(self._name(phrase) or self._name(comment), _mailbox(self.angle))
        elif match := BARE.search(phrase):
            rest = phrase[: match.start()] + phrase[match.end() :]
            self._add(self._name(rest) or self._name(comment), _mailbox(match.group()))
        elif phrase:
            self.words.append(phrase)
        self.phrase, self.comment, self.angle = [], [], None

    def _name(self, latin: str) -> str:
        return _name(latin, self.fallback)

    def _add(self, name: str, email: str) -> None:
        if email:
            self.found.append(Address(name, email))


def read_addresses(raw_header: bytes | str, fallback: str = "") -> tuple[Address, ...]:
    """All addresses of a From, To, Cc … header; groups are flattened, broken ones read as well as possible.

    Entries without any address are left out, see `read_author`. `fallback` is the charset of names that are
    neither encoded nor UTF-8.
    """
    return tuple(_reader(raw_header, fallback).found[:MAX_ADDRESSES])


def read_author(raw_header: bytes | str, fallback: str = "") -> Address | None:
    """The first address of a From or Sender header; one that is a single word ("MAILER-DAEMON") is one, too."""
    reader = _reader(raw_header, fallback)
    if not reader.found and len(reader.words) == 1 and not re.search(r"\s", reader.words[0]):
        reader._add("", _mailbox(reader.words[0]))
    return reader.found[0] if reader.found else None


def _reader(raw_header: bytes | str, fallback: str) -> _Reader:
    raw = raw_header.encode("utf-8", "replace") if isinstance(raw_header, str) else raw_header
    text = raw.replace(b"\r", b"").replace(b"\n", b"").decode("latin-1")
    reader = _Reader(fallback)
    _read_tokens(text, reader)
    reader.flush()
    return reader


def _read_tokens(text: str, reader: _Reader) -> None:
    depth = 0
    balanced = 0 < text.count("(") == text.count(")")
    for match in _tokens(text):
        kind, text_of = match.lastgroup or "text", match.group()
        if balanced and text_of in "()":
            depth = max(0, depth + (1 if text_of == "(" else -1))
        elif depth:
            reader.comment.append(text_of)
        else:
            reader.take("text" if text_of in "()" else kind, text_of)


def _tokens(text: str) -> Iterator[re.Match[str]]:
    """Tokens; after some quotation marks without an end they are letters like others."""
    pattern, at, failed = TOKEN, 0, 0
    while match := pattern.match(text, at):
        yield match
        at = match.end()
        failed += match.group() == '"'
        if failed == MAX_OPEN_QUOTES:
            pattern = UNQUOTED_TOKEN


def _name(latin: str, fallback: str) -> str:
    """A display name: quotes and backslashes taken off, encoded words and 8-bit letters decoded."""
    without = QUOTED.sub(lambda match: re.sub(r"\\(.)", r"\1", match.group(1)), latin)
    name = re.sub(r"\s+", " ", decode_text(without.encode("latin-1"), fallback)).strip(" <>")
    whole = WHOLLY_QUOTED.fullmatch(name) if without == latin else None
    return (whole.group(1) or whole.group(2) or "").strip() if whole else name


def _mailbox(latin: str) -> str:
    """The address itself: blanks, "mailto:" and source routes (RFC 5322 section 4.4) taken off."""
    text = decode_text(latin.encode("latin-1"))
    if not text.startswith('"'):
        text = re.sub(r"\s+", "", text)
    if text.startswith("@") and ":" in text:
        text = text.partition(":")[2]
    if text[:7].lower() == "mailto:":
        text = text[7:]
    return text.strip("'<>").rstrip(".")


def normalise(email: str) -> str:
    """Lower case, with an international domain written in ASCII where possible (RFC 5891)."""
    local, at, domain = email.strip().lower().rpartition("@")
    return f"{local}{at}{ascii_domain(domain)}" if at else domain


def ascii_domain(domain: str) -> str:
    """The domain in ASCII (punycode per label); a label that can't be written so stays as it is."""
    if domain.isascii():
        return domain
    text = unicodedata.normalize("NFKC", domain).replace("\u3002", ".").lower()
    return ".".join(_ascii_label(label) for label in text.split("."))


def _ascii_label(label: str) -> str:
    if label.isascii():
        return label
    try:
        short = "xn--" + label.encode("punycode").decode("ascii")
    except UnicodeError:
        return label
    return short if len(short) <= 63 else label


def without_subaddress(email: str) -> str:
    """The address without its detail part (RFC 5233): `ann+shop@example.com` is `ann@example.com`."""
    local, at, domain = email.rpartition("@")
    base = local.partition("+")[0]
    return f"{base}{at}{domain}" if at and base else email


def is_valid_recipient(email: str) -> bool:
    """May a person type this as a recipient? One @, a plain local part, a domain of sensible labels."""
    match = TYPED.fullmatch(email)
    if match is None:
        return False
    local = email.rpartition("@")[0]
    if local.startswith(".") or local.endswith(".") or ".." in local:
        return False
    labels = ascii_domain(match.group(1).lower()).split(".")
    return len(labels) > 1 and all(LABEL.fullmatch(label) for label in labels) and not labels[-1].isdigit()
