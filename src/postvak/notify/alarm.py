"""Every trouble that is an alarm (notify.health) is told to the administrators, or to whom the rules of the message centre
name (notify.alarm_readers), by mail, through a channel that still works, and to the web hook of the options; once, and once more each day while it lasts. Spec 01: silence alarm; spec 04; spec 07.

The mail goes out at once, past the outbox: it belongs to no ticket, and it must not wait behind a channel that is
disturbed for the same reason. It is noted, and stands in the ledger, only after a server took it; until then it is tried again.
"""

import logging
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import translation

from postvak.connect.endpoint import with_endpoint
from postvak.crypto.sealing import CannotOpen
from postvak.mail.compose import Draft, compose
from postvak.mail.values import Address as MailAddress
from postvak.models import AlarmState, Channel, Lease, Mailbox, Options
from postvak.net.connection import ConnectionProblem
from postvak.net.webhook import post_json
from postvak.notify.alarm_readers import CODES, Reader, load_readers
from postvak.notify.alarm_record import id_of, record
from postvak.notify.health import mails
from postvak.notify.health.checks import CHECKS, findings
from postvak.notify.health.finding import Finding, Severity
from postvak.send.sender import address_by
from postvak.send.signing import CannotSign, sign
from postvak.send.smtp import SmtpSession

log = logging.getLogger("postvak.notify")

AGAIN = timedelta(days=1)  # what stays broken is told again
PAUSE = timedelta(minutes=15)  # between tries while no channel works
HOOK_PAUSE = timedelta(minutes=1)  # before a web hook that failed is called again


def alarming(now: datetime) -> list[Finding]:
    """Who looks is a worker himself, so whether one runs is no question here."""
    checks = [check for check in CHECKS if check is not mails.worker]
    return [one for one in findings(now, checks) if one.severity == Severity.alarm]


class Alarm:
    """Remembers, in one worker, when it last found no way out; everything else stands in the rows of AlarmState."""

    def __init__(self) -> None:
        self.not_before: datetime | None = None
        self.no_hook_before: datetime | None = None

    def tell_one(self, now: datetime, *, worker: str) -> int:
        """Tell of one trouble by mail and of one by web hook, and forget those that are over; returns how many mails."""
        found = alarming(now)
        remember(found, now)
        self.hook_one(found, now, worker=worker)
        readers = load_readers() if found else None
        trouble = next((one for one in untold(found, "told_at", now) if readers and readers.of(one)), None)
        if trouble is None or readers is None or (self.not_before is not None and now < self.not_before):
            return 0
        if not Lease.objects.take(f"alarm:{trouble.key}"[:100], worker):
            return 0
        if not tell(trouble, readers.of(trouble), now):
            self.not_before = now + PAUSE
            return 0
        AlarmState.objects.filter(key=trouble.key).update(told_at=now)
        if trouble.note_told is not None:
            trouble.note_told()
        return 1

    def hook_one(self, found: Sequence[Finding], now: datetime, *, worker: str) -> int:
        hook = Options.objects.get().alarm_hook
        trouble = next(iter(untold(found, "hooked_at", now)), None) if hook else None
        if trouble is None or (self.no_hook_before is not None and now < self.no_hook_before):
            return 0
        if not Lease.objects.take(f"hook:{trouble.key}"[:100], worker):
            return 0
        problem = post_json(hook, hook_values(trouble))
        if problem:
            log.warning("the web hook did not take the alarm %s: %s", trouble.key, problem)
            self.no_hook_before = now + HOOK_PAUSE
            return 0
        AlarmState.objects.filter(key=trouble.key).update(hooked_at=now)
        return 1


def remember(found: Sequence[Finding], now: datetime) -> None:
    """One row for each trouble that lasts; the others go, so that they are told of anew when they come back."""
    keys = [one.key for one in found]
    AlarmState.objects.exclude(key__in=keys).delete()
    known = set(AlarmState.objects.values_list("key", flat=True))
    fresh = [AlarmState(key=one.key, since=one.since or now) for one in found if one.key not in known]
    AlarmState.objects.bulk_create(fresh, ignore_conflicts=True)


def untold(found: Sequence[Finding], column: str, now: datetime) -> list[Finding]:
    """Those that nobody was told of for a day, or at all where once is enough; `column`: of AlarmState."""
    told = dict(AlarmState.objects.exclude(**{column: None}).values_list("key", column))
    return [one for one in found if is_due(one, told.get(one.key), now) and not (column == "told_at" and one.is_told)]


def is_due(trouble: Finding, told: datetime | None, now: datetime) -> bool:
    return told is None or (trouble.note_told is None and told <= now - AGAIN)


def hook_values(trouble: Finding) -> dict[str, object]:
    """What the web hook gets, in the language of the installation."""
    since = AlarmState.objects.filter(key=trouble.key).values_list("since", flat=True).first()
    with translation.override(settings.LANGUAGE_CODE):
        return {
            "key": trouble.key,
            "severity": trouble.severity.value,
            "title": trouble.title,
            "text": trouble.text,
            "since": since.isoformat() if since else None,
            "link": settings.CONFIGURATION.url + trouble.path,
        }


def tell(trouble: Finding, readers: Sequence[Reader], now: datetime) -> bool:
    """Try the channels one after the other until a mail was taken; False: nobody could be told."""
    for channel in channels_for(trouble.row):
        try:
            if send(channel, trouble, readers, now):
                return True
        except (ConnectionProblem, CannotOpen) as problem:
            log.warning("no alarm about %s through channel %s: %s", trouble.key, channel.name, problem)
    return False


def channels_for(row: Mailbox | Channel | None) -> list[Channel]:
    """Valid servers; those that share nothing with the account in trouble first, paused ones last."""
    channels = list(Channel.objects.filter(is_valid=True, kind=Channel.Kind.SMTP))
    return sorted(
        channels, key=lambda channel: (row is not None and shares_fate(channel, row), channel.paused_until is not None)
    )


def shares_fate(channel: Channel, row: Mailbox | Channel) -> bool:
    """The same connected account, or a server of the same domain."""
    same_grant = channel.grant_id is not None and channel.grant_id == row.grant_id
    return same_grant or channel.host.split(".")[-2:] == row.host.split(".")[-2:]


def send(channel: Channel, trouble: Finding, readers: Sequence[Reader], now: datetime) -> bool:
    """Did the server take the mail for at least one of them? Raises ConnectionProblem, CannotOpen."""
    sender = address_by(channel)
    if not sender:
        return False
    taken = 0
    with with_endpoint(channel, SmtpSession) as session:
        for reader in readers:
            draft = alarm_mail(trouble, sender, reader, now)
            raw = signed_if_possible(compose(draft))
            reply = session.send(sender, [reader.email], raw).replies[reader.email]
            if reply.is_success:
                record(draft, raw, reader.email, channel=channel, said=reply.text)
            taken += reply.is_success
    return taken > 0


def signed_if_possible(raw: bytes) -> bytes:
    """An alarm that may end up in the junk folder is better than none."""
    try:
        return sign(raw)
    except CannotSign as error:
        log.warning("an alarm goes out unsigned: %s", error)
        return raw


def link_of(trouble: Finding) -> str:
    """Only where Postvak knows under which address people reach it."""
    return f"\n\n{settings.CONFIGURATION.url}{trouble.path}" if settings.CONFIGURATION.url else ""


def alarm_mail(trouble: Finding, sender: str, reader: Reader, now: datetime) -> Draft:
    """In the reader's language; marked as automatic (RFC 3834), so that nobody's machine answers."""
    with translation.override(reader.language or settings.LANGUAGE_CODE):
        subject, text = trouble.title, f"{trouble.text}{link_of(trouble)}"
    own_id = id_of(CODES.get(trouble.code, ""), secrets.token_hex(8))
    return Draft(
        author=MailAddress("Postvak", sender),
        to=(MailAddress(reader.name, reader.email),),
        subject=subject,
        text=text,
        message_id=f"{own_id}@{sender.rpartition('@')[2]}",
        date=now,
        headers=(("Auto-Submitted", "auto-generated"), ("X-Auto-Response-Suppress", "All")),
    )
