"""Header bytes become text: unfolding, encoded words (RFC 2047), parameters (RFC 2231), ids, dates.

Works on raw bytes, because real mails put 8-bit letters into encoded words and cut characters in two.
Never raises; every loop is linear in the length of the header.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_tz
from functools import cached_property
from urllib.parse import unquote_to_bytes

from postvak.mail.charsets import decode, decode_unlabelled, storable
from postvak.mail.transfer import decode_base64

WORD_START = re.compile(rb"=\?([^?\s]{0,80})\?([bBqQ])\?")
CONTROL = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029]+")
BLANKS = re.compile(r"\s+")
IDS = re.compile(r"<([^<>]*)>")
PARAMETER = re.compile(rb";\s*([^\s=;]{1,80})\s*=\s*(?:\"((?:[^\"\\]|\\.)*)\"|([^;]*))", re.S)
SECTION = re.compile(r"^([^*]+)(?:\*(\d{1,4}))?(\*)?$")
QUOTED_PAIR = re.compile(rb'\\(["\\])')
ANY_PAIR = re.compile(rb"\\(.)", re.S)
ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d")
MAX_IDS = 1000
# "name*=" and "name=" beside the numbered "name*0="; senders that give several mean the same by all
EXTENDED, PLAIN = -2, -1


@dataclass(frozen=True)
class Headers:
    """Header lines of one part: names as written, raw values still folded and encoded.

    `fallback` is the charset that text outside encoded words may have.
    """

    lines: tuple[tuple[str, bytes], ...]
    fallback: str = ""

    @cached_property
    def _by_name(self) -> dict[str, list[bytes]]:
        found: dict[str, list[bytes]] = {}
        for name, raw in self.lines:
            found.setdefault(name.lower(), []).append(raw)
        return found

    def all(self, name: str) -> list[bytes]:
        """Raw values of all headers with this (lower case) name, in their order."""
        return self._by_name.get(name, [])

    def raw(self, name: str) -> bytes:
        """Raw value of the first header with this (lower case) name, b'' if absent."""
        return self._by_name.get(name, [b""])[0]

    def text(self, name: str) -> str:
        """Decoded value of the first header with this (lower case) name, '' if absent."""
        return decode_text(self.raw(name), self.fallback)

    def __contains__(self, name: str) -> bool:
        return name in self._by_name


def decode_text(raw: bytes, fallback: str = "") -> str:
    """One line of readable text out of a raw header value (RFC 2047, tolerant).

    `fallback` is the charset of text that is not encoded, for those who leave it so.
    """
    if b"\n" in raw or b"\r" in raw:
        raw = raw.replace(b"\r", b"").replace(b"\n", b"")
    if b"=?" not in raw:
        return one_line(decode_unlabelled(raw, fallback))
    pieces: list[str] = []
    for charset, chunk in _joined(_words(raw)):
        pieces.append(decode(chunk, charset)[0] if charset else decode_unlabelled(chunk, fallback))
    return one_line("".join(pieces))


def one_line(text: str) -> str:
    """Text without line breaks and control characters, blanks at the ends removed."""
    return CONTROL.sub(" ", text).strip() if CONTROL.search(text) else text.strip()


def _words(raw: bytes) -> Iterable[tuple[str | None, bytes]]:
    """Yield (charset, decoded bytes) per encoded word and (None, bytes) for what stands between them."""
    at = 0
    after_word = False
    while start := WORD_START.search(raw, at):
        end = raw.find(b"?=", start.end())
        if end < 0:
            break
        # "=?x?Q?=41?=": a Q text that begins with "=" must not be taken for the end
        if end == start.end() - 1:
            end = raw.find(b"?=", start.end() + 1)
        between = raw[at : start.start()]
        if between and not (after_word and not between.strip()):
            yield None, between
        charset = start.group(1).partition(b"*")[0].decode("ascii", "replace").lower()
        yield charset or "utf-8", _word_bytes(start.group(2), raw[start.end() : end])
        at = end + 2
        after_word = True
    if at < len(raw):
        yield None, raw[at:]


def _word_bytes(encoding: bytes, text: bytes) -> bytes:
    if encoding in b"bB":
        return decode_base64(text)[0]
    return binascii.a2b_qp(text, header=True)


def _joined(words: Iterable[tuple[str | None, bytes]]) -> Iterable[tuple[str | None, bytes]]:
    """Join neighbours of one charset, so that a character that was cut in two becomes whole again."""
    current: str | None = None
    chunks: list[bytes] = []
    for charset, chunk in words:
        if chunks and charset != current:
            yield current, b"".join(chunks)
            chunks = []
        current = charset
        chunks.append(chunk)
    if chunks:
        yield current, b"".join(chunks)


def parameters(raw: bytes, *, strict: bool = False) -> tuple[str, dict[str, str]]:
    """Value in lower case and parameters (names in lower case) of a Content-* header (RFC 2045, 2231).

    Backslashes in quotes stay unless they stand before a quote or backslash (senders mean folders by them);
    `strict` takes all off, as RFC 5322 section 3.2.1 wants it.
    """
    value = raw.partition(b";")[0]
    pair = ANY_PAIR if strict else QUOTED_PAIR
    sections: dict[str, dict[int, tuple[bytes, bool]]] = {}
    for match in PARAMETER.finditer(raw):
        name, number, extended = _section(match.group(1))
        quoted, bare = match.group(2), match.group(3)
        content = pair.sub(rb"\1", quoted) if quoted is not None else bare.strip().strip(b'"')
        sections.setdefault(name, {}).setdefault(number, (content, extended))
    found = {name: _assembled(parts) for name, parts in sections.items()}
    return decode_text(value.partition(b"(")[0]).lower(), found


def _section(raw: bytes) -> tuple[str, int, bool]:
    name = raw.decode("ascii", "replace").lower()
    match = SECTION.match(name)
    if match is None:
        return name, PLAIN, False
    number = int(match.group(2)) if match.group(2) else (EXTENDED if match.group(3) else PLAIN)
    return match.group(1), number, bool(match.group(3))


def _assembled(parts: dict[int, tuple[bytes, bool]]) -> str:
    """Join the continuations of one parameter (RFC 2231 sections 3 and 4)."""
    numbered = [parts[number] for number in sorted(parts) if number >= 0]
    chosen = [parts[EXTENDED]] if EXTENDED in parts else numbered or [parts[PLAIN]]
    charset = ""
    chunks: list[bytes] = []
    for position, (content, extended) in enumerate(chosen):
        if extended and position == 0 and content.count(b"'") >= 2:
            label, _, content = content.split(b"'", 2)
            charset = label.decode("ascii", "replace")
        chunks.append(unquote_to_bytes(content) if extended else content)
    whole = b"".join(chunks)
    if any(extended for _, extended in chosen):
        return one_line(decode(whole, charset)[0])
    return decode_text(whole)


def message_ids(raw: bytes) -> tuple[str, ...]:
    """The ids of a Message-ID, In-Reply-To or References header without <>, in order, each once."""
    if not raw:
        return ()
    text = storable(raw.decode("utf-8", "replace"))
    found = IDS.findall(text) or [word for word in text.split() if "@" in word]
    cleaned = (BLANKS.sub("", one) for one in found[:MAX_IDS])
    return tuple(dict.fromkeys(one.strip("<>") for one in cleaned if one.strip("<>")))


def own_message_id(raw: bytes) -> str:
    """The mail's own id without <>; a broken one is taken as it stands."""
    found = message_ids(raw)
    return found[0] if found else BLANKS.sub("", decode_text(raw)).strip("<>")


def read_date(raw: bytes) -> datetime | None:
    """The date as aware UTC; None when absent or impossible."""
    try:
        written = decode_text(raw[:200])
        parts = parsedate_tz(written)
        if parts is None or ISO_DATE.match(written):
            found = datetime.fromisoformat(written)
            return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
        local = datetime(*parts[:6], tzinfo=UTC)
        return local - timedelta(seconds=parts[9] or 0)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
