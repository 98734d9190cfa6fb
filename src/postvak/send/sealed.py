"""ready(): what is done to a protected mail right before it is handed over: opened, signed, encrypted. Spec 05.

Whatever goes wrong here becomes a result of its recipients: there is no way from here to a server for a mail that isn't as it was
decided. Nothing of the mail stands in a result or in the log.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings
from django.utils import timezone, translation

from postvak.crypto.sealing import CannotOpen, is_sealed, unseal_bytes
from postvak.crypto.values import CannotProtect, Key, Kind
from postvak.crypto.writing import Wanted, protect
from postvak.keys.rows import key_of
from postvak.log.crypto_sentences import refused_sentence
from postvak.mail.addresses import normalise, read_addresses
from postvak.mail.header_lines import header_end
from postvak.mail.tree import build
from postvak.models import Address, CryptoKey, Options, OutgoingMail
from postvak.send.protection import Protection, possible, signing_keys, signs

log = logging.getLogger("postvak.send")
# What a result begins with; log.status_codes explains each.
NO_KEY = "Not sent unencrypted: no valid {kind} key of {address}."
NO_SIGNER = "Not sent unsigned: no valid {kind} key for signing of {address}."
SEALED = "Not sent: {said}"
IMPOSSIBLE = "Not sent unprotected: {said}"
BROKEN = "Not sent unprotected: signing or encrypting broke off ({said})."
NOT_ENCRYPTED = "Not sent: it should be encrypted, and it is not."
NAMES = {Kind.smime: "S/MIME", Kind.pgp: "OpenPGP"}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a mail doesn't go out. `is_final`: it is tried again only when a person wants that."""

    said: str
    is_final: bool = True


class NotReady(Exception):
    """It can't be protected now."""

    def __init__(self, said: str, *, is_final: bool = True, problem: CannotProtect | None = None) -> None:
        super().__init__(said)
        self.refusal, self.problem = Refusal(said, is_final), problem

    def told(self) -> str:
        """In the language of whoever is told now; a result is kept in English, as servers' words are."""
        return refused_sentence(self.problem) if self.problem else self.refusal.said


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes, and who gets them."""

    recipients: tuple[str, ...]
    raw: bytes


@dataclass(frozen=True, slots=True)
class Ready:
    """Each recipient is in one of the parts, or refused with a reason."""

    parts: tuple[Part, ...] = ()
    refused: Mapping[str, Refusal] = field(default_factory=dict)


def ready(mail: OutgoingMail, stored: bytes, recipients: Sequence[str]) -> Ready:
    """As it goes out to `recipients`. Never raises for what a mail, a key or a library does."""
    parts: list[Part] = []
    refused: dict[str, Refusal] = {}
    try:
        work = Work.of(mail, stored)
        for group in work.groups(recipients):
            lacking = work.lacking(group)
            refused |= lacking
            able = tuple(one for one in group if one not in lacking)
            if able:
                parts.append(Part(able, work.protected(able)))
    except NotReady as reason:
        return Ready((), dict.fromkeys(recipients, reason.refusal))
    except Exception as error:  # noqa: BLE001 - it becomes a result; only its type is told, its words may be the mail's
        log.warning("outgoing mail %s can't be protected: %s", mail.pk, type(error).__name__)
        said = BROKEN.format(said=type(error).__name__)
        return Ready((), dict.fromkeys(recipients, Refusal(said, is_final=False)))
    return Ready(tuple(parts), refused)


def rehearse(raw: bytes, protection: Protection, author: str, recipients: Sequence[str]) -> int:
    """Do it once, for nobody: what can't be done is told before the mail is posted. Returns the bytes of the largest copy. Raises
    NotReady."""
    work = Work(protection, raw, author, named_in(raw), Options.objects.get(), timezone.now())
    return max(len(work.protected(group)) for group in work.groups(recipients))


def opened(stored: bytes) -> bytes:
    """The bytes of a mail of ours, unsealed if they are sealed. Raises CannotOpen."""
    return unseal_bytes(stored, settings.CONFIGURATION.sealing_keys) if is_sealed(stored) else stored


def copy_of(mail: OutgoingMail, stored: bytes) -> bytes:
    """For the folder of sent mail: encrypted to our own key where there is one, so that it can be read there. Raises NotReady."""
    work = Work.of(mail, stored)
    own = work.author
    if work.lacking([own]):
        everybody = [delivery.recipient for delivery in mail.deliveries.all()]
        shown = [one for one in everybody if normalise(one) in work.named]
        return work.protected(
            [one for one in shown or everybody[:1] if one not in work.lacking(shown or everybody[:1])]
        )
    return work.protected([own])


@dataclass(frozen=True, slots=True)
class Work:
    """One mail, opened, with all that protecting it needs. `named`: normalised addresses in To and Cc."""

    protection: Protection
    clear: bytes
    author: str
    named: frozenset[str]
    options: Options
    now: datetime

    @staticmethod
    def of(mail: OutgoingMail, stored: bytes) -> "Work":
        """Raises NotReady."""
        try:
            clear = opened(stored)
        except CannotOpen as error:
            raise NotReady(SEALED.format(said=error), is_final=False) from error
        author = mail.message.author_email if mail.message else mail.author_email
        protection = Protection.read(mail.protection or {})
        return Work(protection, clear, author, named_in(clear), Options.objects.get(), timezone.now())

    @property
    def kind(self) -> Kind:
        return Kind(self.protection.kind)

    def groups(self, recipients: Sequence[str]) -> list[list[str]]:
        """One copy for those who stand in To and Cc, and one for each who is hidden: the keys of an encrypted mail tell who
        can read it."""
        if not self.protection.encrypt:
            return [list(recipients)]
        shown = [one for one in recipients if normalise(one) in self.named]
        hidden = [[one] for one in recipients if one not in shown]
        return [*([shown] if shown else []), *hidden]

    def lacking(self, recipients: Sequence[str]) -> dict[str, Refusal]:
        if not self.protection.encrypt:
            return {}
        abilities = [one for one in possible(recipients, self.now) if self.kind.value not in one.keys]
        said = {one.email: NO_KEY.format(kind=NAMES[self.kind], address=one.email) for one in abilities}
        return {one: Refusal(text) for one, text in said.items()}

    def protected(self, recipients: Sequence[str]) -> bytes:
        """Raises NotReady."""
        signer, extra = self.signer()
        wanted = Wanted(
            kind=self.kind,
            signer=signer,
            extra=extra,
            recipients=self.keys(recipients) if self.protection.encrypt else (),
            cipher=self.options.smime_cipher,
            hides_subject=self.protection.hides_subject,
            at=self.now,
        )
        if self.protection.encrypt and not wanted.recipients:
            raise NotReady(NO_KEY.format(kind=NAMES[self.kind], address=", ".join(recipients)))
        try:
            return protect(self.clear, wanted)
        except CannotProtect as problem:
            with translation.override("en"):
                said = refused_sentence(problem)
            raise NotReady(IMPOSSIBLE.format(said=said), problem=problem) from problem

    def keys(self, recipients: Sequence[str]) -> tuple[Key, ...]:
        """Raises NotReady when one of them is gone: nobody is left out silently."""
        pks = {one.keys.get(self.kind.value): one.email for one in possible(recipients, self.now)}
        rows = CryptoKey.objects.filter(pk__in=[pk for pk in pks if pk is not None]).prefetch_related("names")
        if None in pks or len(rows) != len(pks):
            raise NotReady(NO_KEY.format(kind=NAMES[self.kind], address=pks.get(None, "")))
        return tuple(key_of(row) for row in rows)

    def signer(self) -> tuple[Key | None, tuple[Key, ...]]:
        """The key that was chosen when the mail was posted, else what signs for that address now; with the certificates that
        are sent along. Raises NotReady."""
        if self.protection.sign is None:
            return None, ()
        row = CryptoKey.objects.filter(pk=self.protection.sign).first()
        if row is None or not signs(row, self.now):
            address = Address.objects.filter(email=normalise(self.author)).first()
            row = signing_keys(address, self.now).get(self.kind.value) if address else None
        if row is None:
            raise NotReady(NO_SIGNER.format(kind=NAMES[self.kind], address=self.author))
        key = key_of(row, settings.CONFIGURATION.sealing_keys)
        if not key.private:
            raise NotReady(SEALED.format(said=f"The key {row} can't be opened with the sealing keys."), is_final=False)
        return key, tuple(key_of(one) for one in row.intermediates.prefetch_related("names"))


def named_in(raw: bytes) -> frozenset[str]:
    stop, _body = header_end(raw)
    headers = build(raw[:stop]).root.headers
    return frozenset(normalise(one.email) for name in ("to", "cc") for one in read_addresses(headers.raw(name)))


def check_encrypted(mail: OutgoingMail, raw: bytes) -> Refusal | None:
    """The last look before a session gets the bytes: is a mail that must be encrypted really encrypted?"""
    if not (mail.protection or {}).get("encrypt"):
        return Refusal(NOT_ENCRYPTED) if is_sealed(raw) else None
    root = build(raw).root
    smime_type = root.parameters.get("smime-type", "").lower()
    is_smime = root.content_type == "application/pkcs7-mime" and smime_type in {"enveloped-data", "authenveloped-data"}
    is_pgp = root.content_type == "multipart/encrypted"
    return None if is_smime or is_pgp else Refusal(NOT_ENCRYPTED)
