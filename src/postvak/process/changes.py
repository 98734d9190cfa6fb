"""apply, third part: attributes of tickets, and what hangs on them (tags, followers, links, numbers, notes, mails)."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from django.db.models import Q, Value
from django.db.models.functions import Lower

from postvak.log.reason import Parameter
from postvak.mail.addresses import normalise
from postvak.models import (
    Agent,
    AutomaticMail,
    ExternalReference,
    History,
    Message,
    Priority,
    Queue,
    ReferencedId,
    Status,
    Tag,
    Tagging,
    Ticket,
    TicketLink,
    TicketType,
)
from postvak.notify.sifting import note_stop
from postvak.process.plan import Attributes, PlannedMail
from postvak.process.work import Work

REFERENCES_KEPT = 30

CHANGED = (
    "status", "is_open", "closed_at", "queue", "priority", "type", "assignee", "organisation", "subject", "fields",
    "pending_until", "is_spam",
)  # fmt: skip


def dress(ticket: Ticket, wished: Attributes, statuses: Mapping[str, Status], now: datetime) -> None:
    """Attributes that are the same for new tickets and old ones."""
    if wished.status_key is not None:
        set_status(ticket, statuses[wished.status_key], now)
    if wished.priority is not None:
        ticket.priority_id = wished.priority
    if wished.type_id is not None:
        ticket.type_id = wished.type_id
    if wished.is_unassigned or wished.assignee_id is not None:
        ticket.assignee_id = wished.assignee_id
    if wished.organisation_id is not None:
        ticket.organisation_id = wished.organisation_id
    if wished.title is not None:
        ticket.subject = wished.title
    if wished.pending_until is not None and ticket.status.type == Status.Type.PENDING:
        ticket.pending_until = wished.pending_until
    ticket.fields = ticket.fields | {key: list(values) for key, values in wished.fields.items()}
    ticket.is_spam = ticket.is_spam or wished.is_spam


def set_status(ticket: Ticket, status: Status, now: datetime) -> None:
    """Only what waits has a reminder, as when a person sets the status."""
    ticket.status, ticket.is_open = status, status.is_open
    ticket.closed_at = None if status.is_open else now
    is_over = ticket.pending_until is not None and ticket.pending_until <= now
    if status.type != Status.Type.PENDING or is_over:
        ticket.pending_until = None


def change_ticket(work: Work, ticket: Ticket, statuses: Mapping[str, Status], now: datetime) -> None:
    """A follow-up's attributes."""
    wished = work.plan.attributes
    if wished.queue_id is not None:
        ticket.queue_id = wished.queue_id
    dress(ticket, wished, statuses, now)


def tell_changes(work: Work, before: Ticket, after: Ticket) -> None:
    """Lines of history, as agents' own changes write them."""
    work.lines.extend(line(work, code, **parameters) for code, parameters in changes(before, after))


def changes(before: Ticket, after: Ticket) -> Iterator[tuple[str, dict[str, Parameter]]]:
    old = snapshot(before)
    for code, new in snapshot(after).items():
        if old[code] != new:
            yield code, {"old": old[code], "new": new}
    if after.is_spam and not before.is_spam:
        yield "spam", {}
    if after.pending_until and after.pending_until != before.pending_until:
        yield "pending", {"until": after.pending_until.isoformat()}
    for key, values in after.fields.items():
        if before.fields.get(key) != values:
            yield "field", {"field": key, "old": ", ".join(before.fields.get(key, [])) or "–", "new": ", ".join(values)}


def snapshot(ticket: Ticket) -> dict[str, Parameter]:
    """What history tells, by ids; names() puts the names in."""
    return {
        "status": ticket.status.key if ticket.status_id else "",
        "queue": ticket.queue_id,
        "priority": ticket.priority_id,
        "type": ticket.type_id,
        "assignee": ticket.assignee_id,
        "title": ticket.subject,
    }


def line(work: Work, code: str, **parameters: Parameter) -> History:
    return History(
        ticket_id=work.ticket_id, at=work.receipt.received_at, receipt=work.receipt, code=code, parameters=parameters
    )


def name_lines(wave: Sequence[Work]) -> None:
    """Ids become names, as agents' own changes write them; nothing changed, nothing queried."""
    lines = [line for work in wave for line in work.lines]
    models: Mapping[str, type[Queue] | type[Agent] | type[Priority] | type[TicketType]] = {
        "queue": Queue, "assignee": Agent, "priority": Priority, "type": TicketType,
    }  # fmt: skip
    for code, model in models.items():
        rows = [line for line in lines if line.code == code]
        ids = {line.parameters[side] for line in rows for side in ("old", "new")} - {None}
        names = {row.pk: row.name for row in model._default_manager.filter(pk__in=ids)} if ids else {}
        for row in rows:
            row.parameters = {side: named(names, row.parameters[side], code) for side in ("old", "new")}
    for row in (row for row in lines if row.code == "status"):
        row.parameters = {side: str(value) for side, value in row.parameters.items()}


def named(names: Mapping[int, str], key: Parameter, code: str) -> Parameter:
    """Shipped priorities are written by level, so that they show in the reader's language."""
    return names.get(int(key), "") or (key if code == "priority" else "–") if key is not None else "–"


def attach(wave: Sequence[Work], now: datetime) -> None:
    """Everything that hangs on tickets and messages; each only when some mail of the wave asks for it."""
    tag(wave)
    follow(wave)
    TicketLink.objects.bulk_create(
        [
            TicketLink(ticket_id=work.ticket_id, origin_id=link.origin_id, kind=link.kind)
            for work in wave
            if work.plan.new_ticket
            for link in {link.origin_id: link for link in work.plan.links}.values()
        ],
        ignore_conflicts=True,
    )
    ExternalReference.objects.bulk_create(
        [
            ExternalReference(external_id=rule, value=value, ticket_id=work.ticket_id)
            for work in wave
            if work.plan.writes_message
            for rule, value in work.plan.externals
        ],
        ignore_conflicts=True,
    )
    ReferencedId.objects.bulk_create(
        ReferencedId(message=work.message, value=value[:255])
        for work in wave
        if work.message is not None
        for value in work.facts.unknown_references[:REFERENCES_KEPT]
    )
    write_notes(wave)
    AutomaticMail.objects.bulk_create(
        automatic_mail(work, mail, now) for work in wave for mail in (*work.plan.mails, *work.plan.stopped)
    )


def automatic_mail(work: Work, mail: PlannedMail, now: datetime) -> AutomaticMail:
    """To be written, or, where the plan says why not, settled already."""
    row = AutomaticMail(
        ticket_id=work.ticket_id,
        trigger=work.message,
        kind=mail.kind,
        recipients=list(mail.recipients),
        text=mail.text,
        agent_id=mail.agent_id,
        rule_id=mail.rule_id,
        own_address=mail.own_address[:320],
        created_at=now,
        next_attempt_at=now + timedelta(minutes=mail.minutes),
    )
    if len(mail.recipients) == 1:
        row.address = normalise(mail.recipients[0])[:320]
    if mail.rule_id is not None and work.message is not None:
        row.occasion = f"message:{work.message.pk}"
    if mail.reason is not None:
        row.state, row.settled_at = AutomaticMail.State.SKIPPED, now
        row.reason, row.parameters = mail.reason.code, dict(mail.reason.parameters)
    return row


def open_breaks(wave: Sequence[Work], now: datetime) -> None:
    """The limits that stopped mails of the wave, in one order for all workers."""
    stopped = [(mail.own_address, mail.reason) for work in wave for mail in work.plan.stopped if mail.reason]
    held = [("", reason) for work in wave for reason in work.plan.reasons if reason.code == "held_loop"]
    for ours, reason in sorted([*stopped, *held], key=lambda one: (one[0], str(one[1].parameters), one[1].code)):
        note_stop(reason, ours, now)


def tag(wave: Sequence[Work]) -> None:
    """Tags that don't exist yet are made; letter case makes no difference."""
    added = [
        (work.ticket_id, word) for work in wave if work.plan.writes_message for word in work.plan.attributes.add_tags
    ]
    removed = [(work.ticket_id, word) for work in wave if work.plan.ticket for word in work.plan.attributes.remove_tags]
    if not added and not removed:
        return
    tags = find_tags({word for _, word in (*added, *removed)})
    missing = {word.casefold(): word for _, word in added if word.casefold() not in tags}
    if missing:
        tags |= make_tags(missing)
    taggings = [Tagging(ticket_id=t, tag_id=tags[word.casefold()]) for t, word in added if word.casefold() in tags]
    Tagging.objects.bulk_create(taggings, ignore_conflicts=True)
    for ticket, word in removed:
        Tagging.objects.filter(ticket_id=ticket, tag_id=tags.get(word.casefold(), 0)).delete()


def find_tags(words: Collection[str]) -> dict[str, int]:
    """Casefolded word -> tag. SQLite knows the small letters of ASCII only, so for others all tags are looked at."""
    lowered = {word.lower() for word in words}
    tags = Tag.objects.order_by("-pk")
    rows = tags.annotate(lowered=Lower("name")).filter(Q(lowered__in=lowered) | Q(name__in=words))
    found = {name.casefold(): pk for name, pk in rows.values_list("name", "pk")}
    if any(not word.isascii() and word.casefold() not in found for word in words):
        found = {name.casefold(): pk for name, pk in tags.values_list("name", "pk")}
    return found


def make_tags(missing: Mapping[str, str]) -> dict[str, int]:
    """Of what the database takes for the name of another tag, that one: its small letters may differ from Python's."""
    Tag.objects.bulk_create([Tag(name=word) for word in missing.values()], ignore_conflicts=True)
    found = find_tags(missing.values())
    for key in missing.keys() - found:
        same = Tag.objects.annotate(lowered=Lower("name")).filter(lowered=Lower(Value(missing[key]))).first()
        found |= {key: same.pk} if same else {}
    return found


def follow(wave: Sequence[Work]) -> None:
    Ticket.followers.through._default_manager.bulk_create(
        [
            Ticket.followers.through(ticket_id=work.ticket_id, agent_id=agent_id)
            for work in wave
            if work.plan.writes_message
            for agent_id in work.plan.attributes.follower_ids
        ],
        ignore_conflicts=True,
    )


def write_notes(wave: Sequence[Work]) -> None:
    Message.objects.bulk_create(
        Message(
            ticket_id=work.ticket_id,
            kind=Message.Kind.NOTE,
            author_kind=Message.AuthorKind.SYSTEM,
            is_internal=note.is_internal,
            created_at=work.receipt.received_at,
            author_name="Postvak",
            text=note.text,
        )
        for work in wave
        if work.plan.writes_message
        for note in work.plan.attributes.notes
    )
