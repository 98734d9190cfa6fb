"""An older and a newer copy of an OpenPGP key made one: what only one of them knows (a subkey, a withdrawn name, a revocation, a
longer life) is never lost, whichever came last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from postvak.crypto import pgp_keys
from postvak.crypto.pgp_certificate import PRIMARIES, SUBKEYS
from postvak.crypto.pgp_ciphers import Unsupported
from postvak.crypto.pgp_material import SECRET_TAGS, read_public
from postvak.crypto.pgp_packets import Malformed, Packet, Tag, packets, written
from postvak.crypto.values import CannotRead, Key

NAMES = (Tag.user_id, Tag.user_attribute)
Name = tuple[str, bytes]


def merged(old: bytes, new: bytes) -> bytes:
    """The packets of both, each once; of a key packet the secret form. Both must be copies of one key (of another, or of what can't
    be read, nothing is taken: `old`). b"" merges with anything."""
    if not old or not new:
        return old or new
    try:
        first, second = packets(old), packets(new)
    except Malformed:
        return old
    if _name(first[0]) != _name(second[0]) or first[0].tag not in PRIMARIES:
        return old
    owners: dict[Name, dict[Packet, None]] = {}
    secrets: dict[Name, Packet] = {}
    for every in (first, second):
        _gather(every, owners, secrets)
    found = []
    for name in sorted(owners, key=_order):
        owner, *followers = owners[name]
        found += [secrets.get(name, owner), *followers]
    return b"".join(written(one.tag, one.body) for one in found)


def grown(old: Key, new: Key) -> Key:
    """The key with everything that both copies know; `new` where somebody padded one so that nobody understands both together."""
    public = merged(old.public, new.public)
    private = merged(old.private, new.private)
    try:
        [found] = pgp_keys.read_public(public)
    except (CannotRead, ValueError):
        return replace(new, private=private, is_revoked=old.is_revoked or new.is_revoked)
    return replace(found, private=merged(private, public) if private else b"")


def _gather(every: Sequence[Packet], owners: dict[Name, dict[Packet, None]], secrets: dict[Name, Packet]) -> None:
    """Into groups that begin with a key or name; signatures and whatever else follow their owner."""
    name = _name(every[0])
    for packet in every:
        if packet.tag in PRIMARIES | SUBKEYS or packet.tag in NAMES:
            name = _name(packet)
            owners.setdefault(name, {packet: None})
            if packet.tag in SECRET_TAGS:
                secrets[name] = packet
        else:
            owners[name][packet] = None


def _name(packet: Packet) -> Name:
    """What makes a key the same, public or secret; of anything else all of it."""
    if packet.tag in PRIMARIES | SUBKEYS:
        try:
            return ("primary" if packet.tag in PRIMARIES else "subkey"), read_public(packet)[0].body
        except (Malformed, Unsupported):
            return "unknown", packet.body
    return str(int(packet.tag)), packet.body


def _order(name: Name) -> int:
    """As section 10.1 wants it; otherwise as they came."""
    return {"primary": 0, str(int(Tag.user_id)): 1, str(int(Tag.user_attribute)): 2}.get(name[0], 3)
