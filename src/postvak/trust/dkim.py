"""DKIM signatures of a mail (RFC 6376, 8301, 8463), checked on the very bytes that are stored.

Stricter than the RFC where a signature would prove less than people think: one that covers only the beginning of the body (l=)
counts for nothing, nor does SHA-1 or an RSA key below 1024 bits.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from postvak.net.answers import Ask
from postvak.trust.canonical import Letter, body_hash, header_line, value_of
from postvak.trust.keys import DIGITS, NAME, Refused, bytes_of, find_key, tags_of, verify
from postvak.trust.values import Result, Signature

SIGNATURES = 5  # that are looked at, those of the author's domain first: each is a question to a name server
SIGNED_LINES = 1000
ALGORITHMS = {"rsa-sha256": "rsa", "ed25519-sha256": "ed25519"}
REQUIRED = frozenset({"v", "a", "b", "bh", "d", "h", "s"})
VALUE = re.compile(rb"(?:(?<=;)|^)([ \t\r\n]*b[ \t\r\n]*=)[^;]*")
CANONICAL = {"simple", "relaxed"}


@dataclass(frozen=True, slots=True)
class Claim:
    """What a signature says of itself, checked for sense."""

    line: bytes
    domain: str
    selector: str
    algorithm: str
    header: str
    body: str
    names: tuple[bytes, ...]
    body_hash: bytes
    signature: bytes
    length: int | None = None
    identity: str = ""


def check_signatures(letter: Letter, ask: Ask, *, author: str, at: datetime) -> tuple[Signature, ...]:
    """At most SIGNATURES of them, judged. `author`: domain of the author; `at`: when the mail came."""
    lines = letter.named(b"dkim-signature")
    ordered = sorted(lines, key=lambda line: 0 if author and author.encode() in line.lower() else 1)
    return tuple(check(letter, line, ask, at) for line in ordered[:SIGNATURES])


def check(letter: Letter, line: bytes, ask: Ask, at: datetime) -> Signature:
    domain = selector = ""
    try:
        tags = tags_of(value_of(line).decode("utf-8", "replace"))
        domain, selector = name_in(tags, "d"), name_in(tags, "s")
        if not tags.keys() >= REQUIRED or tags["v"] != "1":
            raise Refused(Result.permerror, "syntax")
        claim = claim_of(line, tags)
        check_times(tags, at)
        check_body(letter, claim)
        check_header(letter, claim, ask)
    except Refused as refused:
        return Signature(domain, selector, refused.result, refused.why)
    return Signature(
        domain, selector, Result.passed, covers=tuple(name.decode("ascii", "replace") for name in claim.names)
    )


def name_in(tags: dict[str, str], tag: str) -> str:
    found = tags.get(tag, "").rstrip(".").lower()
    return found if NAME.fullmatch(found) and len(found) <= 253 else ""


def claim_of(line: bytes, tags: dict[str, str]) -> Claim:
    """Of a DKIM-Signature, or an ARC-Message-Signature. Raises Refused."""
    algorithm = ALGORITHMS.get(tags["a"].lower())
    if algorithm is None:
        raise Refused(Result.permerror, "algorithm")
    header, _slash, body = (part.strip() for part in tags.get("c", "simple").lower().partition("/"))
    names = tuple(name.strip().lower().encode() for name in tags["h"].split(":"))[: SIGNED_LINES + 1]
    domain, selector = name_in(tags, "d"), name_in(tags, "s")
    is_sound = domain and selector and len(names) <= SIGNED_LINES and {header, body or "simple"} <= CANONICAL
    if not is_sound or "dns/txt" not in tags.get("q", "dns/txt").lower():
        raise Refused(Result.permerror, "syntax")
    if b"from" not in names:
        raise Refused(Result.permerror, "from_not_signed")
    identity = tags.get("i", "").rpartition("@")[2].lower().rstrip(".") if "@" in tags.get("i", "") else ""
    if identity and not is_within(identity, domain):
        raise Refused(Result.permerror, "syntax")
    return Claim(
        line, domain, selector, algorithm, header, body or "simple", names,
        bytes_of(tags["bh"]), bytes_of(tags["b"]), length_of(tags), identity,
    )  # fmt: skip


def is_within(name: str, domain: str) -> bool:
    return name == domain or name.endswith(f".{domain}")


def length_of(tags: dict[str, str]) -> int | None:
    if "l" not in tags:
        return None
    if not DIGITS.fullmatch(tags["l"]):
        raise Refused(Result.permerror, "syntax")
    return int(tags["l"])


def check_times(tags: dict[str, str], at: datetime) -> None:
    """x= counts at the moment when the mail came: it may be looked at years later."""
    times = [tags[name] for name in ("t", "x") if name in tags]
    if not all(DIGITS.fullmatch(one) for one in times):
        raise Refused(Result.permerror, "syntax")
    if "x" in tags and int(tags["x"]) < int(at.timestamp()):
        raise Refused(Result.failed, "expired")
    if len(times) == 2 and int(tags["x"]) < int(tags["t"]):
        raise Refused(Result.permerror, "syntax")


def check_body(letter: Letter, claim: Claim) -> None:
    found, is_whole = body_hash(letter, claim.body, claim.length)
    if found != claim.body_hash:
        raise Refused(Result.failed, "body")
    if not is_whole:
        raise Refused(Result.failed, "partial")


def check_header(letter: Letter, claim: Claim, ask: Ask) -> None:
    key = find_key(ask, claim.selector, claim.domain, claim.algorithm)
    if key.is_strict and claim.identity not in {"", claim.domain}:
        raise Refused(Result.permerror, "key")
    verify(key, claim.signature, signed_data(letter, claim))


def signed_data(letter: Letter, claim: Claim) -> bytes:
    """Section 3.7: the named lines, of equal ones the lowest first, and the signature's own line without its value."""
    waiting: dict[bytes, list[bytes]] = {}
    for name, line in letter.lines:
        waiting.setdefault(name, []).append(line)
    taken = [waiting[name].pop() for name in claim.names if waiting.get(name)]
    lines = [header_line(line, claim.header) + b"\r\n" for line in taken]
    return b"".join(lines) + header_line(without_value(claim.line), claim.header)


def without_value(line: bytes) -> bytes:
    """The signature's line with an empty b=."""
    name, colon, value = line.partition(b":")
    return name + colon + VALUE.sub(rb"\1", value, count=1)
