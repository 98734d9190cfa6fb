"""Signed tokens in addresses of ours: the return path of a mail that we sent (VERP), and `support+<token>@…`.

`pv-m2s-<signature>` names message 2s (base 36), `pv-t2s-<signature>` ticket 2s. Pure functions; lower case only, because
some servers change the case of local parts. Where delivery reports go is the channel's `return_path`: "" (the address
that the mail is from), "bounces@example.org" (a token is put behind a +) or "@bounce.example.org" (the token is the name).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from enum import StrEnum

from postvak.mail.addresses import is_valid_recipient, normalise
from postvak.mail.threading import base36

LONGEST_LOCAL = 64  # octets, RFC 5321 section 4.5.3.1.1
LONGEST_TOKEN = 34
TOKEN = re.compile(r"(?:[^@]*\+)?pv-([mt])([0-9a-z]{1,13})-([a-z2-7]{16})@[^@]+")


class Kind(StrEnum):
    """What a token names."""

    MESSAGE = "m"
    TICKET = "t"


@dataclass(frozen=True, slots=True)
class Named:
    """The row that an address of ours names, proven by our signature."""

    kind: Kind
    id: int


def make_token(named: Named, *, key: bytes) -> str:
    """At most LONGEST_TOKEN letters, digits and hyphens."""
    if named.id < 0:
        raise ValueError("A token names a row of ours.")
    return f"pv-{named.kind}{base36(named.id)}-{_signature(named, key)}"


def make(policy: str, message_id: int, *, key: bytes) -> str:
    """The envelope sender of message `message_id` by the channel's policy; "" when it has none."""
    local, at, domain = policy.strip().lower().rpartition("@")
    if not at:
        return ""
    token = make_token(Named(Kind.MESSAGE, message_id), key=key)
    return f"{local}+{token}@{domain}" if local else f"{token}@{domain}"


def read(address: str, *, key: bytes) -> Named | None:
    """What an address names, else None. Letter case and <> don't matter, nor what stands before the + ."""
    match = TOKEN.fullmatch(address.strip().strip("<>").lower())
    if match is None:
        return None
    named = Named(Kind(match.group(1)), int(match.group(2), 36))
    return named if hmac.compare_digest(_signature(named, key), match.group(3)) else None


def is_policy(text: str) -> bool:
    """Is this a return path: "", an address with room for a token and no + of its own, or "@" and a domain?"""
    if not text:
        return True
    local, at, _domain = text.rpartition("@")
    if not at or not normalise(text).isascii():
        return False
    if not local:
        return is_valid_recipient(f"x{text}")
    return is_valid_recipient(text) and "+" not in local and len(local) < LONGEST_LOCAL - LONGEST_TOKEN


def _signature(named: Named, key: bytes) -> str:
    """Another purpose than that of Message-IDs, so that none is good for the other (RFC 2104)."""
    digest = hmac.new(key, f"address.{named.kind}.{named.id}".encode(), hashlib.sha256).digest()
    return base64.b32encode(digest[:10]).decode("ascii").lower()
