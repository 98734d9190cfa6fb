"""Keys that came with mails are kept for answering: certificates of good signatures are used, everything else is offered.

Nothing that is here is changed by a mail, and no authority becomes an anchor by one. An authority is kept only where it stands
between the certificate of a good signature and an anchor: the other certificates in a mail are put there by whoever wrote it. Spec 05.
"""

from collections.abc import Iterable, Mapping, Sequence

from django.utils import timezone

from postvak.crypto import chain
from postvak.crypto.values import Key, Kind, Opened, Verdict
from postvak.keys import store
from postvak.keys.keyring import TableKeyring
from postvak.models import CryptoKey

MOST = 20  # of one mail
State, Source = CryptoKey.State, CryptoKey.Source


def collect(mails: Iterable[Opened], *, are_new: bool = True) -> None:
    """In the transaction that writes the mails. One query when all of them are here already and nothing new is told of them.
    `are_new`: what they say of their writers' programs is news; of an old mail that could be opened only now it isn't."""
    every = list(mails)
    here = known([key for opened in every for key in opened.found[:MOST]])
    sorts: dict[tuple[str, str], dict[str, Key]] = {}
    for opened in every:
        keys = [key for key in opened.found[:MOST] if store.place(key) not in here]
        helping = between(opened) if any(key.is_authority for key in keys) else frozenset()
        for key in keys:
            if not key.is_authority or key.fingerprint in helping:
                sorts.setdefault(sort_of(key, opened), {}).setdefault(key.fingerprint, key)
    for (source, state), wanted in sorts.items():
        store.add(list(wanted.values()), source=source, state=state)
    learn_ciphers(every, here, are_new=are_new)


def known(keys: Sequence[Key]) -> dict[store.Place, list[str]]:
    """Those that are here, with what is known of the ciphers that their owners read."""
    if not keys:
        return {}
    rows = CryptoKey.objects.filter(fingerprint__in=[key.fingerprint for key in keys])
    return {(kind, fingerprint): told for kind, fingerprint, told in rows.values_list("kind", "fingerprint", "ciphers")}


def learn_ciphers(mails: Iterable[Opened], here: Mapping[store.Place, list[str]], *, are_new: bool) -> None:
    """What the programs of those who signed say that they read (RFC 8551 section 2.5.2); the last mail counts."""
    told: dict[store.Place, list[str]] = {}
    for opened in mails:
        layer = opened.signature
        if layer is not None and layer.verdict is Verdict.good and layer.ciphers:
            told[layer.kind.value, layer.key] = list(layer.ciphers)
    for where, ciphers in told.items():
        before = here.get(where)
        if ciphers != before and (are_new or not before):
            CryptoKey.objects.filter(kind=where[0], fingerprint=where[1]).update(ciphers=ciphers)


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
