"""What a person does in the outbox: try again, stop, correct a recipient. Each names who did it. Spec 04.

A mail that a worker has in hand is left alone: the recipients whom it is serving would get the mail twice, or after it
was stopped. Rows are locked in the order outgoing mail, ticket, as send.record does.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from postvak.mail.addresses import is_valid_recipient, normalise
from postvak.models import Address, Agent, Channel, Delivery, DeliveryEvent, History, OutgoingMail
from postvak.send.protect import sentence
from postvak.send.protection import Protection, possible
from postvak.send.record import refresh_answer
from postvak.send.suppress import suppressed

State = Delivery.State
TRIED_AGAIN = (State.DEFERRED, State.FAILED, State.IN_DOUBT, State.BOUNCED, State.BLOCKED)
STOPPABLE = (State.QUEUED, *TRIED_AGAIN)
NOBODY_GOT_IT = (State.QUEUED, State.DEFERRED, State.FAILED, State.CANCELLED)
LEFT = (State.ACCEPTED, State.DELIVERED, State.IN_DOUBT, State.BOUNCED, State.BLOCKED, State.COMPLAINED)
CHUNK = 500


class CannotCorrect(Exception):
    """The recipient can't be replaced by that; the text says why."""


def retry_now(outgoing: OutgoingMail, *, by: Agent | None = None) -> bool:
    """Try the unfinished or failed recipients again at once, or send now what waits for its time; False: nothing to
    try, or a worker is at it."""
    now = timezone.now()
    with transaction.atomic():
        row = in_nobodys_hands(outgoing)
        again = list(row.deliveries.filter(state__in=TRIED_AGAIN)) if row else []
        is_waiting = row is not None and row.deliveries.filter(state=State.QUEUED).exists()
        if row is None or not (again or is_waiting):
            return False
        queue_again(again, now)
        OutgoingMail.objects.filter(pk=row.pk).update(next_attempt_at=now, attempts=0, retried_at=now, send_at=None)
        Channel.objects.filter(pk=row.channel_id).update(paused_until=None)
        write_events(again or row.deliveries.filter(state=State.QUEUED), "retry", by, now)
        tell_ticket(row, "sending_retried", by, {"to": joined(again or row.deliveries.all())}, now)
    return True


def queue_again(deliveries: Sequence[Delivery], now: datetime) -> None:
    """`is_judged` starts anew: if it fails again, the suppression list hears of it."""
    Delivery.objects.filter(pk__in=[delivery.pk for delivery in deliveries]).update(
        state=State.QUEUED, changed_at=now, is_judged=False
    )


def retry_channel(mails: QuerySet[OutgoingMail], channel: Channel, *, by: Agent | None = None) -> int:
    """Everything of the channel among `mails` that waits for its next attempt goes now; returns how many mails. What
    failed for good stays: nothing that is long forgotten leaves by accident."""
    now = timezone.now()
    waiting = Delivery.objects.filter(state=State.DEFERRED, outgoing__channel=channel, outgoing__claimed_by="")
    keys = sorted(set(waiting.filter(outgoing__in=mails).values_list("outgoing", flat=True)))
    for start in range(0, len(keys), CHUNK):
        with transaction.atomic():
            free = OutgoingMail.objects.select_for_update().filter(pk__in=keys[start : start + CHUNK], claimed_by="")
            chunk = list(free.values_list("pk", flat=True))
            OutgoingMail.objects.filter(pk__in=chunk).update(next_attempt_at=now, retried_at=now)
            write_events(Delivery.objects.filter(outgoing__in=chunk, state=State.DEFERRED), "retry", by, now)
    Channel.objects.filter(pk=channel.pk).update(paused_until=None)
    return len(keys)


def stop(row: OutgoingMail, now: datetime, *, by: Agent | None) -> list[Delivery]:
    """Nothing more is tried for those who didn't get it; returns whom that concerns. Call with the row locked."""
    stopped = list(row.deliveries.filter(state__in=STOPPABLE))
    Delivery.objects.filter(pk__in=[delivery.pk for delivery in stopped]).update(state=State.CANCELLED, changed_at=now)
    write_events(stopped, State.CANCELLED, by, now)
    OutgoingMail.objects.filter(pk=row.pk).update(next_attempt_at=None)
    return stopped


def has_left(row: OutgoingMail) -> bool:
    """Somebody got it, or may have got it."""
    if row.deliveries.exclude(state__in=NOBODY_GOT_IT).exists():
        return True
    return DeliveryEvent.objects.filter(delivery__outgoing=row, kind__in=LEFT).exists()


def correct_recipient(delivery: Delivery, address: str, *, by: Agent | None = None) -> Delivery:
    """Send the same bytes to `address` instead; the old delivery stays, cancelled, with its story. Raises CannotCorrect."""
    now, address = timezone.now(), address.strip()
    if delivery.outgoing.message_id is None:
        raise CannotCorrect(_("This mail is for an agent. Correct the address in the agent's own settings."))
    check_address(address)
    with transaction.atomic():
        row = in_nobodys_hands(delivery.outgoing)
        old = row.deliveries.filter(pk=delivery.pk, state__in=STOPPABLE).first() if row else None
        if row is None or old is None:
            raise CannotCorrect(_("This mail is on its way at this moment, or arrived. Look again."))
        if any(normalise(one.recipient) == normalise(address) for one in row.deliveries.all()):
            raise CannotCorrect(_("%(address)s is a recipient of this mail already.") % {"address": address})
        check_readable(row, address, now)
        Delivery.objects.filter(pk=old.pk).update(state=State.CANCELLED, changed_at=now)
        write_events([old], "replaced", by, now, said=address)
        new = Delivery.objects.create(outgoing=row, recipient=address, changed_at=now)
        write_events([new], State.QUEUED, by, now)
        OutgoingMail.objects.filter(pk=row.pk).update(next_attempt_at=now, attempts=0, retried_at=now, send_at=None)
        tell_ticket(row, "recipient_corrected", by, {"old": old.recipient, "new": address}, now)
    return new


def check_address(address: str) -> None:
    if not is_valid_recipient(address):
        raise CannotCorrect(_("“%(typed)s” is not an e-mail address.") % {"typed": address})
    if Address.objects.filter(email=normalise(address)).exists():
        raise CannotCorrect(_("%(address)s is an address of ours.") % {"address": address})
    if suppressed([address]):
        raise CannotCorrect(
            _("Mail to %(address)s comes back, too. Release it on the ticket first.") % {"address": address}
        )


def check_readable(row: OutgoingMail, address: str, now: datetime) -> None:
    """A mail that goes out encrypted needs a key of whoever gets it instead."""
    if not (row.protection or {}).get("encrypt"):
        return
    (ability,) = possible([address], now)
    if Protection.read(row.protection or {}).kind not in ability.keys:
        raise CannotCorrect(sentence(ability))


def in_nobodys_hands(outgoing: OutgoingMail) -> OutgoingMail | None:
    """The row, locked; None while a worker has it. A lease that ran out counts as free, unless the outcome is unknown."""
    free = Q(claimed_by="") | Q(claimed_until__lte=timezone.now())
    row = OutgoingMail.objects.select_for_update().filter(free, pk=outgoing.pk).first()
    return None if row and row.deliveries.filter(state=State.SENDING).exists() else row


def write_events(deliveries: Iterable[Delivery], kind: str, by: Agent | None, now: datetime, *, said: str = "") -> None:
    DeliveryEvent.objects.bulk_create(
        (DeliveryEvent(delivery=delivery, at=now, kind=kind, agent=by, said=said) for delivery in deliveries),
        batch_size=CHUNK,
    )


def tell_ticket(row: OutgoingMail, code: str, by: Agent | None, parameters: dict[str, str], now: datetime) -> None:
    """Of mails to agents no ticket tells."""
    if row.message is not None:
        ticket = row.message.ticket_id
        History.objects.create(ticket_id=ticket, at=now, agent=by, code=code, parameters=parameters)
        refresh_answer(ticket)


def joined(deliveries: Iterable[Delivery]) -> str:
    return ", ".join(delivery.recipient for delivery in deliveries)
