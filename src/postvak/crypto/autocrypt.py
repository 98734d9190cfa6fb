"""Keys that come along with mails: Autocrypt and Autocrypt-Gossip headers (Autocrypt level 1), attached application/pgp-keys.
They are offered, never trusted by themselves."""

from __future__ import annotations

import re
from base64 import b64encode
from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Iterable, Sequence
from dataclasses import replace

from postvak.crypto import pgp_keys
from postvak.crypto.budget import Budget, Exhausted
from postvak.crypto.values import CannotRead, Key
from postvak.mail.addresses import normalise

MOST_BYTES = 40_000  # of a header
MOST_FIELDS = 100
MOST_ATTACHED = 1024 * 1024
MOST_KEYS = 20
LINE = 72
SPACE = re.compile(rb"\s+")


def of_header(headers: Sequence[tuple[str, bytes]], *, sender: str, budget: Budget | None = None) -> list[Key]:
    """The key of the one valid Autocrypt field whose addr is the sender; [] when there are several (level 1, section 2.3), of which
    none is even read. `headers`: name and raw value of every field outside. `budget`: of the mail. Never raises."""
    fields = [value for name, value in headers if name.lower() == "autocrypt"][:MOST_FIELDS]
    about = [data for value in fields if (data := _keydata(value, {sender} - {""}))]
    return _keys(about, budget or Budget()) if len(about) == 1 else []


def of_gossip(
    headers: Sequence[tuple[str, bytes]], *, recipients: Iterable[str], budget: Budget | None = None
) -> list[Key]:
    """The keys of Autocrypt-Gossip fields in an encrypted entity, for `recipients` (To and Cc) only. Never raises."""
    allowed = set(recipients) - {""}
    fields = [value for name, value in headers if name.lower() == "autocrypt-gossip"][:MOST_FIELDS]
    return _keys([data for value in fields if (data := _keydata(value, allowed))], budget or Budget())


def of_attachment(content: bytes, budget: Budget | None = None) -> list[Key]:
    """Public keys in an attached application/pgp-keys; secret parts are dropped. None when they ask for too much. Never raises."""
    if len(content) > MOST_ATTACHED:
        return []
    try:
        return pgp_keys.read_public(content, budget or Budget(), MOST_KEYS)
    except (CannotRead, Exhausted):
        return []


def _keys(every: Iterable[tuple[str, bytes]], budget: Budget) -> list[Key]:
    """Of each the one key that it holds, as far as the budget goes. It is offered for the address that came with it only, whatever
    other names are written into it."""
    keys = []
    for address, data in every:
        try:
            found = pgp_keys.read_public(data, budget, 2)
        except CannotRead:
            continue
        except Exhausted:
            break
        keys += [replace(found[0], emails=(address,))] if len(found) == 1 else []
    return keys


def _keydata(value: bytes, allowed: set[str]) -> tuple[str, bytes] | None:
    """(address, key). None for a field that isn't valid, or is about somebody else."""
    attributes = _attributes(value)
    address = normalise(attributes["addr"].decode("ascii", "replace")) if attributes else ""
    if attributes is None or address not in allowed:
        return None
    try:
        return address, a2b_base64(attributes["keydata"])
    except Base64Error:
        return None


def _attributes(value: bytes) -> dict[str, bytes] | None:
    """addr and keydata; None when one is missing, or something critical is unknown."""
    if len(value) > MOST_BYTES:
        return None
    found: dict[str, bytes] = {}
    for piece in value.split(b";"):
        name, equals, content = piece.partition(b"=")
        key = name.strip().decode("ascii", "replace")
        if not key.startswith("_"):
            if not equals or key not in {"addr", "keydata", "prefer-encrypt"} or key in found:
                return None
            found[key] = SPACE.sub(b"", content)
    return found if "addr" in found and "keydata" in found else None


def header_of(key: Key, *, address: str) -> bytes:
    """The value of an Autocrypt field that offers our own key for answers."""
    data = b64encode(key.public)
    lines = [data[start : start + LINE] for start in range(0, len(data), LINE)]
    return (
        b"addr=" + address.encode("ascii", "replace") + b"; prefer-encrypt=mutual; keydata=\r\n " + b"\r\n ".join(lines)
    )
