"""protect(): a composed mail, signed and/or encrypted, as S/MIME or OpenPGP. Spec 05.

The header of the mail stays outside, but for its MIME fields; the entity inside is exactly what was composed. It fails closed: whatever
goes wrong is CannotProtect, and what doesn't look encrypted in the end isn't handed out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from postvak.crypto import pgp_write, protected_header, smime_write
from postvak.crypto.entities import Entity, in_mail, is_mime_field, make_entity, read_entity
from postvak.crypto.values import CannotProtect, Key, Kind

ENCRYPTED = ("application/pkcs7-mime", "multipart/encrypted")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What shall be done: signed if there is a `signer`, encrypted if there are `recipients` (whoever shall read it, ourselves, too).

    `extra`: certificates sent along. `cipher`: as Options.smime_cipher. `hides_subject`: Subject outside is "[...]" when the mail is
    encrypted. `at`: now."""

    kind: Kind
    signer: Key | None = None
    extra: Sequence[Key] = ()
    recipients: Sequence[Key] = ()
    cipher: str = "auto"
    hides_subject: bool = False
    at: datetime


def protect(raw: bytes, how: Wanted) -> bytes:
    """Raises CannotProtect, and only that: no_recipients, nothing_to_do, cipher_unknown, signer_… and recipient_… (expired, revoked,
    not_yet, unfit; signer also without_private, unusable), failed."""
    try:
        return _protected(raw, how)
    except CannotProtect:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, nothing may leave in clear
        raise CannotProtect("failed", error=type(error).__name__) from error


def _protected(raw: bytes, how: Wanted) -> bytes:
    if how.signer is None and not how.recipients:
        raise CannotProtect("nothing_to_do")
    for key in (*([how.signer] if how.signer else []), *how.recipients):
        if key.kind is not how.kind:
            raise CannotProtect("other_kind", subject=key.subject)
    mail = read_entity(raw, is_root=True)
    inner = _inner(mail, how)
    done = read_entity(_smime(inner, how) if how.kind is Kind.smime else _pgp(inner, how))
    outer = _outer(mail, how) if how.recipients else mail
    return _checked(in_mail(outer, done).raw, inner, how)


def _inner(mail: Entity, how: Wanted) -> bytes:
    """What goes inside. OpenPGP programs read a protected header; for S/MIME there is one only when the subject is hidden."""
    told = [field for field in mail.fields if is_mime_field(field[0]) and field[0].lower() != "mime-version"]
    entity = make_entity(told, mail.body).raw
    hides = how.hides_subject and bool(how.recipients)
    if how.kind is Kind.smime and not hides:
        return entity
    outside = [field for field in mail.fields if not is_mime_field(field[0])]
    return protected_header.write(entity, outside, is_encrypted=bool(how.recipients), hides_subject=hides)


def _outer(mail: Entity, how: Wanted) -> Entity:
    fields = [
        (name, protected_header.outer_subject(hides_subject=how.hides_subject, subject=value))
        if name.lower() == "subject"
        else (name, value)
        for name, value in mail.fields
    ]
    return make_entity(fields, b"")


def _smime(inner: bytes, how: Wanted) -> bytes:
    if how.signer is not None:
        inner = smime_write.sign(inner, how.signer, extra=how.extra, at=how.at)
    return smime_write.encrypt(inner, how.recipients, cipher=how.cipher, at=how.at) if how.recipients else inner


def _pgp(inner: bytes, how: Wanted) -> bytes:
    if how.recipients:
        return pgp_write.encrypt(inner, how.recipients, signer=how.signer, at=how.at)
    if how.signer is None:
        raise CannotProtect("nothing_to_do")
    return pgp_write.sign(inner, how.signer, at=how.at)


def _checked(raw: bytes, inner: bytes, how: Wanted) -> bytes:
    """Looked at once more as it will leave: what should be encrypted is, and nothing of the text stands in it."""
    done = read_entity(raw, is_root=True)
    if how.recipients:
        text = inner[inner.find(b"\r\n\r\n") + 4 :].strip()[:200]
        if done.content_type not in ENCRYPTED or (len(text) > 20 and text in raw):  # noqa: PLR2004
            raise CannotProtect("failed", error="plain")
    elif done.content_type != "multipart/signed":
        raise CannotProtect("failed", error="unsigned")
    return raw
