"""Between a row of CryptoKey and the value crypto.values.Key."""

from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from datetime import datetime

from postvak.crypto.sealing import CannotOpen, seal, unseal
from postvak.crypto.values import Key, Kind
from postvak.models import CryptoKey, KeyName

LONGEST_ALGORITHM = 60
Names = KeyName.Kind


def key_of(row: CryptoKey, sealing_keys: tuple[bytes, ...] = ()) -> Key:
    """The key behind a row (with its names loaded); its private part only for who hands in the sealing keys. One that can't be
    unsealed is a key without a private part: what it would have opened is then told as "no key here"."""
    names = [(one.kind, one.value) for one in row.names.all()]
    return Key(
        kind=Kind(row.kind),
        fingerprint=row.fingerprint,
        public=bytes(row.public),
        private=private_of(row, sealing_keys),
        subject=row.subject,
        issuer=row.issuer,
        algorithm=row.algorithm,
        emails=tuple(value for kind, value in names if kind == Names.ADDRESS),
        ids=tuple(value for kind, value in names if kind == Names.ID),
        issuer_id=next((value for kind, value in names if kind == Names.ISSUER), ""),
        ski=next((value for kind, value in names if kind == Names.SKI), ""),
        subject_id=next((value for kind, value in names if kind == Names.SUBJECT), ""),
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        is_revoked=row.revoked_at is not None,
        is_authority=row.role != CryptoKey.Role.PERSON,
        can_sign=row.can_sign,
        can_encrypt=row.can_encrypt,
        is_trusted=is_vouched_for(row),
        ciphers=tuple(row.ciphers),
    )


def is_vouched_for(row: CryptoKey) -> bool:
    """OpenPGP: an administrator took it over. Of a certificate its chain decides."""
    return row.kind == CryptoKey.Kind.PGP and row.state == CryptoKey.State.IN_USE


def private_of(row: CryptoKey, sealing_keys: tuple[bytes, ...]) -> bytes:
    if not row.sealed_private or not sealing_keys:
        return b""
    try:
        return b64decode(unseal(row.sealed_private, sealing_keys))
    except CannotOpen:
        return b""


def sealed_private(key: Key, sealing_keys: tuple[bytes, ...]) -> str:
    return seal_private(key.private, sealing_keys)


def seal_private(private: bytes, sealing_keys: tuple[bytes, ...]) -> str:
    return seal(b64encode(private).decode(), sealing_keys)


def new_row(
    key: Key, *, role: str, source: str, state: str, sealing_keys: tuple[bytes, ...], now: datetime
) -> CryptoKey:
    row = CryptoKey(
        kind=key.kind.value, fingerprint=key.fingerprint, role=role, source=source, state=state, created_at=now
    )
    describe(row, key, now)
    row.sealed_private = sealed_private(key, sealing_keys)
    return row


DESCRIBED = (
    "subject", "issuer", "algorithm", "valid_from", "valid_to", "revoked_at", "can_sign", "can_encrypt", "public",
)  # fmt: skip


def describe(row: CryptoKey, key: Key, now: datetime) -> None:
    """What the key says of itself; who was revoked stays so."""
    row.subject, row.issuer = clean(key.subject), clean(key.issuer)
    row.algorithm = clean(key.algorithm)[:LONGEST_ALGORITHM]
    row.valid_from, row.valid_to = key.valid_from, key.valid_to
    row.can_sign, row.can_encrypt = key.can_sign, key.can_encrypt
    row.public = key.public
    if key.is_revoked and row.revoked_at is None:
        row.revoked_at = now


def names_of(key: Key) -> Iterator[tuple[str, str]]:
    yield from ((Names.ADDRESS.value, clean(email)[:320]) for email in key.emails)
    yield from ((Names.ID.value, one) for one in dict.fromkeys((*key.ids, *ids_of_pgp(key))))
    yield from (
        (kind.value, value)
        for kind, value in ((Names.ISSUER, key.issuer_id), (Names.SKI, key.ski), (Names.SUBJECT, key.subject_id))
        if value
    )


def ids_of_pgp(key: Key) -> Sequence[str]:
    return (key.fingerprint,) if key.kind is Kind.pgp else ()


def clean(text: str) -> str:
    """As a database can keep it: a certificate may say anything."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
