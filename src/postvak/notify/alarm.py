"""A silent mailbox is told to the administrators by mail, through a channel that still works. Spec 01: silence alarm.

The mail goes out at once, past the outbox: it belongs to no ticket, and it must not wait behind a channel that is
disturbed for the same reason. It is noted only after a server took it; until then it is tried again.
"""

import logging
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from postvak.connect.endpoint import with_endpoint
from postvak.crypto.sealing import CannotOpen
from postvak.mail.compose import Draft, compose
from postvak.mail.values import Address as MailAddress
from postvak.models import Agent, Channel, Lease, Mailbox
from postvak.net.connection import ConnectionProblem
from postvak.receive.silence import silent_mailboxes
from postvak.send.sender import address_by
from postvak.send.smtp import SmtpSession

log = logging.getLogger("postvak.notify")

AGAIN = timedelta(days=1)  # a mailbox that stays silent is told again
PAUSE = timedelta(minutes=15)  # between tries while no channel works


class Alarm:
    """Remembers, in one worker, when it last found no way out; everything else stands in the mailbox's row."""

    def __init__(self) -> None:
        self.not_before: datetime | None = None

    def tell_one(self, now: datetime, *, worker: str) -> int:
        """Tell of one silent mailbox, and forget those that are well again; returns how many were told of."""
        silent = silent_mailboxes(now)
        Mailbox.objects.exclude(alarmed_at=None).exclude(pk__in=[box.pk for box in silent]).update(alarmed_at=None)
        untold = [box for box in silent if box.alarmed_at is None or box.alarmed_at <= now - AGAIN]
        if not untold or (self.not_before is not None and now < self.not_before):
            return 0
        mailbox = untold[0]
        if not Lease.objects.take(f"alarm:{mailbox.pk}", worker):
            return 0
        if not tell(mailbox, now):
            self.not_before = now + PAUSE
            return 0
        Mailbox.objects.filter(pk=mailbox.pk).update(alarmed_at=now)
        return 1


def tell(mailbox: Mailbox, now: datetime) -> bool:
    """Try the channels one after the other until every administrator's mail was taken; False: nobody could be told."""
    admins = list(Agent.objects.filter(is_admin=True, is_active=True).order_by("pk"))
    for channel in channels_for(mailbox):
        try:
            if send(channel, mailbox, admins, now):
                return True
        except (ConnectionProblem, CannotOpen) as problem:
            log.warning("no alarm about mailbox %s through channel %s: %s", mailbox.name, channel.name, problem)
    return False


def channels_for(mailbox: Mailbox) -> list[Channel]:
    """Valid servers; those that share nothing with the silent mailbox first, paused ones last."""
    channels = list(Channel.objects.filter(is_valid=True, kind=Channel.Kind.SMTP))
    return sorted(channels, key=lambda channel: (shares_fate(channel, mailbox), channel.paused_until is not None))


def shares_fate(channel: Channel, mailbox: Mailbox) -> bool:
    """The same connected account, or a server of the same domain."""
    same_grant = channel.grant_id is not None and channel.grant_id == mailbox.grant_id
    return same_grant or channel.host.split(".")[-2:] == mailbox.host.split(".")[-2:]


def send(channel: Channel, mailbox: Mailbox, admins: Sequence[Agent], now: datetime) -> bool:
    """Did the server take the mail for at least one administrator? Raises ConnectionProblem, CannotOpen."""
    sender = address_by(channel)
    if not sender:
        return False
    taken = 0
    with with_endpoint(channel, SmtpSession) as session:
        for admin in admins:
            attempt = session.send(sender, [admin.email], alarm_mail(mailbox, sender, admin, now))
            taken += attempt.replies[admin.email].is_success
    return taken > 0


def alarm_mail(mailbox: Mailbox, sender: str, admin: Agent, now: datetime) -> bytes:
    """In the administrator's language; marked as automatic (RFC 3834), so that nobody's machine answers."""
    with translation.override(admin.language or settings.LANGUAGE_CODE):
        facts = {"mailbox": mailbox.name, "limit": mailbox.silence_limit, "said": mailbox.last_said or "–"}
        text = _(
            "Postvak has fetched no mail from the mailbox “%(mailbox)s” for more than %(limit)s minutes. "
            "Mail may be waiting on the server; nothing is lost there.\n\nThe server said: %(said)s\n\n"
            "Look at the page of the mailbox in the administration: it says what to do."
        )
        subject = _("Mailbox “%(mailbox)s” is silent") % facts
    return compose(
        Draft(
            author=MailAddress("Postvak", sender),
            to=(MailAddress(admin.name, admin.email),),
            subject=subject,
            text=text % facts,
            message_id=f"alarm.{secrets.token_hex(8)}@{sender.rpartition('@')[2]}",
            date=now,
            headers=(("Auto-Submitted", "auto-generated"), ("X-Auto-Response-Suppress", "All")),
        )
    )
