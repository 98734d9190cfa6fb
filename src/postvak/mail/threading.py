"""What ties a mail to a ticket: signed tokens in Message-IDs, ticket numbers, subjects. Pure functions."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from functools import lru_cache

TOKEN = re.compile(r"pv\.([0-9a-z]{1,13})\.([0-9a-z]{1,64})\.([a-z2-7]{16})@[^@]*")
BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"
MAX_ID = 250

# Damm's quasigroup of order 10: finds every single wrong digit and every swap of neighbours.
DAMM = (
    "0317598642",
    "7092154863",
    "4206871359",
    "1750983426",
    "6123045978",
    "3674209581",
    "5869720134",
    "8945362017",
    "9438617205",
    "2581436790",
)
NUMBER = re.compile(r"20\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{6,16}")
PREFIX = re.compile(
    r"\s*(?:re|aw|antwort|antw|fwd|fw|wg|doorst|betr|sv|vs|tr|rv|rif)"
    r"\s?(?:\[\d{1,4}\]|\(\d{1,4}\)|[*^]?\d{1,4})?\s?[:\uff1a]\s*",
    re.IGNORECASE,
)


def make_message_id(ticket_id: int, *, key: bytes, domain: str, nonce: str | None = None) -> str:
    """A signed Message-ID (without <>) that names the ticket: `pv.<base36>.<nonce>.<signature>@domain`."""
    chosen = secrets.token_hex(6) if nonce is None else nonce.lower()
    if ticket_id < 0 or not re.fullmatch(r"[0-9a-z]{1,64}", chosen):
        raise ValueError("A ticket token needs a ticket id of 0 or more and a nonce of letters and digits.")
    return f"pv.{_base36(ticket_id)}.{chosen}.{_signature(ticket_id, chosen, key)}@{domain}"


def read_token(message_id: str, *, key: bytes) -> int | None:
    """The ticket id of a Message-ID that we signed, else None. Letter case, blanks and <> don't matter."""
    match = TOKEN.fullmatch(message_id.strip().strip("<>").strip().lower())
    if match is None:
        return None
    ticket_id = int(match.group(1), 36)
    right = _signature(ticket_id, match.group(2), key)
    return ticket_id if hmac.compare_digest(right, match.group(3)) else None


def _signature(ticket_id: int, nonce: str, key: bytes) -> str:
    digest = hmac.new(key, f"{ticket_id}.{nonce}".encode(), hashlib.sha256).digest()
    return base64.b32encode(digest[:10]).decode("ascii").lower()


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, rest = divmod(number, 36)
        digits = BASE36[rest] + digits
    return digits or "0"


def canonical_message_id(message_id: str) -> str:
    """The id as it is stored and compared: without <> and blanks; "sha256:…" when too long for an index."""
    plain = re.sub(r"\s+", "", message_id).strip("<>")
    if len(plain) <= MAX_ID:
        return plain
    return "sha256:" + hashlib.sha256(plain.encode("utf-8", "replace")).hexdigest()


def check_digit(digits: str) -> str:
    """Damm's check digit of a string of digits."""
    interim = 0
    for digit in digits:
        interim = int(DAMM[interim][int(digit)])
    return str(interim)


def is_ticket_number(number: str) -> bool:
    """Is it a date (YYYYMMDD, 2000-2099), a counter of five digits or more, and the right check digit?"""
    return number.isascii() and NUMBER.fullmatch(number) is not None and check_digit(number) == "0"


def numbers_in_subject(subject: str, *, hook: str = "#") -> tuple[str, ...]:
    """Valid ticket numbers in any spelling, each once; without hook, bracket or "ticket" a number is none."""
    found = (match.group("number") for match in _tag(hook).finditer(subject))
    return tuple(dict.fromkeys(number for number in found if is_ticket_number(number)))


@lru_cache(maxsize=32)
def _tag(hook: str) -> re.Pattern[str]:
    """`[#N]`, `Ticket#N`, `#N`, `Ticket: N`, `[Ticket N]`, `[N]` and the same with the configured hook."""
    own = rf"(?:{re.escape(hook.strip())})|" if hook.strip() else ""
    word = r"\bticket\s{0,3}(?:number|nummer|nr|no|id)?\s{0,3}[.:#]{0,2}\s{0,3}#?"
    return re.compile(
        rf"(?:(?P<open>\[)\s{{0,3}})?(?P<hook>{own}#|{word})?\s{{0,3}}(?<!\d)(?P<number>\d{{14,24}})(?!\d)"
        r"(?P<close>\s{0,3}\])?(?(hook)|(?(open)|(?!)))",
        re.IGNORECASE,
    )


def bare_subject(subject: str, *, hook: str = "#") -> str:
    """The subject without Re/Aw/Antw/Fwd … (repeated, numbered) and ticket numbers of ours. Never cut."""

    def drop(match: re.Match[str]) -> str:
        return " " if is_ticket_number(match.group("number")) else match.group()

    text = " ".join(subject.split())
    before = None
    while before != text:
        before = text
        text = " ".join(_tag(hook).sub(drop, text).split())
        while match := PREFIX.match(text):
            text = text[match.end() :]
    return text


def reply_subject(subject: str, number: str, *, hook: str = "#") -> str:
    """`Re: x [#number]` whatever prefixes and old numbers the subject carried."""
    return " ".join(part for part in ("Re:", bare_subject(subject, hook=hook), f"[{hook}{number}]") if part)
