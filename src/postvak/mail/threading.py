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
DATE_NUMBER = re.compile(r"20[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{6,16}")
RANDOM_NUMBER = re.compile(r"[1-9][0-9]{10}")
PLAIN_NUMBER = re.compile(r"[0-9]{5,10}")
MAX_CANDIDATES = 20  # a subject full of numbers must not make a huge query
HOOK = re.compile(r"[^\d\[\]\x00-\x1f\x7f]{0,20}")

FORWARDED = r"fwd|fw|wg|doorst|doorgest|tr|rv|vb|pd|enc|[iİ]lt|转发|轉寄|轉發|転送|전달|πρθ|пересл"
ANSWERED = r"re|aw|antwort|antw|betr|sv|vs|rif|ref|res|odp|ynt|vá|bls|回复|回覆|答复|答覆|返信|회신|답장|απ|σχετ|отв|ответ|השב|رد"
PREFIX = re.compile(
    rf"\s*(?:(?P<forwarded>{FORWARDED})|{ANSWERED})"
    r"\s?(?:\[\d{1,4}\]|\(\d{1,4}\)|[*^]?\d{1,4})?\s?[:\uff1a]\s*",
    re.IGNORECASE,
)


def make_message_id(ticket_id: int, *, key: bytes, domain: str, nonce: str | None = None) -> str:
    """A signed Message-ID (without <>) that names the ticket: `pv.<base36>.<nonce>.<signature>@domain`."""
    chosen = secrets.token_hex(6) if nonce is None else nonce.lower()
    if ticket_id < 0 or not re.fullmatch(r"[0-9a-z]{1,64}", chosen):
        raise ValueError("A ticket token needs a ticket id of 0 or more and a nonce of letters and digits.")
    return f"pv.{base36(ticket_id)}.{chosen}.{_signature(ticket_id, chosen, key)}@{domain}"


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


def base36(number: int) -> str:
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
    """Has it the form of a number with a check digit (date and counter, or random), and is that digit right?"""
    has_form = DATE_NUMBER.fullmatch(number) or RANDOM_NUMBER.fullmatch(number)
    return has_form is not None and check_digit(number) == "0"


def is_hook(text: str) -> bool:
    """Can `text` stand before a number? Digits and brackets would hide where the number begins, "Re:" what it is."""
    plain = text.strip().lower()
    is_part_of_prefix = bool(plain) and "fwd: re:".endswith(plain)
    return HOOK.fullmatch(text) is not None and not is_part_of_prefix


def numbers_in_subject(subject: str, *, hook: str = "#") -> tuple[str, ...]:
    """What may be ticket numbers, in any spelling, each once; the database knows which of them exist.

    A number with a check digit needs a hook, a bracket or the word "ticket" before it, and the right digit. A short one
    (five to ten digits) has none, so it needs the hook or that word.
    """
    found: dict[str, None] = {}
    for match in _tag(hook).finditer(subject):
        if is_ticket_number(match["number"]) or _is_plain(match, hook):
            found[match["number"]] = None
        if len(found) == MAX_CANDIDATES:
            break
    return tuple(found)


def _is_plain(match: re.Match[str], hook: str) -> bool:
    """A short number, written as we write it."""
    if PLAIN_NUMBER.fullmatch(match["number"]) is None:
        return False
    return bool(match["hook"]) or (not hook.strip() and match["close"] is not None)


@lru_cache(maxsize=32)
def _tag(hook: str) -> re.Pattern[str]:
    """`[#N]`, `Ticket#N`, `#N`, `Ticket: N`, `[Ticket N]`, `[N]` and the same with the configured hook."""
    own = rf"(?:{re.escape(hook.strip())})|" if hook.strip() else ""
    word = r"\bticket\s{0,3}(?:number|nummer|nr|no|id)?\s{0,3}[.:#\uff03]{0,2}\s{0,3}#?"
    return re.compile(
        rf"(?:(?P<open>\[)\s{{0,3}})?(?P<hook>{own}[#\uff03]|{word})?\s{{0,3}}(?<!\d)(?P<number>[0-9]{{5,24}})(?!\d)"
        r"(?P<close>\s{0,3}\])?(?(hook)|(?(open)|(?!)))",
        re.IGNORECASE,
    )


def bare_subject(subject: str, *, hook: str = "#", number: str = "") -> str:
    """The subject without Re/Aw/Antw/Fwd … (repeated, numbered), the ticket's own `number` and other numbers of ours.

    Never cut: a short number that isn't the ticket's own may be anything, so it stays.
    """
    text, before = " ".join(subject.split()), None
    while before != text:
        before = text
        text = _without_numbers(text, hook, number)
        end = 0
        while match := PREFIX.match(text, end):
            end = match.end()
        text = text[end:]
    return text


def _without_numbers(text: str, hook: str, number: str) -> str:
    def drop(match: re.Match[str]) -> str:
        return " " if match["number"] == number or _is_ours(match) else match.group()

    return " ".join(_tag(hook).sub(drop, text).split())


def _is_ours(match: re.Match[str]) -> bool:
    """A date makes a number ours for sure; one of eleven random digits only within brackets, as we write it."""
    if not is_ticket_number(match["number"]):
        return False
    is_bracketed = bool(match["open"] and match["hook"] and match["close"])
    return is_bracketed or DATE_NUMBER.fullmatch(match["number"]) is not None


def reply_subject(subject: str, number: str, *, hook: str = "#", place: str = "right") -> str:
    """`Re: x [#number]` whatever prefixes and old numbers the subject carried."""
    return numbered(f"Re: {bare_subject(subject, hook=hook, number=number)}", number, hook=hook, place=place)


def written_subject(subject: str, number: str, *, hook: str = "#", place: str = "right") -> str:
    """A subject as an agent wrote it: his Re: or Fwd: stays (once), and none is added."""
    first = PREFIX.match(_without_numbers(subject, hook, number))
    word = ("Fwd: " if first["forwarded"] else "Re: ") if first else ""
    return numbered(f"{word}{bare_subject(subject, hook=hook, number=number)}", number, hook=hook, place=place)


def numbered(text: str, number: str, *, hook: str = "#", place: str = "right") -> str:
    """`text` with `[#number]` at its "right", at its "left", or ("none") without it."""
    tag = f"[{hook}{number}]"
    parts = {"right": (text.strip(), tag), "left": (tag, text.strip())}.get(place, (text.strip(),))
    return " ".join(part for part in parts if part)
