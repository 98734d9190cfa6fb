"""Delivery reports that are only prose: who did not get the mail, and what their server said about it.

Candidates are tried from the surest place to the least sure one; the first place that names someone
decides. Addresses of our own copy of the mail (To, Cc) help where the prose names none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from postvak.mail.addresses import read_addresses
from postvak.mail.bounces_words import DELAY, GIVEN_UP, best_status, classify
from postvak.mail.charsets import decode
from postvak.mail.headers import Headers
from postvak.mail.html import to_text
from postvak.mail.tree import Part, Tree, build, header_end
from postvak.mail.values import DeliveryReport

RETURNED_TYPES = ("message/rfc822", "message/global", "text/rfc822-headers", "message/rfc822-headers")
MAX_TEXT = 64 * 1024
MAX_FOUND = 100
MAX_WORDS = 500
COPY_BELOW = re.compile(
    r"^[ \t>*=-]{0,12}(?:below this line|this is a copy of|(?:the )?(?:header of the )?(?:original|returned|unsent|undelivered) "
    r"(?:message|mail)(?: (?:follows|headers?|info|below|text|attached)|[ \t]*[:\-.]|[ \t]*$)|below is a copy"
    r"|(?:the |a copy of )?(?:the )?(?:message|mail)(?:'s)? headers?(?: follow|:)|message header follows|here is (?:a|the) copy"
    r"|copy of (?:the |your )?(?:original |returned )?(?:message|mail)|original (?:message|mail)|header of (?:the )?original"
    r"|oorspronkelijk bericht|ursprüngliche nachricht|message d.origine|return-path:|received: |message-id:)",
    re.I | re.M,
)
ADDRESS = r"[^\s<>@:\"'`(),;\[\]{}|*=\x00-\x1f」』】）（「]{1,64}@[A-Za-z0-9\u0080-\uffff](?:[A-Za-z0-9._\u0080-\u2fff-]{0,252})"
ANY = re.compile(ADDRESS)
# Where the failed address stands, surest first.
PLACES = (
    r"^[ \t]{0,20}(?:[*o>•-]{1,3}[ \t]+)?[\"'<\[]{0,2}@@[\"'>\]]{0,2}(?:[ \t]*$|:(?:\s|$)|\.\.\.|[ \t]{0,8}[(]|[ \t]+on \S)",
    r"^[45]\d\d[- ](?:[45]\.\d\.\d )?<@@>\.\.\.",
    r"^[ \t>*-]{0,12}(?:(?:unknown|invalid|failed|undeliver\w+|bad|original|final|intended)[ -])?(?:user|recipient|address"
    r"|rcpt to|empfänger|ontvanger|destinataire|destinatario|宛先)[^\n:：]{0,40}[:：][ \t]*<?@@",
    r">>> ?RCPT TO: ?<@@",
    r"(?:deliver\w*|sent|mail|message|reach\w*|forward\w*)[^\n.]{0,40} (?:to|for)[ :\n\t]{1,4}(?:the )?(?:following )?"
    r"(?:recipients?|address(?:es)?)?[ :\n\t]{0,4}[\"'<]?@@",
    r"(?:errors?|fail\w*|unknown|invalid|not|undeliver\w+|full|reject\w*|disabled)\b[^\n]{0,80}?[:\s<\"'(]@@",
    r"(?:[45]\d\d|[45]\.\d\.\d)[^\n]{0,60}?[ <\"'(]@@",
    r"@@[>\"')\]]{0,2}[^\n]{0,60}(?:unknown|invalid|not |fail|full|reject|no such|disabled|error|user|niet|nicht|[45]\d\d)",
    r"(?:an|aan|à|para|voor|für|for|to)[ :\t]{1,3}<?@@",
)
NOBODY = re.compile(r"(?:mailer-daemon|mail-daemon|abuse|support|help ?desk|noreply|no-reply)@", re.I)


@cache
def places() -> tuple[re.Pattern[str], ...]:
    """PLACES, at their first use: to compile them takes a tenth of a second, and most programs never read a bounce."""
    return tuple(re.compile(pattern.replace("@@", f"({ADDRESS})"), re.I | re.M) for pattern in PLACES)


@dataclass(frozen=True, slots=True)
class Notice:
    """A report in prose: what stands above the copy of our mail, the copy itself, and to whom that was sent."""

    text: str
    below: str
    copy: Headers | None
    sender: str

    def known_recipients(self) -> list[str]:
        """Who got our mail according to its returned header."""
        if self.copy is None:
            return []
        lines = (line for name in ("to", "cc") for line in self.copy.all(name))
        return [one.email for line in lines for one in read_addresses(line[:4000])][:MAX_FOUND]

    def pieces(self, recipients: list[str]) -> dict[str, str]:
        """For each recipient the text from his own line to where the next one begins."""
        low = self.text.lower()
        starts = sorted((at, one) for one in recipients if one and (at := low.find(one.lower())) >= 0)
        found: dict[str, str] = {}
        end = len(self.text)
        for at, one in reversed(starts):
            found[one] = self.text[self.text.rfind("\n", 0, at) + 1 : min(end, at + 2000)]
            end = at
        return found


def read_notice(tree: Tree) -> Notice:
    """The prose of a report, cut where the copy of our mail begins."""
    text = _prose(tree)
    cut = COPY_BELOW.search(text)
    above, below = (text[: cut.start()], text[cut.start() :]) if cut else (text, "")
    to = [one.email.lower() for line in tree.root.headers.all("to") for one in read_addresses(line[:4000])]
    return Notice(above, below, returned_headers(tree) or _headers_in(below), to[0] if len(to) == 1 else "")


def returned_headers(tree: Tree) -> Headers | None:
    """The header of our own mail, if the report carries it in a part of its own."""
    for part in tree.parts[1:]:
        if part.content_type in RETURNED_TYPES or part.filename.lower().endswith((".eml", "headers.txt")):
            return _headers_of(part.content()[0][:MAX_TEXT])
    return None


def read_prose(notice: Notice, original: str) -> tuple[DeliveryReport, ...]:
    """One report for each recipient that the prose names.

    If it names nobody but our mail is known or a code is given: one report with the recipient ''.
    """
    found = _recipients(notice) if "@" in notice.text or notice.copy else []
    if not found and (original or best_status("", notice.text)):
        found = [""]
    action = _action(notice)
    pieces = notice.pieces(found)
    whole = " ".join(notice.text.split())[: 4 * MAX_WORDS]
    return tuple(_report(action, one, pieces.get(one, ""), whole, original) for one in found[:MAX_FOUND])


def _report(action: str, recipient: str, piece: str, whole: str, original: str) -> DeliveryReport:
    """The words beside the recipient; where they hold no code, that of the whole text counts."""
    status = best_status("", piece) or best_status("", whole) or ("4.0.0" if action == "delayed" else "5.0.0")
    diagnostic = " ".join(piece.split())[:MAX_WORDS]
    failure = classify(action, status, diagnostic if best_status("", diagnostic) else whole)
    return DeliveryReport(action, recipient, status, diagnostic, original, failure)


def _action(notice: Notice) -> str:
    waits = DELAY.search(notice.text) and not GIVEN_UP.search(notice.text)
    return "delayed" if waits else "failed"


def _recipients(notice: Notice) -> list[str]:
    """The first candidates that are not the sender of the mail himself; he only if nobody else is named."""
    known = notice.known_recipients()
    for found in _candidates(notice, known):
        chosen = [one for one in found if one.lower() != notice.sender and not NOBODY.match(one)]
        if chosen:
            return chosen
    return _places(notice, places()[:1]) or (known if len(known) == 1 else [])


def _candidates(notice: Notice, known: list[str]) -> Iterator[list[str]]:
    for place in places():
        yield _places(notice, (place,))
    everywhere = _unique(match.group() for match in ANY.finditer(notice.text))
    wanted = {one.lower() for one in known}
    yield [one for one in everywhere if one.lower() in wanted]
    yield [one for one in known if len(known) == 1]
    yield [one for one in everywhere if one.lower() != notice.sender and not NOBODY.match(one)][:1]


def _places(notice: Notice, places: tuple[re.Pattern[str], ...]) -> list[str]:
    return _unique(match.group(1) for place in places for match in place.finditer(notice.text))


def _unique(found: Iterable[str]) -> list[str]:
    """Each address once whatever its letter case, without the full stop of its sentence."""
    by_key: dict[str, str] = {}
    for one in found:
        clean = one.rstrip(".-")
        by_key.setdefault(clean.lower(), clean)
        if len(by_key) >= MAX_FOUND:
            break
    return list(by_key.values())


def _prose(tree: Tree) -> str:
    """The first plain text that is not empty, else the first HTML as text."""
    html: Part | None = None
    for part in tree.parts:
        if part.content_type in RETURNED_TYPES:
            break
        if part.is_multipart:
            continue
        if part.content_type == "text/html":
            html = html or part
        elif part.content_type.startswith(("text/", "multipart/")):
            text = _decoded(part)
            if text.strip():
                return text
    return to_text(_decoded(html)) if html else ""


def _decoded(part: Part) -> str:
    raw = part.content()[0][:MAX_TEXT]
    return decode(raw, part.parameters.get("charset", ""))[0].replace("\r\n", "\n").replace("\r", "\n")


def _headers_of(raw: bytes) -> Headers:
    raw = raw.lstrip(b"\r\n")
    return build(raw[: header_end(raw)[1]]).root.headers


def _headers_in(below: str) -> Headers | None:
    """The header of our mail where it was pasted below the prose, perhaps indented or quoted."""
    start = re.search(r"^[ \t>]{0,8}(?:to|from|subject|date|message-id|received|return-path): ?\S", below, re.I | re.M)
    if start is None:
        return None
    indent = len(re.match(r"[ \t>]*", start.group()).group())  # type: ignore[union-attr]
    lines = (line[indent:] for line in below[start.start() :].split("\n")[:200])
    return _headers_of("\n".join(lines).encode("utf-8", "replace"))
