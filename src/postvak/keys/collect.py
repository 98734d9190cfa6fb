"""Keys that came with mails are kept for answering: certificates of good signatures are used, everything else is offered.

Nothing that is here is changed by a mail, and no authority becomes an anchor by one. An authority is kept only where it stands
between the certificate of a good signature and an anchor: the other certificates in a mail are put there by whoever wrote it. Spec 05.
"""

from collections.abc import Iterable, Sequence

from django.utils import timezone

from postvak.crypto import chain
from postvak.crypto.values import Key, Kind, Opened, Verdict
from postvak.keys import store
from postvak.keys.keyring import TableKeyring
from postvak.models import CryptoKey

MOST = 20  # of one mail
State, Source = CryptoKey.State, CryptoKey.Source


def collect(mails: Iterable[Opened]) -> None:
    """In the transaction that writes the mails. One query when all of them are here already."""
    every = list(mails)
    new = unknown([key for opened in every for key in opened.found[:MOST]])
    sorts: dict[tuple[str, str], dict[str, Key]] = {}
    for opened in every:
        keys = [key for key in opened.found[:MOST] if store.place(key) in new]
        helping = between(opened) if any(key.is_authority for key in keys) else frozenset()
        for key in keys:
            if not key.is_authority or key.fingerprint in helping:
                sorts.setdefault(sort_of(key, opened), {}).setdefault(key.fingerprint, key)
    for (source, state), wanted in sorts.items():
        store.add(list(wanted.values()), source=source, state=state)


def unknown(keys: Sequence[Key]) -> set[tuple[str, str]]:
    if not keys:
        return set()
    rows = CryptoKey.objects.filter(fingerprint__in=[key.fingerprint for key in keys])
    return {store.place(key) for key in keys} - set(rows.values_list("kind", "fingerprint"))


def sort_of(key: Key, opened: Opened) -> tuple[str, str]:
    """(source, state)"""
    if key.fingerprint in opened.autocrypt:
        return Source.AUTOCRYPT, State.OFFERED
    if key.kind is Kind.pgp:
        return Source.ATTACHED, State.OFFERED
    is_used = key.is_authority or signer_of(opened) == key.fingerprint
    return Source.SIGNED_MAIL, State.IN_USE if is_used else State.OFFERED


def signer_of(opened: Opened) -> str:
    """Fingerprint of whoever signed all that is read; "" where nobody is proven to have done so."""
    found = opened.signature
    return found.key if found is not None and found.verdict is Verdict.good else ""


def between(opened: Opened) -> frozenset[str]:
    """Fingerprints of the authorities between the signer of a good signature and an anchor, each link checked: they help to build
    chains, they prove nothing."""
    signer = next((one for one in opened.found if one.fingerprint == signer_of(opened)), None)
    if signer is None:
        return frozenset()
    trust = chain.judge(signer, [one for one in opened.found if one != signer], TableKeyring(), at=timezone.now())
    return frozenset(one.fingerprint for one in trust.path[1:-1]) if trust.verdict is Verdict.good else frozenset()
