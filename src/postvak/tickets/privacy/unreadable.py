"""Messages of an erased person on tickets that stay: his are emptied, and those of others lose his name, his addresses and
what they quote of him."""

from collections.abc import Iterator

from django.db import transaction

from postvak.blobs import store
from postvak.mail.redact import MARK, pattern_of
from postvak.models import AttachmentText, Message, ReferencedId, Ticket
from postvak.tickets.privacy.contents import exchange, forget_security
from postvak.tickets.privacy.lessons import forget_words
from postvak.tickets.privacy.person import Person, written
from postvak.tickets.privacy.redaction import hide_around, redact_one
from postvak.tickets.privacy.whole import forget_receipts
from postvak.tickets.search.index import read_again

SHORTEST_LINE = 8  # letters of a line that is looked for in quotes
LINES_AT_ONCE = 100
STUB = "Subject: {mark}\r\nContent-Type: text/plain; charset=utf-8\r\nX-Postvak-Erased: message {key}\r\n\r\n{mark}\r\n"


def make_unreadable(ticket: Ticket, person: Person) -> None:
    """Doing it twice changes nothing more."""
    his = list(written(person).filter(ticket=ticket))
    lines = sorted({line for message in his for line in lines_of(message)}, key=len, reverse=True)
    for message in his:
        empty(message)
    with transaction.atomic():
        forget_words(ticket.pk)
    is_his = ticket.customer_id == person.key
    for words in [*chunks(lines), person.words]:  # lines first: they may have his name in them
        pattern = pattern_of(words)
        for message in ticket.messages.exclude(pk__in=[one.pk for one in his]):
            with transaction.atomic():
                redact_one(message, pattern)
        hide_around(ticket, pattern)
    if is_his:
        Ticket.objects.filter(pk=ticket.pk).update(subject=MARK, preview=MARK)
        ticket.messages.update(subject=MARK)
        read_again(ticket.messages.values_list("pk", flat=True))


def lines_of(message: Message) -> Iterator[str]:
    """His own words, as others may quote them."""
    for line in [message.subject, *message.text.splitlines()]:
        plain = line.strip(" >\t|")
        if len(plain) >= SHORTEST_LINE:
            yield plain


def chunks(lines: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(lines), LINES_AT_ONCE):
        yield lines[start : start + LINES_AT_ONCE]


@transaction.atomic
def empty(message: Message) -> None:
    """Nothing of it is left but that there was a message, and when."""
    receipts = list(message.receipts.values_list("pk", flat=True))
    if message.blob_id and store_has(message):
        exchange(str(message.blob_id), STUB.format(mark=MARK, key=message.pk).encode())
    message.refresh_from_db(fields=["blob"])
    forget_security(message)
    ReferencedId.objects.filter(message=message).delete()
    AttachmentText.objects.filter(attachment__message=message).delete()
    message.attachments.all().delete()
    message.text, message.subject, message.author_name, message.author_email = MARK, MARK, MARK, ""
    message.to, message.cc, message.references, message.message_id, message.has_html = [], [], [], "", False
    message.save()
    keep_links(message, receipts)
    read_again([message.pk])


def store_has(message: Message) -> bool:
    """Not the stub already."""
    try:
        return b"\r\nX-Postvak-Erased: " not in store.get(str(message.blob_id))[:400]
    except store.BlobMissing:
        return True


def keep_links(message: Message, receipts: list[int]) -> None:
    """Its receipts say nothing any more, but where the mail went."""
    forget_receipts(receipts)
    rows = message.receipts.model._default_manager.filter(pk__in=receipts)
    rows.update(ticket=message.ticket_id, message=message.pk, blob=message.blob_id)
