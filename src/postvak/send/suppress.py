"""The suppression list: addresses to which mail came back for good, or who complained. Spec 04.

Deliveries fail in several places (a reply to RCPT, a delivery report that comes in); one look at all that were not
judged yet keeps the list, so that no place can forget it.
"""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet

from postvak.log.status_codes import is_address_gone
from postvak.mail.addresses import ascii_domain, normalise
from postvak.mail.charsets import storable
from postvak.models import Agent, Delivery, History, Suppression, Ticket

State = Delivery.State
BATCH = 100


def suppress_returned(now: datetime) -> int:
    """Judge deliveries that failed since the last look; returns how many. One indexed query when there are none."""
    unjudged = Delivery.objects.filter(is_judged=False, state__in=Delivery.RETURNED)
    if not unjudged.exists():
        return 0
    with transaction.atomic():
        rows = list(
            unjudged.select_for_update(skip_locked=True, of=("self",))
            .select_related("outgoing__message")
            .order_by("id")[:BATCH]
        )
        for delivery in rows:
            judge(delivery, now)
        Delivery.objects.filter(pk__in=[delivery.pk for delivery in rows]).update(is_judged=True)
    return len(rows)


def judge(delivery: Delivery, now: datetime) -> None:
    """A complaint counts always, a failure only when the address itself is the reason."""
    is_complaint = delivery.state == State.COMPLAINED
    if not is_complaint and not is_address_gone(delivery.said, code=delivery.code):
        return
    reason = Suppression.Reason.COMPLAINED if is_complaint else Suppression.Reason.BOUNCED
    _row, is_new = Suppression.objects.get_or_create(
        address=normalise(delivery.recipient)[:320],
        defaults={"reason": reason, "since": now, "delivery": delivery, "said": delivery.said},
    )
    if is_new and delivery.outgoing.message:  # of mails to agents no ticket tells
        write_history(delivery.outgoing.message.ticket_id, f"suppressed_{reason}", delivery.recipient, None, now)


def suppressed(addresses: Iterable[str]) -> list[Suppression]:
    """The rows of those among `addresses` that are on the list."""
    return list(Suppression.objects.filter(address__in={normalise(address) for address in addresses}))


def listed(text: str = "") -> QuerySet[Suppression]:
    """Newest first: rows are made in that order. With `text`: a part of the address, or of what the server said."""
    rows = Suppression.objects.order_by("-pk")
    wanted = storable(text).strip()
    if not wanted:
        return rows
    address = normalise(wanted) if "@" in wanted else ascii_domain(wanted.lower())
    return rows.filter(Q(address__contains=address) | Q(said__icontains=wanted))


def release(address: str, ticket: Ticket | None, now: datetime, *, by: Agent | None) -> bool:
    """Take an address off the list; `ticket`: where somebody decided it, null: that of the mail that came back, as
    far as it is known. False: it wasn't on it."""
    row = Suppression.objects.filter(address=normalise(address)).select_related("delivery__outgoing__message").first()
    with transaction.atomic():
        if row is None or not Suppression.objects.filter(pk=row.pk).delete()[0]:
            return False
        place = ticket.pk if ticket else ticket_of(row)
        if place is not None:
            write_history(place, "suppression_released", address, by, now)
    return True


def ticket_of(row: Suppression) -> int | None:
    message = row.delivery.outgoing.message if row.delivery else None
    return message.ticket_id if message else None


def write_history(ticket_id: int, code: str, address: str, by: Agent | None, now: datetime) -> None:
    History.objects.create(ticket_id=ticket_id, at=now, agent=by, code=code, parameters={"to": address})
