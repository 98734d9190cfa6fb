"""Everything about one person as a ZIP (GDPR, articles 15 and 20): a card to read, his tickets, and mails of his elsewhere.

Internal notes and what others wrote on their own tickets are not his; of those tickets only his own messages are in it.
"""

import json
import zipfile
from collections.abc import Iterator
from datetime import datetime

from django.utils import timezone

from postvak.blobs import store
from postvak.keep.readable import readable_customer
from postvak.keys.reading import CantRead
from postvak.keys.reading import original as stored_original
from postvak.models import Customer, Message
from postvak.tickets.export import Pipe, entries, entry_info, folder_of, tickets_of
from postvak.tickets.privacy import person as about

CHUNK = 50


def about_person(customer: Customer) -> Iterator[bytes]:
    """In pieces, with flat memory."""
    person, pipe = about.person_of(customer), Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(entry_info("person.json", timezone.now()), card(customer, person))
        for ticket in tickets_of(about.own_tickets(person).values_list("pk", flat=True)):
            for name, content, at in entries(ticket):
                archive.writestr(entry_info(f"tickets/{folder_of(ticket)}/{name}", at), content)
                yield pipe.take()
        for message in elsewhere(person):
            archive.writestr(entry_info(f"elsewhere/{name_of(message)}", message.created_at), original(message))
            yield pipe.take()
        for key, received_at, digest in receipts(person):
            archive.writestr(entry_info(f"without-ticket/{key}.eml", received_at), found(digest))
            yield pipe.take()
    yield pipe.take()


def card(customer: Customer, person: about.Person) -> bytes:
    values = readable_customer(customer) | {
        "what_there_is": {str(line.label): line.number for line in about.report(person)},
        "mails_received": list(
            about.receipts(person)
            .order_by("pk")
            .values("received_at", "outcome", "author_email", "written_to", "subject")
        ),
        "mails_sent": list(
            about.deliveries(person).order_by("pk").values("outgoing__created_at", "recipient", "state", "changed_at")
        ),
    }
    return json.dumps(values, ensure_ascii=False, indent=1, default=str).encode()


def elsewhere(person: about.Person) -> Iterator[Message]:
    """On tickets of others."""
    messages = about.written(person).exclude(ticket__customer=person.key).exclude(blob=None)
    yield from messages.order_by("pk").iterator(chunk_size=CHUNK)


def name_of(message: Message) -> str:
    return f"{message.created_at:%Y-%m-%d} {message.pk}.eml"


def original(message: Message) -> bytes:
    """As it came: an encrypted mail stays so. What we sealed ourselves is unsealed."""
    try:
        return stored_original(message)
    except (CantRead, store.BlobMissing, store.VaultUnreachable) as error:
        return f"This mail can't be read at the moment: {error}\n".encode()


def receipts(person: about.Person) -> Iterator[tuple[int, datetime, str]]:
    rows = about.receipts(person).filter(message=None).exclude(blob=None).order_by("pk")
    yield from rows.values_list("pk", "received_at", "blob_id").iterator(chunk_size=CHUNK)


def found(digest: str) -> bytes:
    """What can't be read is named."""
    try:
        return store.get(digest)
    except (store.BlobMissing, store.VaultUnreachable) as error:
        return f"This mail can't be read at the moment: {error}\n".encode()
