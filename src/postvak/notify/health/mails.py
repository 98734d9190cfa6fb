"""Health of what carries mail: mailboxes, channels, connected accounts, keys that sign, and mails that wait too long."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Max, Min, Q, QuerySet
from django.utils import timezone

from postvak.models import Channel, Grant, Lease, Mailbox, Options, OutgoingMail, Receipt
from postvak.notify.breaker import all_open
from postvak.notify.health.finding import Finding, Severity
from postvak.receive.refusing import Reason, refusals
from postvak.receive.silence import is_silent
from postvak.send.broken import ALARMING
from postvak.send.signing_keys import unfit_keys

UNPROCESSED = timedelta(minutes=10)
COUNTED = 1000  # more are "1000": nobody needs the number, and counting it would take long
WORKER = "worker:"  # name of the lease by which a worker shows that it lives


def mailboxes(now: datetime) -> Iterator[Finding]:
    for mailbox in Mailbox.objects.fetched():
        facts = {"mailbox": mailbox.name, "limit": mailbox.silence_limit, "said": mailbox.last_said or "–"}
        about, page = f"mailbox:{mailbox.pk}", ("admin_mailbox", str(mailbox.pk))
        if is_silent(mailbox, now):
            since = mailbox.last_success_at or mailbox.failing_since
            yield Finding("mailbox_silent", facts, about=about, page=page, row=mailbox, since=since)
        elif mailbox.failing_since:
            since = mailbox.failing_since
            yield Finding("mailbox_failing", facts, Severity.warning, about, page, row=mailbox, since=since)


def loops(now: datetime) -> Iterator[Finding]:
    """Between some machine and us automatic mail is stopped: perhaps rightly, but somebody should know."""
    rows = all_open(now)
    newest = rows.order_by("-last_at").first()
    if newest is not None:
        facts = {"number": rows.count(), "address": newest.theirs}
        yield Finding("loop_broken", facts, Severity.warning, page=("admin_loops",), since=newest.opened_at)


def channels(now: datetime) -> Iterator[Finding]:
    for channel in Channel.objects.filter(is_valid=True, failures__gt=0):
        facts = {"channel": channel.name, "times": channel.failures, "said": channel.last_said or "–"}
        is_broken = channel.failures >= ALARMING
        yield Finding(
            "channel_broken" if is_broken else "channel_failing",
            facts,
            Severity.alarm if is_broken else Severity.warning,
            f"channel:{channel.pk}",
            ("admin_channel", str(channel.pk)),
            row=channel,
            since=channel.last_success_at,
        )


def grants(now: datetime) -> Iterator[Finding]:
    for grant in Grant.objects.exclude(failing_since=None):
        yield Finding(
            "grant_broken",
            {"grant": grant.name, "said": grant.last_said or "–"},
            about=f"grant:{grant.pk}",
            page=("admin_grant", str(grant.pk)),
            since=grant.failing_since,
        )


def held(now: datetime) -> Iterator[Finding]:
    hours = Options.objects.get().held_hours
    if hours is None:
        return
    old = Receipt.objects.held().filter(received_at__lt=now - timedelta(hours=hours))
    oldest = old.aggregate(at=Min("received_at"))["at"]
    if oldest:
        facts = {"number": number_of(old), "hours": hours}
        yield Finding("held_old", facts, page=("held",), since=oldest)


def outbox(now: datetime) -> Iterator[Finding]:
    """Mail that nobody tried is an alarm. Mail that another server defers is none: it says so on its ticket."""
    minutes = Options.objects.get().outbox_minutes
    if minutes is None:
        return
    limit = now - timedelta(minutes=minutes)
    awake = OutgoingMail.objects.filter(channel__is_valid=True, channel__failures=0)
    free = Q(claimed_until=None) | Q(claimed_until__lt=now)
    stuck = awake.filter(free, next_attempt_at__lt=limit)
    if oldest := stuck.aggregate(at=Min("next_attempt_at"))["at"]:
        facts = {"number": number_of(stuck), "minutes": minutes}
        yield Finding("outbox_stuck", facts, page=("outbox",), since=oldest)
    old = OutgoingMail.objects.filter(next_attempt_at__gte=limit, attempts__gt=0, created_at__lt=limit)
    if oldest := old.aggregate(at=Min("created_at"))["at"]:
        facts = {"number": number_of(old), "minutes": minutes}
        yield Finding("outbox_old", facts, Severity.warning, page=("outbox",), since=oldest)


def receipts(now: datetime) -> Iterator[Finding]:
    limit = now - UNPROCESSED
    waiting = Receipt.objects.exclude(state=Receipt.State.DONE).filter(next_attempt_at__lt=limit)
    if oldest := waiting.aggregate(at=Min("next_attempt_at"))["at"]:
        facts = {"number": number_of(waiting), "minutes": int(UNPROCESSED.total_seconds() // 60)}
        yield Finding("receipts_waiting", facts, since=oldest)


def listener(now: datetime) -> Iterator[Finding]:
    """Refused mail stays with its senders, who try again for days: an alarm where it doesn't pass by itself."""
    for reason in sorted(refusals(now)):
        passes = reason in (Reason.ROOM, Reason.CROWD, Reason.SLOW)
        facts = {"most": settings.CONFIGURATION.listening.backlog}
        yield Finding(f"listener_{reason}", facts, Severity.warning if passes else Severity.alarm)


def worker(now: datetime) -> Iterator[Finding]:
    seen = worker_seen()
    if seen is None or seen < now:
        text = f"{timezone.localtime(seen):%Y-%m-%d %H:%M}" if seen else "–"
        yield Finding("worker_gone", {"seen": text}, since=seen)


def worker_seen() -> datetime | None:
    """Until when the sign of life of the last worker holds; null: there was none yet."""
    until: datetime | None = Lease.objects.filter(name__startswith=WORKER).aggregate(at=Max("until"))["at"]
    return until


def show_life(name: str, now: datetime) -> None:
    """Called by a worker several times in a minute; what those that are gone left goes after a day."""
    Lease.objects.take(WORKER + name, name)
    Lease.objects.filter(name__startswith=WORKER, until__lt=now - timedelta(days=1)).delete()


def signing(now: datetime) -> Iterator[Finding]:
    for key in unfit_keys():
        yield Finding(
            "signing_lost",
            {"domain": key.domain, "selector": key.selector},
            about=f"key:{key.pk}",
            page=("admin_signing_domain", key.domain),
            since=key.checked_at,
        )


def number_of(rows: QuerySet[Receipt] | QuerySet[OutgoingMail]) -> int:
    return rows.order_by()[:COUNTED].count()
