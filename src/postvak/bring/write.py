"""Writes what is imported: tickets, messages, files, receipts, customers; set-based, all of a batch or nothing of it.

The past is written as it was: with its dates, and without anything that follows from news. Triggers tell of the changes;
these rows go in the same transaction, so no rule, bell, clock, webhook or assignment ever hears of them.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone

from postvak.blobs import store
from postvak.bring import memory
from postvak.bring.house import House
from postvak.bring.people import customers_of
from postvak.bring.records import write_receipts
from postvak.bring.values import Case, Entry
from postvak.mail.addresses import normalise
from postvak.mail.threading import canonical_message_id
from postvak.mail.values import Address
from postvak.models import Attachment, Change, History, Message, Participant, ReferencedId, Tag, Tagging, Ticket
from postvak.models.status import Status
from postvak.tickets.numbers import allocate

Kind = Message.Kind
PAST = "imported_"  # how the codes of lines of the old system begin
REFERENCES_KEPT, ADDRESSES_KEPT, LONGEST_NUMBER = 30, 1000, 40
TICKET_FIELDS = (
    "status", "is_open", "closed_at", "changed_at", "preview", "message_count", "attachment_count", "is_unread",
    "waiting_since", "first_answered_at", "late_told_at",
)  # fmt: skip


@dataclass(slots=True)
class Sheet:
    """A case on its way; rows are filled in step by step. `is_ours`: an import opened the ticket, so its status is the import's."""

    case: Case
    ticket: Ticket
    is_new: bool
    is_ours: bool
    messages: list[tuple[Entry, Message]] = field(default_factory=list)


def write(house: House, cases: Sequence[Case], step: Callable[[Counter[str]], None]) -> list[Sheet]:
    """`step` is called with what was written, inside the transaction."""
    raws = [entry.raw for case in cases for entry in case.entries if entry.raw]
    blobs = store.prepare(raws)  # slow, so before the transaction
    with transaction.atomic():
        store.save(blobs)
        existing = locked_tickets(cases)
        mark = newest_change()
        customers = customers_of(people_in(cases, house))
        sheets = prepare_sheets(house, cases, existing, customers)
        prepare_messages(sheets, customers, iter(blob.digest for blob in blobs))
        save_tickets(house, sheets)
        save_messages(sheets)
        write_receipts(house, sheets)
        write_beside(house, sheets)
        forget_changes(mark, [sheet.ticket.pk for sheet in sheets])
        keep_in_mind(house, sheets)
        step(counted(sheets))
    return sheets


def locked_tickets(cases: Iterable[Case]) -> dict[int, Ticket]:
    keys = {case.ticket for case in cases if case.ticket is not None}
    if not keys:
        return {}
    return {row.pk: row for row in Ticket.objects.select_for_update().filter(pk__in=keys).order_by("pk")}


def people_in(cases: Iterable[Case], house: House) -> list[Address]:
    """Who wrote to us, and whom tickets are for; never ourselves."""
    people = [case.customer for case in cases if case.customer]
    people += [entry.author for case in cases for entry in case.entries if is_theirs(entry)]
    return [one for one in people if normalise(one.email) not in house.ours]


def is_theirs(entry: Entry) -> bool:
    return entry.author_kind == Message.AuthorKind.CUSTOMER


# ---- tickets ------------------------------------------------------------


def prepare_sheets(
    house: House, cases: Sequence[Case], existing: Mapping[int, Ticket], customers: Mapping[str, int]
) -> list[Sheet]:
    imported = imported_ones(existing)
    numbers = numbers_for([case for case in cases if case.ticket is None])
    sheets = []
    for case in cases:
        if case.ticket is not None and case.ticket in existing:
            sheets.append(Sheet(case, existing[case.ticket], is_new=False, is_ours=case.ticket in imported))
        elif case.ticket is None:
            number = numbers.get(id(case), case.number)
            sheets.append(Sheet(case, new_ticket(house, case, number, customers), is_new=True, is_ours=True))
    return sheets


def imported_ones(tickets: Mapping[int, Ticket]) -> set[int]:
    if not tickets:
        return set()
    return set(History.objects.filter(ticket__in=tickets, code="imported").values_list("ticket_id", flat=True))


def numbers_for(cases: Sequence[Case]) -> dict[int, str]:
    """By id(case): fresh numbers, of the day on which the ticket began, for those that have none or one that is taken."""
    wished = [case.number for case in cases if case.number]
    taken = set(Ticket.objects.filter(number__in=wished).values_list("number", flat=True)) if wished else set()
    seen: set[str] = set()
    by_day: dict[object, list[Case]] = {}
    for case in cases:
        if case.number and case.number not in taken | seen and len(case.number) <= LONGEST_NUMBER:
            seen.add(case.number)
        else:
            by_day.setdefault(timezone.localdate(began(case)), []).append(case)
    numbers: dict[int, str] = {}
    for day, some in by_day.items():
        given = allocate(len(some), day)  # type: ignore[arg-type]
        numbers |= {id(case): number for case, number in zip(some, given, strict=True)}
    return numbers


def began(case: Case) -> datetime:
    return case.created_at or min((entry.at for entry in case.entries), default=timezone.now())


def new_ticket(house: House, case: Case, number: str, customers: Mapping[str, int]) -> Ticket:
    """Status and numbers follow, when its messages are known."""
    at = began(case)
    ticket = Ticket(
        number=number,
        subject=case.subject,
        queue_id=case.queue,
        status=house.status(case.status or "closed"),
        type_id=case.type,
        assignee_id=case.assignee,
        customer_id=customers.get(normalise(case.customer.email)) if case.customer else None,
        reply_address_id=house.reply.get(case.queue),
        created_at=at,
        changed_at=at,
        pending_until=case.pending_until,
        is_spam=case.is_spam,
        fields=dict(case.fields),
    )
    if case.priority is not None:
        ticket.priority_id = case.priority
    return ticket


def save_tickets(house: House, sheets: Sequence[Sheet]) -> None:
    for sheet in sheets:
        settle(house, sheet)
    Ticket.objects.bulk_create([sheet.ticket for sheet in sheets if sheet.is_new])
    Ticket.objects.bulk_update([sheet.ticket for sheet in sheets if not sheet.is_new], TICKET_FIELDS)


def settle(house: House, sheet: Sheet) -> None:
    """What lists show of the messages. The status of a ticket that lived here already stays as it is."""
    ticket, written = sheet.ticket, [message for _entry, message in sheet.messages]
    mails = sorted((one for one in written if one.kind != Kind.NOTE), key=lambda one: one.created_at)
    was, is_newest = ticket.changed_at, False
    if written:
        last = max(one.created_at for one in written)
        is_newest = sheet.is_new or last >= was
        ticket.changed_at = max(was, last)
    ticket.message_count += len(written)
    ticket.attachment_count += sum(files_of(entry) for entry, _message in sheet.messages)
    answers = [one.created_at for one in mails if one.kind == Kind.OUTGOING]
    ticket.first_answered_at = min([at for at in (ticket.first_answered_at, *answers) if at], default=None)
    if mails and is_newest:
        ticket.preview = Ticket.preview_of(mails[-1].text)
    ticket.is_unread = ticket.is_unread and not sheet.is_ours
    if sheet.is_ours and (sheet.is_new or (is_newest and not sheet.case.status)):
        set_state(house, sheet, mails[-1] if mails else None)


def files_of(entry: Entry) -> int:
    return sum(not one.is_inline for one in entry.mail.attachments) if entry.mail else 0


def set_state(house: House, sheet: Sheet, last: Message | None) -> None:
    ticket = sheet.ticket
    status = house.status(sheet.case.status or state_of(house, ticket, last))
    ticket.status, ticket.is_open = status, status.is_open
    ticket.closed_at = None if status.is_open else (sheet.case.closed_at or ticket.changed_at)
    if status.type != Status.Type.PENDING or (ticket.pending_until and ticket.pending_until <= house.now):
        ticket.pending_until = None  # what is over would ring now
    asks = last is not None and last.kind == Kind.INCOMING and status.is_open and not ticket.is_spam
    ticket.waiting_since = last.created_at if asks and last else None
    if ticket.is_open and ticket.due_at is None:
        ticket.late_told_at = house.now  # what is late by then is nobody's news, when its clock begins to be kept


def state_of(house: House, ticket: Ticket, last: Message | None) -> str:
    """Of mails: a key of a status."""
    if last is None or house.open_since is None or last.created_at < house.open_since:
        return "closed"
    if last.kind == Kind.OUTGOING:
        return "customer"
    return "open" if ticket.first_answered_at else "new"


# ---- messages ------------------------------------------------------------


def prepare_messages(sheets: Sequence[Sheet], customers: Mapping[str, int], digests: Iterator[str]) -> None:
    """`digests`: of the entries that have bytes, in the order of the cases."""
    for sheet in sheets:
        for entry in sheet.case.entries:
            digest = next(digests) if entry.raw else None
            sheet.messages.append((entry, new_message(sheet.ticket, entry, digest, customers)))


def save_messages(sheets: Sequence[Sheet]) -> None:
    made = Message.objects.bulk_create([message for sheet in sheets for _entry, message in sheet.messages])
    entries = [entry for sheet in sheets for entry, _message in sheet.messages]
    Attachment.objects.bulk_create(
        Attachment(
            message=message,
            part=info.index,
            name=info.name,
            content_type=info.content_type[:255],
            size=info.size,
            content_id=info.content_id,
            is_inline=info.is_inline,
        )
        for entry, message in zip(entries, made, strict=True)
        if entry.mail
        for info in entry.mail.attachments
    )


def new_message(ticket: Ticket, entry: Entry, digest: str | None, customers: Mapping[str, int]) -> Message:
    return Message(
        ticket=ticket,
        kind=entry.kind,
        author_kind=entry.author_kind,
        is_internal=entry.is_internal,
        agent_id=entry.agent,
        customer_id=customers.get(normalise(entry.author.email)) if is_theirs(entry) else None,
        created_at=entry.at,
        sent_at=entry.mail.date if entry.mail else None,
        author_name=(entry.author.name or entry.author.email.partition("@")[0])[:200],
        author_email=entry.author.email[:320],
        to=pairs(entry.to),
        cc=pairs(entry.cc),
        subject=entry.subject,
        text=entry.text,
        has_html=bool(entry.mail and entry.mail.html),
        mail_kind=entry.mail.kind.value if entry.mail and entry.kind == Kind.INCOMING else "",
        message_id=canonical_message_id(entry.message_id),
        references=list(entry.references),
        blob_id=digest,
    )


def pairs(addresses: Iterable[Address]) -> list[list[str]]:
    return [[one.name, one.email] for one in addresses][:ADDRESSES_KEPT]


# ---- what hangs on them ------------------------------------------------------------


def write_beside(house: House, sheets: Sequence[Sheet]) -> None:
    """Participants, references, tags, and where the ticket came from."""
    Participant.objects.bulk_create(
        [
            Participant(ticket=sheet.ticket, customer_id=customer)
            for sheet in sheets
            for customer in {one.customer_id for _entry, one in sheet.messages if one.customer_id}
            if customer != sheet.ticket.customer_id
        ],
        ignore_conflicts=True,
    )
    ReferencedId.objects.bulk_create(
        ReferencedId(message=message, value=value[:255])
        for sheet in sheets
        for entry, message in sheet.messages
        for value in entry.unknown[:REFERENCES_KEPT]
    )
    tag(sheets)
    History.objects.bulk_create(lines_of(house, sheets))


def lines_of(house: House, sheets: Sequence[Sheet]) -> Iterator[History]:
    """What happened there, and that it came here. Of a ticket that is here, what happened there since."""
    known = dict(
        History.objects.filter(ticket__in=[one.ticket for one in sheets if not one.is_new], code__startswith=PAST)
        .order_by()
        .values_list("ticket")
        .annotate(newest=Max("at"))
    )
    for one in sheets:
        for line in one.case.history:
            if one.is_new or (one.ticket.pk in known and line.at > known[one.ticket.pk]):
                yield History(
                    ticket=one.ticket, at=line.at, agent_id=line.agent, code=line.code, parameters=dict(line.parameters)
                )
        if one.is_new:
            yield History(ticket=one.ticket, at=house.now, code="imported", parameters={"source": house.title})


def tag(sheets: Sequence[Sheet]) -> None:
    words = {word.casefold(): word for sheet in sheets for word in sheet.case.tags if word.strip()}
    if not words:
        return
    Tag.objects.bulk_create([Tag(name=word[:100]) for word in words.values()], ignore_conflicts=True)
    known = {name.casefold(): pk for name, pk in Tag.objects.values_list("name", "pk")}
    Tagging.objects.bulk_create(
        [
            Tagging(ticket=sheet.ticket, tag_id=known[word.casefold()])
            for sheet in sheets
            for word in sheet.case.tags
            if word.casefold() in known
        ],
        ignore_conflicts=True,
    )


def newest_change() -> int:
    return Change.objects.aggregate(newest=Max("pk"))["newest"] or 0


def forget_changes(mark: int, tickets: Iterable[int]) -> None:
    """Nobody follows what was written here. Tickets that were there are locked, so their rows since `mark` are ours."""
    Change.objects.filter(pk__gt=mark, ticket_id__in=list(tickets))._raw_delete(using=connection.alias)


def keep_in_mind(house: House, sheets: Sequence[Sheet]) -> None:
    tickets = {sheet.case.key: sheet.ticket.pk for sheet in sheets if sheet.case.key}
    messages = {entry.key: one.pk for sheet in sheets for entry, one in sheet.messages}
    if tickets:
        memory.keep(house.source, "ticket", tickets, job=house.job)
    memory.keep(house.source, house.entry_kind, messages, job=house.job)


def counted(sheets: Sequence[Sheet]) -> Counter[str]:
    found = Counter(str(entry.kind) for sheet in sheets for entry, _message in sheet.messages)
    found["tickets"] = sum(sheet.is_new for sheet in sheets)
    found["renumbered"] = sum(
        bool(sheet.is_new and sheet.case.number and sheet.ticket.number != sheet.case.number) for sheet in sheets
    )
    found["files"] = sum(files_of(entry) for sheet in sheets for entry, _message in sheet.messages)
    found["history"] = sum(len(sheet.case.history) for sheet in sheets if sheet.is_new)
    return found


def soon(now: datetime, days: int) -> datetime | None:
    """From when on tickets stay open; null: none does."""
    return now - timedelta(days=days) if days else None
