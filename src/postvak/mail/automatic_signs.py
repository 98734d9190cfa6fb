"""What the checks of `automatic` look at, and plain questions about it: who sent it, what do the headers say."""

from __future__ import annotations

import re
from dataclasses import dataclass

from postvak.mail.automatic_words import QUOTE_BELOW
from postvak.mail.headers import Headers
from postvak.mail.values import Mail

DAEMON = re.compile(
    r"[\s\"'<]{0,20}(?:mailer[-_. ]?daemon|mail-?daemon|mdaemon|mail[-. ]?system|e?mail[. _-]?delivery|delivery[- ]?sub|"
    r"internet mail delivery|system administrator|systemadministrator|systeembeheer|microsoft outlook$|mail administrator|"
    r"mail router|mail[ -]?gateway|bounce[sd]?(?:\b|[-+_=]))",
    re.I,
)
MAILER_DAEMON = re.compile(
    r"[\s\"'<]{0,20}(?:mailer[-_. ]?daemon|mail-?daemon|mail[-. ]delivery[-. ](?:sub)?system)(?:\W|$)", re.I
)
POSTMASTER = re.compile(r"[\s\"'<]{0,20}(?:postmaster|post_master|mailmaster|mailadmin)(?:\W|$)", re.I)
NOREPLY = re.compile(
    r"(?:[\w.+-]{0,40}[.+_-])?(?:no-?_?\.?reply|do-?_?\.?not-?_?\.?reply|donotreply|niet-?beantwoorden|geen-?antwoord|"
    r"keine-?antwort|nicht-?antworten|ne-?pas-?repondre|no-?responder|non-?rispondere)(?:[.+_=-][\w.+=-]{0,60})?@",
    re.I,
)
LIST_ROLE = re.compile(
    r"(?:majordomo|listserv|mailman|ezmlm|sympa|listmaster|postmaster)@|[^@]{1,60}[-.](?:admin|owner|request|bounces|help|ctl)@|owner-",
    re.I,
)
SUPPRESS_ALL = {"all", "oof", "autoreply"}
TOP = 1500


@dataclass(frozen=True, slots=True)
class Signs:
    """What the checks look at. `types` are (content type, "method" parameter) of all parts.

    `author` is the e-mail address of From, or the whole text of From when it holds none.
    `text` is the text of the mail; only its first 64 KB are looked at.
    """

    headers: Headers
    report_type: str
    types: tuple[tuple[str, str], ...]
    author: str
    subject: str
    text: str = ""

    @property
    def top(self) -> str:
        """What the writer himself put at the top: at most 1,500 characters, up to the mail that he quotes."""
        return top_of(self.text)


def machine_sender(signs: Signs) -> str:
    """null, daemon, postmaster, noreply, or '' for anybody else."""
    written = signs.headers.text("from")
    if has_null_sender(signs.headers) or written.strip() == "<>":
        return "null"
    if DAEMON.match(signs.author) or DAEMON.match(written):
        return "daemon"
    if POSTMASTER.match(signs.author):
        return "postmaster"
    return "noreply" if NOREPLY.match(signs.author) else ""


def suppresses(headers: Headers) -> bool:
    if "x-auto-response-suppress" not in headers:
        return False
    return bool(set(re.split(r"[,;\s]+", headers.text("x-auto-response-suppress").lower())) & SUPPRESS_ALL)


def has_null_sender(headers: Headers) -> bool:
    return headers.raw("return-path").strip() in (b"<>", b"<#@[]>", b"<MAILER-DAEMON>")


def is_noreply(mail: Mail) -> bool:
    """Nobody reads answers: the address says so, and no other address is given for them."""
    author = mail.author.email if mail.author else ""
    return bool(NOREPLY.match(author)) and all(NOREPLY.match(one.email) for one in mail.reply_to)


def is_machine_address(email: str) -> bool:
    """Nobody reads what is sent there: mailer-daemon, postmaster, no-reply and their like."""
    return any(pattern.match(email) for pattern in (DAEMON, POSTMASTER, NOREPLY))


def top_of(text: str) -> str:
    start = text[:TOP]
    quote = QUOTE_BELOW.search(start)
    return start[: quote.start()] if quote else start


def word_of(headers: Headers, name: str) -> str:
    """The first word of a header in lower case, without comments and parameters."""
    if name not in headers:
        return ""
    found = re.split(r"[\s;,(]", headers.text(name).lower(), maxsplit=1)
    return found[0][:100]
