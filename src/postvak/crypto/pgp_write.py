"""PGP/MIME as we send it (RFC 3156): signed, encrypted, or signed inside encrypted in one OpenPGP message.

An entity is a MIME part: its Content-… lines (and a protected header, crypto.protected_header), a blank line, its body.
Raises CannotProtect, and only that: with the codes of crypto.smime_write.

The library encrypts to whatever it is given, so here is decided which subkeys it is given; what it made is read again with our own eyes
before it is let out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from secrets import token_hex

from pysequoia import ArmorKind, Cert, PySigner, SignatureMode, Tsk, armor
from pysequoia import encrypt as encrypt_for
from pysequoia import sign as sign_with

from postvak.crypto.pgp_certificate import SUBKEYS, Certificate, Part, read_certificates
from postvak.crypto.pgp_ciphers import HASH_NAMES, Unsupported
from postvak.crypto.pgp_material import SECRET_TAGS, read_public
from postvak.crypto.pgp_message import read_envelope
from postvak.crypto.pgp_packets import Malformed, Tag, packets, written
from postvak.crypto.pgp_session import read_locked
from postvak.crypto.pgp_signature import canonical, fits, read_signature
from postvak.crypto.values import CannotProtect, Key

EIGHT_BIT = re.compile(rb"[\x80-\xff]")
VERSION = b"Version: 1\r\n"
NEVER_CAUGHT = (KeyboardInterrupt, SystemExit, GeneratorExit)


@dataclass(frozen=True, slots=True)
class _Recipient:
    """Whom it is encrypted for: the key with nothing but the subkeys that may be used now."""

    packets: bytes
    names: frozenset[str]
    address: str

    def cert(self) -> Cert:
        """Raises CannotProtect when the library can't write for it."""
        try:
            made = Cert.from_bytes(self.packets)
            encrypt_for(b"", [made], armor=False)
        except (RuntimeError, ValueError) as error:
            raise CannotProtect("recipient_unfit", address=self.address) from error
        return made


def sign(entity: bytes, signer: Key, *, at: datetime) -> bytes:
    """A multipart/signed entity around `entity`."""
    whole = canonical(entity)
    secret = _signing(signer, at)
    made = _made(lambda: sign_with(_signer_of(secret, signer.subject), whole, mode=SignatureMode.DETACHED, armor=False))
    parts = [
        _head("application/pgp-signature", "signature.asc", "OpenPGP digital signature")
        + armoured(made, ArmorKind.Signature)
    ]
    value = f'multipart/signed; micalg=pgp-{_hash_of(made, whole, secret)}; protocol="application/pgp-signature"'
    return _multipart(value, [whole, *parts], is_eight_bit=bool(EIGHT_BIT.search(whole)))


def encrypt(entity: bytes, recipients: Sequence[Key], *, signer: Key | None, at: datetime) -> bytes:
    """A multipart/encrypted entity that holds `entity`, signed inside if there is a signer."""
    if not recipients:
        raise CannotProtect("no_recipients")
    everybody = [_recipient(key, at) for key in recipients]
    secret = _signing(signer, at) if signer else b""
    made = _made(
        lambda: encrypt_for(
            canonical(entity),
            [one.cert() for one in everybody],
            signer=_signer_of(secret, signer.subject) if signer else None,
            armor=False,
        )
    )
    _check_sealed(made, everybody)
    version = _head("application/pgp-encrypted", "", "PGP/MIME version identification") + VERSION
    message = _head("application/octet-stream", "encrypted.asc", "OpenPGP encrypted message", shown="inline")
    value = 'multipart/encrypted; protocol="application/pgp-encrypted"'
    return _multipart(value, [version, message + armoured(made, ArmorKind.Message)])


def why_not_encrypt(key: Key, at: datetime) -> str:
    """The code of CannotProtect with which encrypting to this key would be refused, "" when it can be done."""
    try:
        _recipient(key, at).cert()
    except CannotProtect as refused:
        return refused.code
    return ""


def why_not_sign(key: Key, at: datetime) -> str:
    """The code with which signing with this key would be refused, "" when it can be done."""
    try:
        _signer_of(_signing(key, at), key.subject)
    except CannotProtect as refused:
        return refused.code
    return ""


def _certificate(content: bytes, who: str, **parameters: str) -> Certificate:
    try:
        found = read_certificates(content)
    except Malformed as error:
        raise CannotProtect(f"{who}_unusable", **parameters) from error
    if not found:
        raise CannotProtect(f"{who}_unusable", **parameters)
    return found[0]


def _check_valid(key: Key, primary: Part, who: str, at: datetime, parameters: dict[str, str]) -> None:
    if key.is_revoked or primary.is_revoked():
        raise CannotProtect(f"{who}_revoked", **parameters)
    if primary.is_expired(at):
        raise CannotProtect(f"{who}_expired", **parameters)
    if primary.public.created_at > at:
        raise CannotProtect(f"{who}_not_yet", **parameters)


def _usable(parts: Sequence[Part], at: datetime) -> list[Part]:
    return [part for part in parts if not part.is_revoked() and not part.is_expired(at) and not part.is_weak]


def _recipient(key: Key, at: datetime) -> _Recipient:
    parameters = {"address": key.emails[0] if key.emails else key.subject}
    certificate = _certificate(key.public, "recipient", **parameters)
    _check_valid(key, certificate.primary, "recipient", at, parameters)
    able = [part for part in certificate.parts if part.can_encrypt]
    fit = _usable(able, at)
    if able and not fit and all(part.is_expired(at) for part in able):
        raise CannotProtect("recipient_expired", **parameters)
    if not fit or certificate.primary.is_weak:
        raise CannotProtect("recipient_unfit", **parameters)
    names = frozenset(name for part in fit for name in (part.public.key_id, part.public.fingerprint))
    return _Recipient(_with_only(certificate, fit), names, parameters["address"])


def _with_only(certificate: Certificate, parts: Sequence[Part]) -> bytes:
    """The key without any other subkey: the library takes expired ones when there is nothing better."""
    kept, is_kept = [], True
    for packet in certificate.packets:
        if packet.tag in SUBKEYS:
            is_kept = any(part.packet is packet for part in parts)
        if is_kept and packet.tag != Tag.trust:
            kept.append(written(packet.tag, packet.body))
    return b"".join(kept)


def _signing(key: Key, at: datetime) -> bytes:
    """The secret key with everything that is known of it by now: its public part may have been prolonged, or revoked, since."""
    if not key.private:
        raise CannotProtect("signer_without_private", subject=key.subject)
    whole = _with_secrets(key)
    certificate = _certificate(whole, "signer", subject=key.subject)
    _check_valid(key, certificate.primary, "signer", at, {"subject": key.subject})
    fit = [part for part in _usable(certificate.parts, at) if part.can_sign and part.tail]
    if not fit or certificate.primary.is_weak:
        raise CannotProtect("signer_unfit", subject=key.subject)
    return whole


def _with_secrets(key: Key) -> bytes:
    try:
        secrets = {read_public(packet)[0].body: packet for packet in packets(key.private) if packet.tag in SECRET_TAGS}
        every = [secrets.get(packet.body, packet) for packet in packets(key.public)]
    except (Malformed, Unsupported) as error:
        raise CannotProtect("signer_unusable", subject=key.subject) from error
    return b"".join(written(packet.tag, packet.body) for packet in every)


def _signer_of(whole: bytes, subject: str) -> PySigner:
    try:
        return Tsk.from_bytes(whole).signer()
    except (RuntimeError, ValueError) as error:
        raise CannotProtect("signer_unfit", subject=subject) from error


def _made(make: Callable[[], bytes]) -> bytes:
    """Whatever the library does, nothing leaves. Its words are kept out of the log: nobody knows what stands in them."""
    try:
        return make()
    except CannotProtect:
        raise
    except NEVER_CAUGHT:
        raise
    except BaseException as error:  # noqa: BLE001 - a panic of the library is no Exception; it becomes a refusal, the mail is not sent
        raise CannotProtect("failed", error=type(error).__name__) from None


def _hash_of(made: bytes, content: bytes, secret: bytes) -> str:
    """As micalg wants it. The signature is checked with our own eyes first."""
    try:
        signature = read_signature(packets(made)[0].body)
        [certificate] = read_certificates(secret)
        signers = [part for name in signature.issuers if (part := certificate.part_of(name))]
        if signers and fits(signature, signers[0].public, content):
            return HASH_NAMES[signature.hash].lower().replace("-", "")
    except (Malformed, Unsupported) as error:
        raise CannotProtect("failed", error="looked wrong") from error
    raise CannotProtect("failed", error="looked wrong")


def _check_sealed(made: bytes, everybody: Sequence[_Recipient]) -> None:
    """One encrypted packet and nothing else, for nobody but the recipients, and for each of them."""
    try:
        envelope = read_envelope(packets(made))
        names = {read_locked(body).name for body in envelope.locked} if envelope else set()
    except (Malformed, Unsupported) as error:
        raise CannotProtect("failed", error="looked wrong") from error
    is_for_all = all(names & one.names for one in everybody)
    is_for_others = names - frozenset().union(*(one.names for one in everybody))
    if (
        envelope is None
        or envelope.with_password
        or envelope.data.tag != Tag.protected
        or not is_for_all
        or is_for_others
    ):
        raise CannotProtect("failed", error="looked wrong")


def armoured(content: bytes, kind: ArmorKind) -> bytes:
    """ASCII armour with CRLF. With the checksum that nobody needs any more: without it GnuPG 2.2 takes a third of all messages for damaged."""
    return armor(content, kind).replace("\n", "\r\n").encode()


def _head(kind: str, name: str, description: str, *, shown: str = "attachment") -> bytes:
    """The header of one of our own parts, with the blank line."""
    lines = [f"Content-Type: {kind}" + (f'; name="{name}"' if name else ""), f"Content-Description: {description}"]
    if name:
        lines.append(f'Content-Disposition: {shown}; filename="{name}"')
    return "\r\n".join([*lines, "", ""]).encode()


def _multipart(value: str, parts: Sequence[bytes], *, is_eight_bit: bool = False) -> bytes:
    """Attached mails may have 8-bit letters that nobody may recode: then the whole says so."""
    boundary = f"=_{token_hex(20)}".encode()
    head = b"Content-Type: " + value.replace("; ", ";\r\n ").encode() + b';\r\n boundary="' + boundary + b'"\r\n'
    head += b"Content-Transfer-Encoding: 8bit\r\n\r\n" if is_eight_bit else b"\r\n"
    return head + b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts) + b"--" + boundary + b"--\r\n"
