"""What must happen to a mail before a byte of it leaves: the value that is frozen with it, and which keys there are. Spec 05.

Keys are looked for when the mail is posted, to say what is possible, and again when it is handed over: one that expired or was
revoked in between protects nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db.models import QuerySet

from postvak.mail.addresses import normalise
from postvak.models import Address, Channel, CryptoKey, KeyName, MailSecurity, Message
from postvak.send.providers import provider_of

KINDS = (CryptoKey.Kind.SMIME.value, CryptoKey.Kind.PGP.value)
Role, State = CryptoKey.Role, CryptoKey.State


class Why(StrEnum):
    """Why a kind is not possible; the later one says more."""

    none = "none"
    unfit = "unfit"  # its certificate or key is not for encrypting
    not_yet = "not_yet"
    expired = "expired"
    revoked = "revoked"


@dataclass(frozen=True, slots=True)
class Protection:
    """As OutgoingMail.protection has it. `sign`: key that signs, null: none does."""

    kind: str
    sign: int | None = None
    encrypt: bool = False
    hides_subject: bool = False

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def read(values: Mapping[str, Any]) -> "Protection":
        sign = values.get("sign")
        return Protection(
            str(values["kind"]),
            int(sign) if sign is not None else None,
            bool(values.get("encrypt")),
            bool(values.get("hides_subject")),
        )


@dataclass(frozen=True, slots=True)
class Ability:
    """Of a recipient: the kinds in which he can be written to encrypted, with the key for it; and why not in the others."""

    email: str
    keys: Mapping[str, int] = field(default_factory=dict)
    why: Mapping[str, Why] = field(default_factory=dict)

    @property
    def worst(self) -> Why:
        order = list(Why)
        return max(self.why.values(), key=order.index, default=Why.none)


def possible(emails: Iterable[str], now: datetime) -> list[Ability]:
    """One for each address, with one query. A key that is only offered counts for nothing."""
    typed = {normalise(email): email for email in emails}
    rows = keys_of(list(typed)).values_list(
        "names__value", "kind", "pk", "can_encrypt", "valid_from", "valid_to", "revoked_at"
    )
    keys: dict[str, dict[str, int]] = {email: {} for email in typed}
    why: dict[str, dict[str, Why]] = {email: {} for email in typed}
    for email, kind, pk, is_fit, valid_from, valid_to, revoked_at in rows:
        reason = reason_against(is_fit, valid_from, valid_to, revoked_at, now)
        if reason is None:
            keys[email].setdefault(kind, pk)
        else:
            why[email].setdefault(kind, reason)
    return [Ability(name, keys[email], without(why[email], keys[email])) for email, name in typed.items()]


def without(why: Mapping[str, Why], keys: Mapping[str, int]) -> dict[str, Why]:
    return {kind: why.get(kind, Why.none) for kind in KINDS if kind not in keys}


def keys_of(emails: Sequence[str]) -> QuerySet[CryptoKey]:
    """Of persons with these (normalised) addresses, the newest first."""
    people = CryptoKey.objects.filter(role=Role.PERSON, state=State.IN_USE)
    return people.filter(names__kind=KeyName.Kind.ADDRESS, names__value__in=emails).order_by("-valid_from", "-pk")


def reason_against(
    is_fit: bool, valid_from: datetime | None, valid_to: datetime | None, revoked_at: datetime | None, now: datetime
) -> Why | None:
    if revoked_at is not None:
        return Why.revoked
    if valid_to is not None and valid_to < now:
        return Why.expired
    if valid_from is not None and valid_from > now:
        return Why.not_yet
    return None if is_fit else Why.unfit


def signing_keys(address: Address, now: datetime) -> dict[str, CryptoKey]:
    """Kind -> what signs the mails of `address`: the key that is chosen for it, else its newest valid one."""
    own = list(keys_of([normalise(address.email)]).exclude(sealed_private=""))
    chosen = address.signing_key
    found: dict[str, CryptoKey] = {}
    for key in [*([chosen] if chosen else []), *own]:
        if signs(key, now):
            found.setdefault(key.kind, key)
    return found


def signs(key: CryptoKey, now: datetime) -> bool:
    against = reason_against(key.can_sign, key.valid_from, key.valid_to, key.revoked_at, now)
    return against is None and key.has_private and key.state == State.IN_USE


def carries(channel: Channel) -> bool:
    """Does a mail arrive byte by byte? A provider who builds it anew would break what is signed or encrypted."""
    if channel.kind != Channel.Kind.PROVIDER:
        return True
    provider = provider_of(channel)
    return provider is not None and provider.takes_raw


def is_encrypted(message: Message | None) -> bool:
    """Did it come, or go out, encrypted? Then no word of it may leave in clear."""
    if message is None or message.pk is None:
        return False
    return MailSecurity.objects.filter(pk=message.pk).exclude(encrypted="").exists()
