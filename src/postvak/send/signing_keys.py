"""DKIM keys of our sending domains: make one, compare DNS with it, switch signing over to it. Spec 04.

A key signs only after DNS was seen to have it: a signature that nobody can verify does more harm than none. The next
key of a domain is made while the old one signs; switching on is one step, so that no mail goes out unsigned between.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from postvak.crypto.sealing import CannotOpen
from postvak.mail.addresses import ascii_domain
from postvak.mail.charsets import storable
from postvak.mail.dkim_record import Finding, judge
from postvak.mail.sender_records import Dmarc, Spf, dmarc_records, judge_dmarc, judge_spf, spf_records
from postvak.models import Address, SigningKey
from postvak.net.dns_records import Lookup, Texts, texts_at
from postvak.send.signing import make_pair

NOT_FOUND = {Lookup.loop: Finding.loop, Lookup.unreachable: Finding.unreachable}

DAY = timedelta(days=1)
PAUSE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Policies:
    """What a domain says about who may send for it; `dmarc_at` is the name where its DMARC record stands."""

    spf: Spf
    spf_records: tuple[str, ...]
    dmarc: Dmarc
    dmarc_records: tuple[str, ...]
    dmarc_at: str


def sending_domains() -> list[str]:
    """Domains of our valid addresses and of keys, in ASCII, by name."""
    emails = Address.objects.filter(is_valid=True).values_list("email", flat=True)
    ours = {ascii_domain(email.rpartition("@")[2]) for email in emails}
    return sorted(ours | set(SigningKey.objects.values_list("domain", flat=True)))


def make_key(domain: str, now: datetime) -> SigningKey:
    """A new key with a selector of its own; it doesn't sign yet."""
    pem, public = make_pair()
    key = SigningKey(domain=domain, selector=free_selector(domain, now), public=public, created_at=now)
    key.private = pem
    key.save()
    return key


def free_selector(domain: str, now: datetime) -> str:
    """`pv202611`, then `pv202611-2` …"""
    taken = set(SigningKey.objects.filter(domain=domain).values_list("selector", flat=True))
    first = f"pv{now:%Y%m}"
    return next(name for name in (first, *(f"{first}-{n}" for n in range(2, len(taken) + 3))) if name not in taken)


def check_key(key: SigningKey, now: datetime) -> Finding:
    """Ask DNS now, and remember what was there; without an answer what was there before still counts."""
    texts = texts_at(str(key))
    if texts.lookup is not Lookup.unreachable:
        key.checked_at, key.found = now, storable("\n".join(texts.records))
        key.save(update_fields=["checked_at", "found"])
    return finding_of(key, texts)


class DailyCheck:
    """Compares the keys that sign with DNS once a day: a record that was lost makes each of our signatures wrong.
    Remembers, in one worker, when no name server answered."""

    def __init__(self) -> None:
        self.not_before: datetime | None = None

    def check_one(self, now: datetime) -> int:
        if self.not_before is not None and now < self.not_before:
            return 0
        signing = SigningKey.objects.filter(is_on=True)
        key = signing.filter(Q(checked_at=None) | Q(checked_at__lt=now - DAY)).order_by("checked_at").first()
        if key is None:
            return 0
        if check_key(key, now) is Finding.unreachable:
            self.not_before = now + PAUSE
        return 1


def finding_of(key: SigningKey, texts: Texts) -> Finding:
    return NOT_FOUND.get(texts.lookup) or judge(texts.records, key.public)


def remembered(key: SigningKey) -> Finding | None:
    """What the last check found; None: DNS was never asked. Why nothing was found is not remembered."""
    if key.checked_at is None:
        return None
    return judge(key.found.split("\n") if key.found else [], key.public)


def switch_on(key: SigningKey, now: datetime) -> Finding:
    """Sign with `key` from now on, and no more with another one of its domain, if DNS has it at this moment."""
    finding = check_key(key, now)
    if finding.is_good and can_open(key):
        let_sign(key)
    return finding


def let_sign(key: SigningKey) -> None:
    """The one key of its domain that signs; DNS has just been seen to have it."""
    with transaction.atomic():
        keys = SigningKey.objects.filter(domain=key.domain)
        list(keys.select_for_update().order_by("pk"))  # two who do this at once come one after the other
        keys.filter(is_on=True).exclude(pk=key.pk).update(is_on=False)
        keys.filter(pk=key.pk).update(is_on=True)


def switch_off(key: SigningKey) -> None:
    SigningKey.objects.filter(pk=key.pk).update(is_on=False)


def delete_key(key: SigningKey) -> bool:
    """False: it signs."""
    return bool(SigningKey.objects.filter(pk=key.pk, is_on=False).delete()[0])


def can_open(key: SigningKey) -> bool:
    try:
        return bool(key.private)
    except CannotOpen:
        return False


def unfit_keys() -> list[SigningKey]:
    """Those that should sign and can't, or whose record wasn't in DNS when it was last asked."""
    return [key for key in SigningKey.objects.filter(is_on=True) if not is_well(key)]


def is_well(key: SigningKey) -> bool:
    finding = remembered(key)
    return can_open(key) and finding is not None and finding.is_good


def policies_of(domain: str) -> Policies:
    """Ask DNS now."""
    spf = texts_at(domain)
    found = spf_records(spf.records)
    dmarc_at, dmarc = dmarc_of(domain)
    policies = dmarc_records(dmarc.records)
    return Policies(
        Spf.unreachable if spf.lookup is Lookup.unreachable else judge_spf(found),
        found,
        Dmarc.unreachable if dmarc.lookup is Lookup.unreachable else judge_dmarc(policies),
        policies,
        dmarc_at,
    )


def dmarc_of(domain: str) -> tuple[str, Texts]:
    """The record of the domain, else of the nearest one above it that has one (DMARCbis: a walk up the tree)."""
    first = ("", Texts(Lookup.none))
    for number, name in enumerate(above(domain)):
        texts = texts_at(f"_dmarc.{name}")
        if dmarc_records(texts.records) or texts.lookup is Lookup.unreachable:
            return f"_dmarc.{name}", texts
        first = first if number else (f"_dmarc.{name}", texts)
    return first


def above(domain: str) -> Sequence[str]:
    """The domain and those above it, without the top-level one; not many, as a name may have a hundred labels."""
    labels = domain.split(".")
    return [".".join(labels[start:]) for start in range(max(1, len(labels) - 1))][:4]
