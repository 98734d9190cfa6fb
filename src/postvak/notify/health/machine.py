"""Health of what Postvak stands on: disk, clock, certificate of the listener, large contents, the numbers of the ledger."""

import secrets
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from django.conf import settings
from django.db import connection
from django.db.models import Q
from django.template.defaultfilters import filesizeformat

from postvak.blobs.rows import Blob
from postvak.blobs.vault import VaultUnreachable, vault
from postvak.log.ledger.numbers import totals
from postvak.models import LedgerEntry, replica
from postvak.notify.health.finding import Finding, Severity

LEAST_BYTES = 1024**3
LEAST_SHARE = 0.05
SOON = timedelta(days=14)
APART, FAR_APART = 5.0, 60.0  # seconds
LAST_DAYS = timedelta(days=2)
SAMPLE = 3  # large contents that are looked for
LOOKED_AT = 100  # rows


def disk(now: datetime) -> Iterator[Finding]:
    folder = settings.CONFIGURATION.data
    usage = shutil.disk_usage(folder)
    if usage.free < LEAST_BYTES or usage.free < LEAST_SHARE * usage.total:
        facts = {"folder": str(folder), "free": filesizeformat(usage.free), "percent": percent(usage.free, usage.total)}
        yield Finding("disk_low", facts)


def percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}" if whole else "0"


def certificate(now: datetime) -> Iterator[Finding]:
    """Of our listener; those of other servers are looked at by `postvak doctor`."""
    path = settings.CONFIGURATION.listening.certificate
    if path is None:
        return
    try:
        until = end_of(path)
    except (OSError, ValueError) as error:
        yield Finding("certificate_unreadable", {"name": str(path), "said": str(error)})
        return
    if until < now + SOON:
        facts = {"name": str(path), "until": f"{until:%Y-%m-%d %H:%M} UTC"}
        yield Finding("certificate_ends", facts, about="listener", since=until - SOON)


def end_of(path: Path) -> datetime:
    return x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc


def clock(now: datetime) -> Iterator[Finding]:
    """SQLite has the machine's own clock. Half the time that the question takes is the database's answer on its way."""
    if connection.vendor != "postgresql":
        return
    before = datetime.now(UTC)
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (there,) = cursor.fetchone()
    apart = abs((there - before - (datetime.now(UTC) - before) / 2).total_seconds())
    yield from judge_clock(apart)


def judge_clock(apart: float) -> Iterator[Finding]:
    if apart > APART:
        yield Finding("clock_off", {"seconds": round(apart)}, Severity.alarm if apart > FAR_APART else Severity.warning)


def database_replica(now: datetime) -> Iterator[Finding]:
    """While there is trouble with it, the database itself answers."""
    known = settings.CONFIGURATION.replica
    state = replica.look(known.lag) if known else None
    if known and state and state.code:
        yield Finding(
            state.code, {"seconds": state.seconds, "limit": known.lag, "said": state.said or "–"}, Severity.warning
        )


def contents(now: datetime) -> Iterator[Finding]:
    """A few large contents: are they where they should be? `postvak doctor` looks at all of them."""
    digests = some_large()
    try:
        missing = [digest for digest in digests if vault().size(digest) is None]
    except VaultUnreachable as error:
        yield Finding("blobs_unreachable", {"said": str(error)})
        return
    if missing:
        yield Finding("blobs_missing", {"number": len(missing), "place": str(vault())})


def some_large() -> list[str]:
    """From a place chosen at random; reads no more than a few rows, however many there are."""
    start = secrets.token_hex(32)
    rows = Blob.objects.filter(digest__gte=start, condemned_at=None).order_by("digest")
    near = rows.annotate(is_large=Q(content=None)).values_list("digest", "is_large")[:LOOKED_AT]
    return [digest for digest, is_large in near if is_large][:SAMPLE]


def ledger(now: datetime) -> Iterator[Finding]:
    """No state of the last days may be below zero: the cheap part of the equation, which `postvak doctor` checks whole."""
    for direction in LedgerEntry.Direction.values:
        wrong = {state: number for state, number in totals(direction, since=now - LAST_DAYS).items() if number < 0}
        if wrong:
            told = ", ".join(f"{direction} {state} {number}" for state, number in wrong.items())
            yield Finding("ledger_unequal", {"differences": told}, about=direction)
