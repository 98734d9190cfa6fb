"""Alarms that a server took stand in the ledger as any other mail, though they go past the outbox; and how many of each sort went."""

import logging
from datetime import datetime

from django.db import transaction

from postvak.blobs import store
from postvak.mail.compose import Draft
from postvak.mail.threading import canonical_message_id
from postvak.models import Channel, Delivery, DeliveryEvent, OutgoingMail

log = logging.getLogger("postvak.notify")
State = Delivery.State
OTHER = "other"  # sort of what no rule of the message centre is for


def id_of(sort: str, word: str) -> str:
    """The left part of a Message-ID. `sort`: trigger of the rule, "" for none."""
    return f"alarm.{sort or OTHER}.{word}"


def record(draft: Draft, raw: bytes, recipient: str, *, channel: Channel, said: str) -> None:
    """It is out. Where its bytes can't be stored now, the log says so, and nothing else fails for that."""
    try:
        (blob,) = store.prepare([raw])
    except store.VaultUnreachable as error:
        log.warning("the alarm “%s” to %s is not in the ledger: %s", draft.subject, recipient, error)
        return
    with transaction.atomic():
        store.save([blob])
        outgoing = OutgoingMail.objects.create(
            author_email=draft.author.email,
            subject=draft.subject,
            message_id_header=canonical_message_id(draft.message_id),
            channel=channel,
            blob=blob,
            envelope_from=draft.author.email,
            created_at=draft.date,
            attempts=1,
        )
        delivery = Delivery.objects.create(
            outgoing=outgoing, recipient=recipient, state=State.ACCEPTED, said=said, changed_at=draft.date
        )
        DeliveryEvent.objects.create(delivery=delivery, at=draft.date, kind=State.ACCEPTED, said=said)


def number_since(sort: str, moment: datetime) -> int:
    mails = OutgoingMail.objects.filter(message=None, ticket=None, created_at__gte=moment)
    return mails.filter(message_id_header__startswith=id_of(sort, "")).count()
