"""An OpenPGP key with its names and subkeys, as far as it vouches for them itself (RFC 9580 sections 5.2.3.10 and 10.1).

Only what the primary key signed counts: anybody can append names, subkeys and signatures to somebody else's key.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import islice

from postvak.crypto.budget import Budget
from postvak.crypto.pgp_ciphers import Unsupported
from postvak.crypto.pgp_material import ENCRYPTING, SECRET_TAGS, SIGNING, Public, read_public
from postvak.crypto.pgp_packets import Malformed, Packet, Tag, packets
from postvak.crypto.pgp_signature import CERTIFICATIONS, Signature, Sort, fits, of_subkey, of_user_id, read_signature

PRIMARIES = frozenset({Tag.public_key, Tag.secret_key})
SUBKEYS = frozenset({Tag.public_subkey, Tag.secret_subkey})
CERTIFY, SIGN, ENCRYPT = 1, 2, 4 | 8  # key flags (section 5.2.3.29)
MD5 = 1
SOFT = frozenset({1, 3})  # reasons of a revocation: superseded, no longer used. What it signed before still counts
MOST_CHECKS = 2000  # of its own signatures: with more the key is refused, as leaving some out could lose a revocation
MOST_KEYS = 500
MOST_USER_IDS = 200
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Part:
    """The primary key or a subkey. `tail`: the secret part of its packet, b"" if there is none."""

    public: Public
    packet: Packet
    flags: int
    tail: bytes = b""
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    is_compromised: bool = False  # revoked, and nothing that it ever signed counts
    is_weak: bool = False  # a short key, or one that is held together by SHA-1: nothing new is made with it

    @property
    def can_sign(self) -> bool:
        return bool(self.flags & SIGN) and self.public.algorithm in SIGNING

    @property
    def can_encrypt(self) -> bool:
        return bool(self.flags & ENCRYPT) and self.public.algorithm in ENCRYPTING

    def is_expired(self, at: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= at

    def is_revoked(self, at: datetime | None = None) -> bool:
        """At all, or for a signature of that time."""
        if self.revoked_at is None:
            return False
        return self.is_compromised or at is None or at >= self.revoked_at


@dataclass(frozen=True, slots=True)
class Certificate:
    """`user_ids`: those that it vouches for and didn't take back, the primary one first."""

    primary: Part
    subkeys: tuple[Part, ...]
    user_ids: tuple[str, ...]
    packets: tuple[Packet, ...]

    @property
    def parts(self) -> tuple[Part, ...]:
        return (self.primary, *self.subkeys)

    def part_of(self, name: str) -> Part | None:
        """By key id or fingerprint."""
        return next((part for part in self.parts if name in (part.public.key_id, part.public.fingerprint)), None)


@dataclass(slots=True)
class _Owner:
    """What the signatures that follow are about."""

    packet: Packet
    signatures: list[Signature] = field(default_factory=list)


@dataclass(slots=True)
class _Checks:
    """Checks the signatures of one key, as many as it may ask for. `budget`: of the mail that it came with."""

    budget: Budget | None
    left: int = MOST_CHECKS

    def is_true(self, signature: Signature, signer: Public, content: bytes) -> bool:
        """Raises Exhausted, Malformed."""
        if self.budget:
            self.budget.check()
        self.left -= 1
        if self.left < 0:
            raise Malformed("a key with more signatures than anybody needs")
        try:
            return fits(signature, signer, content)
        except (Malformed, Unsupported):
            return False


def read_certificates(content: bytes, budget: Budget | None = None, most: int = MOST_KEYS) -> list[Certificate]:
    """Every key that can be read. Raises Malformed when not even the packets can; keys that we don't understand are left out.
    `budget`: of the mail that they came with; raises Exhausted."""
    found = []
    for group in _groups(packets(content))[:most]:
        try:
            found.append(_read(group, _Checks(budget)))
        except (Malformed, Unsupported):
            continue
    return found


def _groups(every: Sequence[Packet]) -> list[list[Packet]]:
    """One list of packets for each primary key."""
    groups: list[list[Packet]] = []
    for packet in every:
        if packet.tag in PRIMARIES:
            groups.append([])
        if groups:
            groups[-1].append(packet)
    return groups


def _read(group: Sequence[Packet], checks: _Checks) -> Certificate:
    public, tail = read_public(group[0])
    owners = _owned(group, public)
    asked = [owner for owner in owners if owner.packet.tag in {Tag.user_id, Tag.user_attribute}]
    named = [(owner, best) for owner in asked[:MOST_USER_IDS] if (best := _vouched(owner, public, checks))]
    direct = list(islice(_newest(owners[0], public, frozenset({Sort.direct}), public.hashed(), checks), 1))
    if not direct and not named:
        raise Malformed("a key that vouches for nothing")
    said = [*direct, *sorted((best for _owner, best in named), key=_age)[-1:]]
    revocations = list(_newest(owners[0], public, frozenset({Sort.revocation}), public.hashed(), checks))
    primary = _part(owners[0], public, tail, said, revocations)
    names = sorted((pair for pair in named if pair[0].packet.tag == Tag.user_id), key=_rank)
    return Certificate(
        primary=primary,
        subkeys=tuple(_subkeys(owners, public, checks)),
        user_ids=tuple(owner.packet.body.decode("utf-8", "replace") for owner, _best in names),
        packets=tuple(group),
    )


def _age(signature: Signature) -> datetime:
    return signature.created_at or BEGINNING


def _rank(pair: tuple[_Owner, Signature]) -> tuple[bool, timedelta]:
    """The primary one first, then the newest."""
    return not pair[1].is_primary, BEGINNING - _age(pair[1])


def _owned(group: Sequence[Packet], primary: Public) -> list[_Owner]:
    owners = [_Owner(group[0])]
    for packet in group[1:]:
        if packet.tag == Tag.signature:
            signature = _by_itself(packet, primary)
            if signature is not None:
                owners[-1].signatures.append(signature)
        elif packet.tag in SUBKEYS or packet.tag in {Tag.user_id, Tag.user_attribute}:
            owners.append(_Owner(packet))
    return owners


def _by_itself(packet: Packet, primary: Public) -> Signature | None:
    """None for what others say about the key, and what can't be read."""
    try:
        signature = read_signature(packet.body)
    except (Malformed, Unsupported):
        return None
    is_own = not signature.issuers or primary.key_id in signature.issuers or primary.fingerprint in signature.issuers
    return signature if is_own and signature.is_understood and signature.hash != MD5 else None


def _newest(
    owner: _Owner, signer: Public, sorts: frozenset[int], content: bytes, checks: _Checks
) -> Iterator[Signature]:
    """The signatures of these sorts that are true, the newest first."""
    wanted = sorted((one for one in owner.signatures if one.sort in sorts), key=_age, reverse=True)
    return (signature for signature in wanted if checks.is_true(signature, signer, content))


def _vouched(owner: _Owner, primary: Public, checks: _Checks) -> Signature | None:
    """The newest signature by which the key takes the name on, if it didn't take it back later."""
    is_image = owner.packet.tag == Tag.user_attribute
    for signature in sorted(owner.signatures, key=_age, reverse=True):
        if signature.sort not in CERTIFICATIONS | {Sort.id_revocation}:
            continue
        if checks.is_true(signature, primary, of_user_id(primary, signature, owner.packet.body, is_image=is_image)):
            return signature if signature.sort in CERTIFICATIONS else None
    return None


def _part(
    owner: _Owner, public: Public, tail: bytes, said: Sequence[Signature], revocations: Sequence[Signature]
) -> Part:
    lives = next((one.key_lives for one in said if one.key_lives), None)
    flags = next((one.flags for one in said if one.flags is not None), None)
    return Part(
        public=public,
        packet=owner.packet,
        flags=_flags_by_algorithm(public) if flags is None else flags,
        tail=tail if owner.packet.tag in SECRET_TAGS else b"",
        expires_at=public.created_at + lives if lives else None,
        revoked_at=min(map(_age, revocations)) if revocations else None,
        is_compromised=any(one.reason not in SOFT for one in revocations),
        is_weak=public.is_weak or all(one.is_weak for one in said),
    )


def _flags_by_algorithm(public: Public) -> int:
    """Keys from before key flags do what they can."""
    return CERTIFY | (SIGN if public.algorithm in SIGNING else 0) | (ENCRYPT if public.algorithm in ENCRYPTING else 0)


def _subkeys(owners: Sequence[_Owner], primary: Public, checks: _Checks) -> list[Part]:
    found = []
    for owner in owners:
        if owner.packet.tag not in SUBKEYS:
            continue
        try:
            public, tail = read_public(owner.packet)
        except (Malformed, Unsupported):
            continue
        of_it = of_subkey(primary, public)
        binding = _binding(_newest(owner, primary, frozenset({Sort.subkey}), of_it, checks))
        if binding:
            revocations = list(_newest(owner, primary, frozenset({Sort.subkey_revocation}), of_it, checks))
            part = _part(owner, public, tail, [binding], revocations)
            found.append(part if not part.can_sign or _signs_back(binding, part, of_it, checks) else _silent(part))
    return found


def _binding(newest: Iterator[Signature]) -> Signature | None:
    """The newest that isn't weak; the newest when all are."""
    found = None
    for one in newest:
        if not one.is_weak:
            return one
        found = found or one
    return found


def _signs_back(binding: Signature, part: Part, of_it: bytes, checks: _Checks) -> bool:
    """A subkey that signs must say itself that it belongs to the primary key (section 5.2.3.34): else somebody could pass off
    another's signatures as his own."""
    for body in binding.embedded:
        try:
            back = read_signature(body)
        except (Malformed, Unsupported):
            continue
        if back.sort == Sort.back and back.hash != MD5 and checks.is_true(back, part.public, of_it):
            return True
    return False


def _silent(part: Part) -> Part:
    return replace(part, flags=part.flags & ~SIGN)
