"""The texts of tickets that are here already, to be learned; and which tickets people have handled. Reads only."""

from collections.abc import Iterable, Mapping, Sequence

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from postvak.blobs import store
from postvak.classify.text import Text
from postvak.crypto.sealing import is_sealed
from postvak.learn.decided import CHANGED, WORK
from postvak.learn.texts import fit_for, text_of
from postvak.learn.values import ACTED, PRIORITY, QUEUE, SPAM_TARGET
from postvak.mail.parse import parse
from postvak.models import Classifier, History, Message, Prediction, Priority, Queue, Receipt, Status, Ticket
from postvak.tickets.views import NOT_MERGED

HEAD = 64 * 1024  # bytes that are looked at for the header of a mail
MailKind = Message.Kind


def open_labels(target: str) -> frozenset[str] | None:
    """Of queues that take part and priorities that are valid; None: all."""
    if target == QUEUE:
        rows = Queue.objects.filter(is_valid=True, is_proposed=True).values_list("pk", flat=True)
        return frozenset(map(str, rows))
    if target == PRIORITY:
        return frozenset(map(str, Priority.objects.filter(is_valid=True).values_list("level", flat=True)))
    return None


def handled(classifier: Classifier) -> QuerySet[Ticket]:
    """Tickets that a person looked at and left as they are, in queues that take part. What classification did and nobody corrected is no
    decision of anybody; what spam is about is no subject of a queue."""
    lines = History.objects.filter(ticket=OuterRef("pk"), agent__isnull=False)
    answers = Message.objects.filter(
        ticket=OuterRef("pk"), kind=MailKind.OUTGOING, author_kind=Message.AuthorKind.AGENT
    )
    brought = History.objects.filter(ticket=OuterRef("pk"), code="imported")
    is_decided = (
        Exists(lines.filter(code__in=CHANGED | (WORK - {"status"})))
        | Exists(answers)
        | (Exists(lines.filter(code="status")) & Q(status__type=Status.Type.CLOSED))
        | (Exists(brought) & Q(is_open=False))
    )
    silent = Prediction.objects.filter(ticket=OuterRef("pk"), target=classifier.target, role=ACTED, wanted="")
    rows = Ticket.objects.filter(is_decided, ~Exists(silent), NOT_MERGED, queue__is_proposed=True)
    rows = rows.exclude(status__type=Status.Type.REMOVED)
    if classifier.target == SPAM_TARGET:
        return rows
    rows = rows.filter(is_spam=False)
    return rows.filter(queue__is_valid=True) if classifier.target == QUEUE else rows


def texts_of(target: str, tickets: Sequence[Ticket]) -> dict[int, Text]:
    """By ticket: its first mail as classification sees it. Tickets that no mail opened are left out."""
    messages = first_mails([ticket.pk for ticket in tickets])
    addresses = {ticket.pk: ticket.reply_address.email if ticket.reply_address else "" for ticket in tickets}
    found = {
        message.ticket_id: text_of(
            subject=message.subject,
            text=message.text,
            sender=message.author_email,
            recipient=addresses[message.ticket_id],
        )
        for message in messages
    }
    return with_signs_of(messages, found) if target == SPAM_TARGET else found


def first_mails(tickets: Iterable[int]) -> list[Message]:
    mails = Message.objects.filter(ticket=OuterRef("pk"), kind=MailKind.INCOMING, side=None).order_by(
        "created_at", "pk"
    )
    first = Ticket.objects.filter(pk__in=tickets).annotate(first=Subquery(mails.values("pk")[:1])).values("first")
    return list(Message.objects.filter(pk__in=first))


def with_signs_of(messages: Sequence[Message], texts: Mapping[int, Text]) -> dict[int, Text]:
    """Bytes that can't be read at the moment give none."""
    raws = store.find_all([str(message.blob_id) for message in messages])
    rows = Receipt.objects.filter(message__in=messages, mailbox__is_trusted=True)
    believed = set(rows.values_list("message_id", flat=True))
    return {
        message.ticket_id: fit_for(
            SPAM_TARGET,
            texts[message.ticket_id],
            headers_of(raws[str(message.blob_id)]),
            level=str((message.trust or {}).get("level", "")),
            is_trusted=message.pk in believed,
        )
        for message in messages
    }


def headers_of(raw: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(raw, bytes) or is_sealed(raw):
        return ()
    beginning = raw[:HEAD]
    ends = [place for place in (beginning.find(b"\r\n\r\n"), beginning.find(b"\n\n")) if place >= 0]
    return parse(beginning[: min(ends)] + b"\r\n\r\n" if ends else beginning).headers
