"""Where the provider of an address publishes its OpenPGP key: Web Key Directory (draft-koch-openpgp-webkey-service, section 3.1).

Only the places; whoever fetches from them goes through the guards of net/, and what comes is offered, not trusted.
"""

from __future__ import annotations

from hashlib import sha1
from urllib.parse import quote

from postvak.mail.addresses import ascii_domain

ALPHABET = "ybndrfg8ejkmcpqxot1uwisza345h769"


def places(email: str) -> tuple[str, ...]:
    """The addresses to ask, the better one first; () for what is no address."""
    name, at, domain = email.strip().rpartition("@")
    host = ascii_domain(domain).lower()
    if not (name and at and host):
        return ()
    digest = sha1(name.lower().encode(), usedforsecurity=False).digest()
    tail = f"hu/{z_base_32(digest)}?l={quote(name, safe='')}"
    way = ".well-known/openpgpkey"
    return f"https://openpgpkey.{host}/{way}/{host}/{tail}", f"https://{host}/{way}/{tail}"


def z_base_32(content: bytes) -> str:
    """Of whole groups of five bytes, as digests of 20 bytes are (RFC 6189 section 5.1.6)."""
    number = int.from_bytes(content, "big")
    return "".join(ALPHABET[(number >> shift) & 31] for shift in range(8 * len(content) - 5, -1, -5))
