"""What a provider tells afterwards: delivered, delayed, came back, blocked, complained, opened. Spec 04.

A state only moves to where the mail really is: an event that is older than what we know, or one that says less, is
written into the delivery's story and nothing else. An event that is reported again is written once.
"""

import hashlib
import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from postvak.log.status_codes import is_blocked
from postvak.mail.addresses import normalise
from postvak.mail.charsets import storable
from postvak.models import Channel, Delivery, DeliveryEvent, OutgoingMail
from postvak.send.provider_session import MARK, mark_of
from postvak.send.record import Result, is_rejection, refresh_answer, tell_ticket, wake_ticket

log = logging.getLogger("postvak.send")

State = Delivery.State
ACCEPTED, DELAYED, OPENED, CLICKED = str(State.ACCEPTED), "delayed", "opened", "clicked"
RETURNED = {State.BOUNCED, State.BLOCKED}
DECIDED = {State.DELIVERED, State.BOUNCED, State.BLOCKED, State.COMPLAINED}
LONGEST_SAID = 2000

KINDS: Mapping[str, str] = {
    "queued": ACCEPTED,
    "sent": ACCEPTED,
    "delivered": State.DELIVERED,
    "deferred": DELAYED,
    "bounced": State.BOUNCED,
    "failed": State.BOUNCED,
    "rejected": State.BOUNCED,
    "complained": State.COMPLAINED,
    "opened": OPENED,
    "clicked": CLICKED,
}
BLOCKED_BECAUSE = {"blocked", "spam"}


@dataclass(frozen=True, slots=True)
class Reported:
    """One event about one recipient. `kind`: as in DeliveryEvent; `mark`: what we gave the provider along with the mail;
    `is_passing`: the mail came back, but not because of the address."""

    kind: str
    recipient: str
    remote_id: str
    mark: str
    at: datetime
    said: str
    source_id: str
    is_passing: bool = False


def reported(event: Any, now: datetime) -> Reported | None:
    """django-anymail's normalised event as ours; None for kinds that say nothing about a delivery."""
    kind = KINDS.get(event.event_type)
    if kind is None:
        return None
    said = words(event)
    if kind == State.BOUNCED and (event.reject_reason in BLOCKED_BECAUSE or is_blocked(said)):
        kind = State.BLOCKED
    return Reported(
        kind=kind,
        recipient=storable(str(event.recipient or "")).strip(),
        remote_id=storable(str(event.message_id or ""))[:255],
        mark=mark_in(event),
        at=min(event.timestamp.astimezone(UTC), now) if event.timestamp else now,
        said=storable(str(event.click_url or ""))[:LONGEST_SAID] if kind in (OPENED, CLICKED) else said,
        source_id=source_id(event),
        is_passing=is_soft(event.esp_event),
    )


def words(event: Any) -> str:
    """The other server's words; the provider's own ones where they say more than the sort of the event."""
    found = [str(one).strip() for one in (event.mta_response, event.description) if one]
    said = " – ".join(dict.fromkeys(found)) or str(event.reject_reason or "")
    return storable(said.replace("\0", "\ufffd"))[:LONGEST_SAID]


def mark_in(event: Any) -> str:
    """From the metadata; Amazon gives the tags of the request back."""
    metadata = event.metadata if isinstance(event.metadata, dict) else {}
    if MARK in metadata:
        return str(metadata[MARK])
    source = event.esp_event if isinstance(event.esp_event, dict) else {}
    mail = source.get("mail")
    tags = mail.get("tags") if isinstance(mail, dict) else None
    found = tags.get(MARK) if isinstance(tags, dict) else None
    return str(found[0]) if isinstance(found, list) and found else ""


def source_id(event: Any) -> str:
    """The same for an event that is sent again. Not every provider numbers his events, and some number the request."""
    time = event.timestamp.isoformat() if event.timestamp else (event.event_id or as_json(event.esp_event))
    parts = (event.event_type, event.message_id, event.recipient, event.mta_response, event.click_url, time)
    written = "\n".join(str(part or "") for part in parts)
    return hashlib.sha256(written.encode("utf-8", "surrogatepass")).hexdigest()[:64]


def as_json(values: object) -> str:
    return json.dumps(values, sort_keys=True, default=str)


def is_soft(source: object) -> bool:
    """The provider calls it a soft bounce, each in his own way."""
    if not isinstance(source, dict):
        return False
    named = {str(source.get(key, "")).lower().replace("_", "") for key in ("event", "Type", "type")}
    bounce = source.get("bounce")
    by_amazon = isinstance(bounce, dict) and bounce.get("bounceType") in ("Transient", "Undetermined")
    return "softbounce" in named or by_amazon or source.get("hard_bounce") is False


def record_all(channel: Channel, events: Iterable[Reported]) -> int:
    """Write the events of one request; returns how many were new. Each is a transaction of its own."""
    return sum(record(channel, event) for event in events)


def record(channel: Channel, event: Reported) -> bool:
    """False: an event of a mail that isn't ours, or one that is known already, or one that nobody wants to know."""
    now = timezone.now()
    with transaction.atomic():
        delivery = find(channel, event)
        if delivery is None:
            log.info("channel %s: %s for a mail that is not known here", channel.name, event.kind)
            return False
        if not is_wanted(event, delivery) or is_known(event, delivery):
            return False
        moves = may_move(delivery, event)
        write_event(delivery, event)
        if moves:
            move(delivery, event, now)
            settle(delivery, event, now)
    return True


def find(channel: Channel, event: Reported) -> Delivery | None:
    """By our mark, else by the provider's id; its outgoing mail is locked, as send.record does."""
    rows = Delivery.objects.filter(outgoing__channel=channel)
    outgoing = by_mark(channel, event.mark)
    if outgoing is not None:
        rows = rows.filter(outgoing=outgoing)
    elif event.remote_id:
        rows = rows.filter(remote_id=event.remote_id).exclude(remote_id="")  # else SQLite doesn't see its index
    else:
        return None
    candidates = list(rows.values_list("pk", "recipient", "outgoing")[:1000])
    wanted = normalise(event.recipient) if event.recipient else ""
    fitting = [row for row in candidates if not wanted or normalise(row[1]) == wanted]
    if len(fitting) != 1:
        return None
    key, _recipient, mail = fitting[0]
    OutgoingMail.objects.select_for_update().get(pk=mail)
    return Delivery.objects.select_related("outgoing__message__ticket__status").get(pk=key)


def by_mark(channel: Channel, mark: str) -> OutgoingMail | None:
    key = mark.partition("-")[0]
    if not (key.isascii() and key.isdigit() and len(key) < 19):
        return None
    mail = OutgoingMail.objects.filter(pk=int(key), channel=channel).select_related("message").first()
    return mail if mail is not None and mark_of(mail) == mark else None


def is_wanted(event: Reported, delivery: Delivery) -> bool:
    """Opened and clicked only where the brand wants to know; accepted only where we weren't sure of it."""
    if event.kind in (OPENED, CLICKED):
        message = delivery.outgoing.message
        return message is not None and message.ticket.queue.brand.tracks_opening
    if event.kind == ACCEPTED:
        return delivery.state == State.IN_DOUBT or (delivery.state == State.DEFERRED and delivery.resent)
    return True


def is_known(event: Reported, delivery: Delivery) -> bool:
    return DeliveryEvent.objects.filter(delivery=delivery, source_id=event.source_id).exists()


def may_move(delivery: Delivery, event: Reported) -> bool:
    """Is the mail where the event says it is? What was stopped stays stopped, and a complaint says it all."""
    if event.kind not in {ACCEPTED, *DECIDED} or delivery.state in {State.CANCELLED, State.COMPLAINED, event.kind}:
        return False
    if event.kind in {ACCEPTED, State.COMPLAINED}:
        return True
    last = DeliveryEvent.objects.filter(delivery=delivery, kind__in=DECIDED).order_by("-at", "-pk").first()
    if last is None:
        return True
    return event.at > last.at if event.kind == State.DELIVERED else event.at >= last.at


def write_event(delivery: Delivery, event: Reported) -> None:
    DeliveryEvent.objects.create(
        delivery=delivery, at=event.at, kind=event.kind, said=event.said, source_id=event.source_id
    )


def move(delivery: Delivery, event: Reported, now: datetime) -> None:
    """A bounce that will pass tells the suppression list nothing; what is delivered or came back isn't tried again."""
    Delivery.objects.filter(pk=delivery.pk).update(
        state=event.kind,
        code=None,
        said=event.said,
        changed_at=now,
        is_judged=event.is_passing and event.kind in RETURNED,
        remote_id=delivery.remote_id or event.remote_id,
    )
    delivery.state = event.kind


def settle(delivery: Delivery, event: Reported, now: datetime) -> None:
    """A mail that came back opens its ticket again, as a refusal does; any other news only changes the ticket's mark. Of
    mails to agents no ticket tells."""
    if delivery.outgoing.message is None:
        return
    ticket_id = delivery.outgoing.message.ticket_id
    if delivery.state in RETURNED:
        tell_ticket(ticket_id, [(delivery, Result(State(event.kind), None, event.said))], now)
        if not is_rejection(delivery.outgoing):
            wake_ticket(ticket_id, now)
    refresh_answer(ticket_id)
