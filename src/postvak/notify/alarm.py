"""A silent mailbox or a broken channel is told to the administrators by mail, through a channel that still works.
Spec 01: silence alarm; spec 04.

The mail goes out at once, past the outbox: it belongs to no ticket, and it must not wait behind a channel that is
disturbed for the same reason. It is noted only after a server took it; until then it is tried again.
"""

import logging
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from postvak.connect.endpoint import with_endpoint
from postvak.crypto.sealing import CannotOpen
from postvak.mail.compose import Draft, compose
from postvak.mail.values import Address as MailAddress
from postvak.models import Agent, Channel, Lease, Mailbox
from postvak.net.connection import ConnectionProblem
from postvak.receive.silence import silent_mailboxes
from postvak.send.broken import broken_channels
from postvak.send.sender import address_by
from postvak.send.signing import CannotSign, sign
from postvak.send.smtp import SmtpSession

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as StrPromise

log = logging.getLogger("postvak.notify")

AGAIN = timedelta(days=1)  # what stays broken is told again
PAUSE = timedelta(minutes=15)  # between tries while no channel works


@dataclass(frozen=True, slots=True)
class Trouble:
    """What the administrators are told of. `subject` and `text`: not translated yet, filled with `facts`."""

    row: Mailbox | Channel
    subject: "StrPromise"
    text: "StrPromise"
    facts: Mapping[str, object]

    @property
    def lease(self) -> str:
        return f"alarm:{self.row.pk}" if isinstance(self.row, Mailbox) else f"alarm:channel:{self.row.pk}"


def silent(mailbox: Mailbox) -> Trouble:
    text = _(
        "Postvak has fetched no mail from the mailbox “%(mailbox)s” for more than %(limit)s minutes. "
        "Mail may be waiting on the server; nothing is lost there.\n\nThe server said: %(said)s\n\n"
        "Look at the page of the mailbox in the administration: it says what to do."
    )
    facts = {"mailbox": mailbox.name, "limit": mailbox.silence_limit, "said": mailbox.last_said or "–"}
    return Trouble(mailbox, _("Mailbox “%(mailbox)s” is silent"), text, facts)


def broken(channel: Channel) -> Trouble:
    text = _(
        "No mail goes out by the channel “%(channel)s”: the last %(times)s attempts failed. Its mails wait in the outbox, and "
        "Postvak tries again by itself; nothing is lost.\n\nThe server said: %(said)s\n\n"
        "Look at the page of the channel in the administration: it says what to do."
    )
    facts = {"channel": channel.name, "times": channel.failures, "said": channel.last_said or "–"}
    return Trouble(channel, _("Nothing goes out by the channel “%(channel)s”"), text, facts)


def troubles(now: datetime) -> list[Trouble]:
    return [silent(mailbox) for mailbox in silent_mailboxes(now)] + [broken(channel) for channel in broken_channels()]


class Alarm:
    """Remembers, in one worker, when it last found no way out; everything else stands in the rows."""

    def __init__(self) -> None:
        self.not_before: datetime | None = None

    def tell_one(self, now: datetime, *, worker: str) -> int:
        """Tell of one trouble, and forget those that are over; returns how many were told of."""
        found = troubles(now)
        forget_others(found)
        untold = [one for one in found if one.row.alarmed_at is None or one.row.alarmed_at <= now - AGAIN]
        if not untold or (self.not_before is not None and now < self.not_before):
            return 0
        trouble = untold[0]
        if not Lease.objects.take(trouble.lease, worker):
            return 0
        if not tell(trouble, now):
            self.not_before = now + PAUSE
            return 0
        type(trouble.row)._default_manager.filter(pk=trouble.row.pk).update(alarmed_at=now)
        return 1


def forget_others(found: Sequence[Trouble]) -> None:
    for model in (Mailbox, Channel):
        keys = [one.row.pk for one in found if isinstance(one.row, model)]
        model._default_manager.exclude(alarmed_at=None).exclude(pk__in=keys).update(alarmed_at=None)


def tell(trouble: Trouble, now: datetime) -> bool:
    """Try the channels one after the other until every administrator's mail was taken; False: nobody could be told."""
    admins = list(Agent.objects.filter(is_admin=True, is_active=True).order_by("pk"))
    for channel in channels_for(trouble.row):
        try:
            if send(channel, trouble, admins, now):
                return True
        except (ConnectionProblem, CannotOpen) as problem:
            log.warning("no alarm about %s through channel %s: %s", trouble.row, channel.name, problem)
    return False


def channels_for(row: Mailbox | Channel) -> list[Channel]:
    """Valid servers; those that share nothing with the account in trouble first, paused ones last."""
    channels = list(Channel.objects.filter(is_valid=True, kind=Channel.Kind.SMTP))
    return sorted(channels, key=lambda channel: (shares_fate(channel, row), channel.paused_until is not None))


def shares_fate(channel: Channel, row: Mailbox | Channel) -> bool:
    """The same connected account, or a server of the same domain."""
    same_grant = channel.grant_id is not None and channel.grant_id == row.grant_id
    return same_grant or channel.host.split(".")[-2:] == row.host.split(".")[-2:]


def send(channel: Channel, trouble: Trouble, admins: Sequence[Agent], now: datetime) -> bool:
    """Did the server take the mail for at least one administrator? Raises ConnectionProblem, CannotOpen."""
    sender = address_by(channel)
    if not sender:
        return False
    taken = 0
    with with_endpoint(channel, SmtpSession) as session:
        for admin in admins:
            attempt = session.send(sender, [admin.email], signed_if_possible(alarm_mail(trouble, sender, admin, now)))
            taken += attempt.replies[admin.email].is_success
    return taken > 0


def signed_if_possible(raw: bytes) -> bytes:
    """An alarm that may end up in the junk folder is better than none."""
    try:
        return sign(raw)
    except CannotSign as error:
        log.warning("an alarm goes out unsigned: %s", error)
        return raw


def alarm_mail(trouble: Trouble, sender: str, admin: Agent, now: datetime) -> bytes:
    """In the administrator's language; marked as automatic (RFC 3834), so that nobody's machine answers."""
    with translation.override(admin.language or settings.LANGUAGE_CODE):
        subject, text = trouble.subject % trouble.facts, trouble.text % trouble.facts
    return compose(
        Draft(
            author=MailAddress("Postvak", sender),
            to=(MailAddress(admin.name, admin.email),),
            subject=subject,
            text=text,
            message_id=f"alarm.{secrets.token_hex(8)}@{sender.rpartition('@')[2]}",
            date=now,
            headers=(("Auto-Submitted", "auto-generated"), ("X-Auto-Response-Suppress", "All")),
        )
    )
