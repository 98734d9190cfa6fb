"""The DNS record of a DKIM key (RFC 6376 section 3.6.1): as we write it, and what is wrong with one that was found."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum

LONGEST_STRING = 255  # RFC 1035 section 3.3.14: a TXT record is made of strings of at most so many bytes
TAG = re.compile(r"\s*([a-z][a-z0-9_]*)\s*=\s*([^;]*?)\s*", re.I)


class Finding(StrEnum):
    """What DNS has under the name of a key."""

    ok = "ok"
    testing = "testing"  # the right key, with the flag t=y
    none = "none"
    several = "several"
    no_key = "no_key"  # a text that is no DKIM record
    revoked = "revoked"  # p= is empty
    other_key = "other_key"
    cut = "cut"  # the right key, but its end is missing: fields of some providers take 255 characters only
    unfit = "unfit"  # the right key with v=, k=, h= or s= that forbid our signatures
    loop = "loop"
    unreachable = "unreachable"

    @property
    def is_good(self) -> bool:
        """Receivers will find the key. A flag t=y must not make a difference to them (section 3.6.1)."""
        return self in {Finding.ok, Finding.testing}


def record_name(selector: str, domain: str) -> str:
    return f"{selector}._domainkey.{domain}"


def record_text(public: str) -> str:
    """The value of the TXT record."""
    return f"v=DKIM1; k=rsa; p={public}"


def in_strings(text: str) -> tuple[str, ...]:
    """The value in pieces, for name servers that want it so."""
    return tuple(text[start : start + LONGEST_STRING] for start in range(0, len(text), LONGEST_STRING))


def judge(records: Sequence[str], public: str) -> Finding:
    """What a verifier will make of the TXT records under the key's name. Any text there counts: there may be one only
    (section 3.6.2.2)."""
    if not records:
        return Finding.none
    if len(records) > 1:
        return Finding.several
    tags = read_tags(records[0])
    if "p" not in tags:
        return Finding.no_key
    return judge_tags(tags, public)


def judge_tags(tags: dict[str, str], public: str) -> Finding:
    found = re.sub(r"\s+", "", tags["p"])
    if not found:
        return Finding.revoked
    if found != public:
        return Finding.cut if public.startswith(found) else Finding.other_key
    if not is_fit(tags):
        return Finding.unfit
    return Finding.testing if "y" in words(tags.get("t", "")) else Finding.ok


def is_fit(tags: dict[str, str]) -> bool:
    """May this record's key verify a signature of ours: rsa-sha256, of a mail?"""
    hashes, services = words(tags.get("h", "sha256")), words(tags.get("s", "*"))
    right_kind = tags.get("v", "DKIM1") == "DKIM1" and tags.get("k", "rsa").lower() == "rsa"
    return right_kind and "sha256" in hashes and bool(services & {"*", "email"})


def words(value: str) -> set[str]:
    return {word.strip().lower() for word in value.split(":")}


def read_tags(text: str) -> dict[str, str]:
    """`name=value; …`, the first of each name; a text that isn't made of these gives {}."""
    tags: dict[str, str] = {}
    for piece in text.split(";"):
        match = TAG.fullmatch(piece)
        if match:
            tags.setdefault(match.group(1).lower(), match.group(2))
        elif piece.strip():
            return {}
    return tags
