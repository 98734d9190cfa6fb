"""The trash: tickets are put there, taken out again, and after the days of the options deleted for good.

Nothing is deleted while a mail of the ticket is still to go out. Receipts and their traces stay and say what happened;
RemovedTicket keeps the fate of our own mails, so that the ledger's numbers go on adding up. Bytes that nobody else needs
are condemned, as retention does (receive.retention buries them).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce
from django.db.models.lookups import LessThan
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from postvak.blobs import store
from postvak.models import (
    Agent,
    AutomaticMail,
    DraftFile,
    MailSecurity,
    Message,
    Options,
    OutgoingMail,
    Receipt,
    RemovedTicket,
    Status,
    Ticket,
    Trace,
)
from postvak.tickets.access import demand
from postvak.tickets.columns import ACTIVE, unanswered
from postvak.tickets.history import write_history
from postvak.tickets.privacy.lessons import forget_lessons

BATCH = 20  # tickets per round, each in a transaction of its own
THROWN_AT = Coalesce("closed_at", "changed_at")  # no column, so that no index of closed tickets is walked
TIMES = ("waiting_since", "pending_until", "closed_at")
STATE = ["status", "is_open", "changed_at", *TIMES]


def move_to_trash(ticket: Ticket, *, by: Agent) -> None:
    """The line of history keeps what restore() needs. `closed_at` says since when it lies there."""
    if ticket.status.type == Status.Type.REMOVED:
        return
    demand(by, "delete", ticket.queue_id)
    with transaction.atomic():
        times = {name: at.isoformat() for name in TIMES if (at := getattr(ticket, name))}
        write_history(
            ticket, "trashed", by=by, old=ticket.status.name or ticket.status.key, key=ticket.status.key, **times
        )
        ticket.status, ticket.is_open = Status.objects.get(key="trash"), False
        ticket.changed_at = ticket.closed_at = timezone.now()
        ticket.waiting_since = ticket.pending_until = None
        ticket.save(update_fields=STATE)


def restore(ticket: Ticket, *, by: Agent) -> None:
    """It has the status again that it had before, and whoever waited then waits again."""
    if ticket.status.type != Status.Type.REMOVED:
        return
    demand(by, "delete", ticket.queue_id)
    with transaction.atomic():
        line = ticket.history.filter(code__in=["trashed", "status"]).last()
        before: Mapping[str, object] = line.parameters if line else {}
        status = status_before(before)
        write_history(ticket, "restored", by=by, new=status.name or status.key)
        ticket.status, ticket.is_open, ticket.changed_at = status, status.is_open, timezone.now()
        ticket.closed_at = None if status.is_open else time_in(before, "closed_at") or ticket.changed_at
        ticket.pending_until = time_in(before, "pending_until") if status.type == Status.Type.PENDING else None
        ticket.waiting_since = waits_since(ticket, before) if status.type in ACTIVE else None
        ticket.save(update_fields=STATE)


def status_before(before: Mapping[str, object]) -> Status:
    """By key; a line of another change of the status has its name or its key. Open when it is gone."""
    found = Status.objects.exclude(type=Status.Type.REMOVED)
    key, name = before.get("key", ""), before.get("old", "")
    return (
        found.filter(key=key).first()
        or found.filter(Q(key=name) | Q(name=name)).first()
        or Status.objects.get(key="open")
    )


def waits_since(ticket: Ticket, before: Mapping[str, object]) -> datetime | None:
    if "key" in before:
        return time_in(before, "waiting_since")
    first = unanswered(ticket).first()
    return first.created_at if first else None


def time_in(before: Mapping[str, object], name: str) -> datetime | None:
    value = before.get(name)
    return parse_datetime(value) if isinstance(value, str) else None


# -- emptied ----------------------------------------------------------------------------


def goes_at(ticket: Ticket) -> datetime | None:
    """When a ticket in the trash is deleted; null: never."""
    days = Options.objects.values_list("trash_days", flat=True).get()
    if not days or ticket.status.type != Status.Type.REMOVED:
        return None
    return (ticket.closed_at or ticket.changed_at) + timedelta(days=days)


def next_to_go(tickets: QuerySet[Ticket]) -> Ticket | None:
    """The one of these that lies in the trash for the longest."""
    return trashed(tickets).order_by(THROWN_AT).first()


def trashed(tickets: QuerySet[Ticket]) -> QuerySet[Ticket]:
    """Found by their status, whatever else there is to look by: the trash is small, closed tickets are many."""
    removed = list(Status.objects.filter(type=Status.Type.REMOVED).values_list("pk", flat=True))
    return tickets.filter(status__in=removed)


def purge(now: datetime) -> int:
    """One round; returns how many tickets were deleted (0: nothing left to do)."""
    days = Options.objects.values_list("trash_days", flat=True).get()
    if not days:
        return 0
    before = now - timedelta(days=days)
    due = deletable(before).order_by(THROWN_AT).values_list("pk", flat=True)
    return sum(remove(pk, before, now) for pk in list(due[:BATCH]))


def deletable(before: datetime) -> QuerySet[Ticket]:
    """In the trash since then or longer, with nothing on its way out."""
    going = OutgoingMail.objects.filter(next_attempt_at__isnull=False)
    sending = Exists(going.filter(message__ticket=OuterRef("pk"))) | Exists(going.filter(ticket=OuterRef("pk")))
    writing = AutomaticMail.objects.filter(ticket=OuterRef("pk"), state=AutomaticMail.State.PENDING)
    old = trashed(Ticket.objects.all()).filter(LessThan(THROWN_AT, before))
    return old.exclude(sending).exclude(Exists(writing))


@transaction.atomic
def remove(pk: int, before: datetime, now: datetime) -> bool:
    """Delete the ticket and those that were merged into it. False: somebody took it out of the trash, or a mail is to go
    out by now."""
    locked = list(Ticket.objects.select_for_update().filter(Q(pk=pk) | Q(merged_into=pk)).order_by("pk"))
    if not deletable(before).filter(pk=pk).exists():
        return False
    digests: set[str] = set()
    for ticket in sorted(locked, key=lambda row: row.pk == pk):  # what was merged points to the other one
        keep_record(ticket, now)
        receipts = receipts_of(ticket)
        digests |= digests_of(ticket, receipts)
        let_go(receipts, ticket, now)
        for way in ("ticket", "trigger__ticket", "message__ticket", "outgoing__ticket"):
            AutomaticMail.objects.filter(**{way: ticket}).delete()
        mails_of(ticket).delete()
        Message.objects.filter(ticket=ticket).delete()
        ticket.delete()
    forget_lessons()
    store.condemn(digests, now)
    return True


def keep_record(ticket: Ticket, now: datetime) -> None:
    mails = mails_of(ticket).prefetch_related("deliveries").order_by("pk")
    RemovedTicket.objects.create(
        number=ticket.number,
        queue_id=ticket.queue_id,
        trashed_at=ticket.closed_at or ticket.changed_at,
        removed_at=now,
        message_count=ticket.message_count,
        mails=[
            {
                "at": mail.created_at.isoformat(),
                "from": mail.envelope_from,
                "to": [[one.recipient, one.state, one.changed_at.isoformat()] for one in mail.deliveries.all()],
            }
            for mail in mails
        ],
    )


def mails_of(ticket: Ticket) -> QuerySet[OutgoingMail]:
    """Of its conversation, and those that told agents of it."""
    mails = OutgoingMail.objects.order_by().values("pk")
    return OutgoingMail.objects.filter(pk__in=mails.filter(message__ticket=ticket).union(mails.filter(ticket=ticket)))


def receipts_of(ticket: Ticket) -> list[int]:
    """Two questions, each with an index."""
    found = (
        Receipt.objects.filter(**{way: ticket}).values_list("pk", flat=True) for way in ("ticket", "message__ticket")
    )
    return sorted({key for keys in found for key in keys})


def digests_of(ticket: Ticket, receipts: Sequence[int]) -> set[str]:
    """Bytes of its mails, of their receipts, and of files that agents had put into drafts."""
    found = (
        Message.objects.filter(ticket=ticket).values_list("blob_id", flat=True),
        mails_of(ticket).values_list("blob_id", flat=True),
        MailSecurity.objects.filter(message__ticket=ticket).values_list("view_id", flat=True),
        Receipt.objects.filter(pk__in=receipts).values_list("blob_id", flat=True),
        DraftFile.objects.filter(draft__ticket=ticket).values_list("blob_id", flat=True),
    )
    return {digest for digests in found for digest in digests if digest}


def let_go(receipts: Sequence[int], ticket: Ticket, now: datetime) -> None:
    """They stay with their outcome and their reasons, and say where the mail went. Of a private ticket nobody else learns
    what it was about."""
    gone = ["trash", "ticket_removed", {"ticket": ticket.number, "until": now.isoformat()}]
    traces = list(Trace.objects.filter(pk__in=receipts))
    for trace in traces:
        trace.entries = [*trace.entries, gone]
    Trace.objects.bulk_update(traces, ["entries"], batch_size=100)
    untold = set(receipts) - {trace.pk for trace in traces}
    Trace.objects.bulk_create([Trace(receipt_id=key, entries=[gone]) for key in untold])
    rows = Receipt.objects.filter(pk__in=receipts)
    if ticket.is_private:
        rows.update(subject="", author_email="")
    rows.update(ticket=None, message=None, blob=None)
