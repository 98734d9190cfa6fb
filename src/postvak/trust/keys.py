"""Public keys of DKIM and ARC in DNS (RFC 6376 section 3.6, RFC 8301, RFC 8463), and the check of a signature with one."""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as NotBase64
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from postvak.mail.dkim_record import words
from postvak.net.answers import Ask
from postvak.trust.values import Result

TAG = re.compile(r"\s*([A-Za-z][A-Za-z0-9_]*)\s*=(.*)", re.S)
BLANK = re.compile(r"\s+")
DIGITS = re.compile(r"[0-9]{1,18}")
NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?")
FEWEST_BITS, MOST_BITS = 1024, 8192  # RFC 8301 section 3.2; a larger one only costs time
RECORDS = 3  # texts under one name that are looked at: there may be one only
LONGEST_LIST = 64 * 1024

PublicKey = RSAPublicKey | Ed25519PublicKey


class Refused(Exception):
    """The signature isn't good. `why` as in values.Signature."""

    def __init__(self, result: Result, why: str) -> None:
        super().__init__(why)
        self.result, self.why = result, why


@dataclass(frozen=True, slots=True)
class Key:
    public: PublicKey
    algorithm: str  # rsa or ed25519
    is_strict: bool  # t=s: no identity below the domain


def tags_of(text: str) -> dict[str, str]:
    """`name=value; …` (section 3.2). Raises Refused for a text that isn't made of these, or names one twice."""
    tags: dict[str, str] = {}
    for piece in text[:LONGEST_LIST].split(";"):
        match = TAG.fullmatch(piece)
        if match is None and not piece.strip():
            continue
        if match is None or match.group(1) in tags:
            raise Refused(Result.permerror, "syntax")
        tags[match.group(1)] = match.group(2).strip()
    return tags


def bytes_of(text: str) -> bytes:
    """Base64 with blanks anywhere. Raises Refused."""
    try:
        return b64decode(BLANK.sub("", text).encode("ascii"), validate=True)
    except (NotBase64, ValueError) as error:
        raise Refused(Result.permerror, "syntax") from error


def find_key(ask: Ask, selector: str, domain: str, algorithm: str) -> Key:
    """The key under that name, fit for `algorithm`. Raises Refused."""
    answer = ask(f"{selector}._domainkey.{domain}")
    if answer.has_failed:
        raise Refused(Result.temperror, "unreachable")
    last = Refused(Result.permerror, "no_key")
    for text in answer.values[:RECORDS]:
        try:
            return read_key(text, algorithm)
        except Refused as error:
            last = error
    raise last


def read_key(text: str, algorithm: str) -> Key:
    tags = tags_of(text)
    if "p" not in tags or tags.get("v", "DKIM1") != "DKIM1":
        raise Refused(Result.permerror, "no_key" if "p" not in tags and "v" not in tags else "key")
    kind = tags.get("k", "rsa").lower()
    if not tags["p"]:
        raise Refused(Result.permerror, "revoked")
    fits = "sha256" in words(tags.get("h", "sha256")) and words(tags.get("s", "*")) & {"*", "email"}
    if kind != algorithm or not fits:
        raise Refused(Result.permerror, "key")
    public = ed25519_key(bytes_of(tags["p"])) if kind == "ed25519" else rsa_key(bytes_of(tags["p"]))
    return Key(public, kind, "s" in words(tags.get("t", "")))


def ed25519_key(raw: bytes) -> Ed25519PublicKey:
    """32 bytes (RFC 8463 section 4.2); some publish the whole structure all the same."""
    try:
        key = Ed25519PublicKey.from_public_bytes(raw) if len(raw) == 32 else load_der_public_key(raw)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Refused(Result.permerror, "key") from error
    if not isinstance(key, Ed25519PublicKey):
        raise Refused(Result.permerror, "key")
    return key


def rsa_key(raw: bytes) -> RSAPublicKey:
    if len(raw) > MOST_BITS // 8 + 64:
        raise Refused(Result.permerror, "key")
    try:
        key = load_der_public_key(raw)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Refused(Result.permerror, "key") from error
    if not isinstance(key, RSAPublicKey):
        raise Refused(Result.permerror, "key")
    if key.key_size < FEWEST_BITS:
        raise Refused(Result.permerror, "weak")
    return key


def verify(key: Key, signature: bytes, data: bytes) -> None:
    """Raises Refused. Ed25519 signs the hash of what is signed (RFC 8463 section 3)."""
    try:
        if isinstance(key.public, RSAPublicKey):
            key.public.verify(signature, data, PKCS1v15(), hashes.SHA256())
        else:
            key.public.verify(signature, sha256(data).digest())
    except InvalidSignature as error:
        raise Refused(Result.failed, "header") from error
