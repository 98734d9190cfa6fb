"""apply: carries out plans in one transaction together with the receipts' outcomes. Spec 02, part 3.

Set-based: the number of statements doesn't grow with the batch. Nothing is decided here.
"""

from collections.abc import Mapping, Sequence
from copy import copy
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from postvak.keys.collect import collect
from postvak.keys.security import security_row
from postvak.mail.threading import canonical_message_id
from postvak.mail.values import Address as MailAddress
from postvak.mail.values import Mail
from postvak.models import (
    Attachment,
    Delivery,
    DeliveryEvent,
    History,
    MailSecurity,
    Message,
    Options,
    Participant,
    Receipt,
    SideConversation,
    Status,
    Ticket,
    Trace,
)
from postvak.models.row_updates import update_rows
from postvak.process.assignees import drop_blind, find_assignees, moves_or_assigns, tell_left_out
from postvak.process.changes import (
    CHANGED,
    attach,
    change_ticket,
    dress,
    name_lines,
    open_breaks,
    set_status,
    tell_changes,
)
from postvak.process.customers import author_name, make_customers
from postvak.process.plan import ReportedDelivery
from postvak.process.proposed_rows import keep_proposals
from postvak.process.reports import DELAYED, NOT_OUT, may_become
from postvak.process.work import Work
from postvak.tickets.numbers import allocate

WRITTEN_TO = 1000  # characters
BAD_DELIVERIES = {Delivery.State.BOUNCED, Delivery.State.BLOCKED}


class LeaseLost(Exception):
    """Another worker took a receipt over meanwhile: nothing was written, it is theirs now."""


class MergedMeanwhile(Exception):
    """A ticket was merged since the facts were gathered: nothing was written, look again."""


def apply(batch: Sequence[Work], *, worker: str) -> None:
    """Write everything or nothing. Raises LeaseLost, MergedMeanwhile, IntegrityError (a copy was faster), or what the
    database says."""
    with transaction.atomic():
        check_leases(batch, worker)
        now = timezone.now()
        update_deliveries(batch, now)
        make_customers(batch)
        statuses = load_statuses() if writes_tickets(batch) else {}
        make_tickets(batch, statuses, now)
        make_messages(batch)
        make_participants(batch)
        update_tickets(batch, statuses, now)
        attach([work for work in batch if work.plan.writes_message], now)
        keep_proposals(batch, now)
        touch_sides(batch, now)
        write_traces(batch)
        finish_receipts(batch, now)
        open_breaks(batch, now)


def writes_tickets(batch: Sequence[Work]) -> bool:
    return any(work.plan.writes_message for work in batch)


def load_statuses() -> dict[str, Status]:
    """By key. Where administrators took "waiting internally" away, tickets wait in another status of its type."""
    statuses = {status.key: status for status in Status.objects.all()}
    waiting = [status for status in statuses.values() if status.type == Status.Type.PENDING and status.is_valid]
    if waiting and statuses.get("internal") not in waiting:
        statuses["internal"] = waiting[0]
    return statuses


def check_leases(batch: Sequence[Work], worker: str) -> None:
    ids = [work.receipt.pk for work in batch]
    mine = Receipt.objects.select_for_update().filter(pk__in=ids, claimed_by=worker, state=Receipt.State.PROCESSING)
    if len(mine.values_list("pk")) != len(ids):
        raise LeaseLost


def make_tickets(batch: Sequence[Work], statuses: Mapping[str, Status], now: datetime) -> None:
    new = [work for work in batch if work.plan.new_ticket]
    numbers = allocate(len(new), timezone.localdate(now))
    tickets = [new_ticket(work, number, statuses, now) for work, number in zip(new, numbers, strict=True)]
    assignees = find_assignees(ticket.assignee_id for ticket in tickets)
    for work, ticket in zip(new, tickets, strict=True):
        tell_left_out(work, ticket)
        drop_blind(work, ticket, assignees)
    for work, ticket in zip(new, Ticket.objects.bulk_create(tickets), strict=True):
        work.ticket = ticket


def new_ticket(work: Work, number: str, statuses: Mapping[str, Status], now: datetime) -> Ticket:
    plan = work.plan.new_ticket
    if plan is None:
        raise ValueError("new_ticket needs a plan that opens one")
    ticket = Ticket(
        number=number,
        subject=plan.subject,
        queue_id=plan.queue_id,
        customer_id=work.requester_id,
        reply_address_id=plan.reply_address_id,
        reply_via_id=plan.reply_via_id,
        created_at=now,
        changed_at=now,
        preview=Ticket.preview_of(work.kept.text),
        message_count=1 + len(work.plan.attributes.notes),
        attachment_count=listed_attachments(work.kept),
    )
    set_status(ticket, statuses[plan.status_key], now)
    dress(ticket, work.plan.attributes, statuses, now)
    ticket.is_unread = ticket.is_open
    waits = work.plan.waits_for_us and ticket.is_open and not ticket.is_spam
    ticket.waiting_since = work.receipt.received_at if waits else None
    return ticket


def listed_attachments(mail: Mail) -> int:
    return sum(not attachment.is_inline for attachment in mail.attachments)


def make_messages(batch: Sequence[Work]) -> None:
    written = [work for work in batch if work.plan.writes_message]
    messages = Message.objects.bulk_create([new_message(work) for work in written])
    for work, message in zip(written, messages, strict=True):
        work.message = message
    Attachment.objects.bulk_create(
        Attachment(
            message=work.message,
            part=attachment.index,
            name=attachment.name,
            content_type=attachment.content_type[:255],
            size=attachment.size,
            content_id=attachment.content_id,
            is_inline=attachment.is_inline,
        )
        for work in written
        for attachment in work.kept.attachments
    )
    note_security(written)


def note_security(written: Sequence[Work]) -> None:
    """What protects the mails, and the keys that came with them; most mails have neither."""
    found = [(work, work.facts.security) for work in written if work.facts.security]
    MailSecurity.objects.bulk_create(
        security_row(work.message, security, work.receipt.received_at)
        for work, security in found
        if work.message is not None and security.layers
    )
    if found and Options.objects.filter(pk=1, collects_keys=True).exists():
        collect(security for _work, security in found)


def new_message(work: Work) -> Message:
    mail, author = work.kept, work.mail.author
    return Message(
        ticket_id=work.ticket_id,
        kind=Message.Kind.INCOMING,
        author_kind=work.plan.attributes.author_kind or Message.AuthorKind.CUSTOMER,
        is_internal=bool(work.plan.attributes.is_internal or work.plan.side),
        side_id=work.plan.side.id if work.plan.side else None,
        agent_id=work.plan.agent.id if work.plan.agent else None,
        customer_id=work.customer_id,
        created_at=work.receipt.received_at,
        sent_at=mail.date,
        author_name=author_name(mail)[:200],
        author_email=author.email[:320] if author else "",
        to=as_pairs(mail.to),
        cc=as_pairs(mail.cc),
        subject=mail.subject,
        text=mail.text,
        has_html=bool(mail.html),
        mail_kind=mail.kind.value,
        message_id=canonical_message_id(mail.message_id),
        references=chain_of(mail),
        blob_id=work.receipt.blob_id,
        trust=work.facts.trust.as_json(),
    )


def chain_of(mail: Mail) -> list[str]:
    """What an answer puts before the mail's own id: its References, or the one id that it answers (RFC 5322 3.6.4)."""
    return list(mail.references or (mail.in_reply_to if len(mail.in_reply_to) == 1 else ()))


def as_pairs(addresses: Sequence[MailAddress]) -> list[list[str]]:
    return [[address.name, address.email] for address in addresses[:1000]]


def make_participants(batch: Sequence[Work]) -> None:
    Participant.objects.bulk_create(
        [
            Participant(ticket_id=work.ticket_id, customer_id=work.customer_id)
            for work in batch
            if work.plan.joins_as_participant
            and work.customer_id is not None
            and work.plan.outcome != Receipt.Outcome.REJECTED
        ],
        ignore_conflicts=True,
    )


def update_tickets(batch: Sequence[Work], statuses: Mapping[str, Status], now: datetime) -> None:
    """Follow-ups: count, preview, unread, reopening, attributes; the rows are locked and read afresh."""
    follow_ups = [work for work in batch if work.plan.ticket and work.message]
    if not follow_ups:
        return
    ids = {work.ticket_id for work in follow_ups}
    tickets = {t.pk: t for t in Ticket.objects.select_for_update().filter(pk__in=ids).order_by("pk")}
    by_key = {status.pk: status for status in statuses.values()}
    for ticket in tickets.values():  # not joined: PostgreSQL leaves a row out whose status changed while we waited
        if ticket.status_id in by_key:
            ticket.status = by_key[ticket.status_id]
    if any(ticket.merged_into_id for ticket in tickets.values()):
        raise MergedMeanwhile
    movers = [work for work in follow_ups if moves_or_assigns(work)]
    known = {key for work in movers for key in (tickets[work.ticket_id].assignee_id, work.plan.attributes.assignee_id)}
    assignees = find_assignees(known)
    for work in follow_ups:
        work.ticket = tickets[work.ticket_id]
        before = copy(work.ticket)
        change_ticket(work, work.ticket, statuses, now)
        tell_left_out(work, work.ticket)
        if moves_or_assigns(work):
            drop_blind(work, work.ticket, assignees)
        add_follow_up(work.ticket, work, statuses["open"], now)
        tell_changes(work, before, work.ticket)
    update_rows(
        list(tickets.values()),
        [
            *CHANGED, "changed_at", "preview", "message_count", "attachment_count", "is_unread", "waiting_since",
            "answer",
        ],
    )  # fmt: skip


def add_follow_up(ticket: Ticket, work: Work, opened: Status, now: datetime) -> None:
    ticket.changed_at = now
    ticket.message_count += 1 + len(work.plan.attributes.notes)
    ticket.attachment_count += listed_attachments(work.kept)
    ticket.is_unread = True
    if work.plan.side is None:
        ticket.preview = Ticket.preview_of(work.kept.text)
    failed = work.brings_back
    if work.plan.reopens or (failed and ticket.status.type != Status.Type.REMOVED):
        set_status(ticket, opened, now)
    if failed:
        ticket.answer = Ticket.Answer.FAILED
    if not ticket.is_open or (work.plan.agent is not None and work.plan.mails):
        ticket.waiting_since = None
    elif (work.plan.waits_for_us or failed) and ticket.waiting_since is None:
        ticket.waiting_since = work.receipt.received_at


def touch_sides(batch: Sequence[Work], now: datetime) -> None:
    sides = {work.plan.side.id for work in batch if work.plan.side}
    if sides:
        SideConversation.objects.filter(pk__in=sides).update(changed_at=now)


def update_deliveries(batch: Sequence[Work], now: datetime) -> None:
    """Bounces: the deliveries they speak of, with the remote server's words. Rare, so plainly one by one; in the order of
    their ids and before the tickets, as those who send lock them (send/record.py)."""
    found = [(reported, work) for work in batch for reported in work.plan.reported if reported.state != NOT_OUT]
    for reported, work in sorted(found, key=lambda pair: pair[0].delivery_id):
        moves = update_delivery(reported, now)
        work.brings_back |= moves and reported.state in BAD_DELIVERIES
        if moves or reported.state == DELAYED:
            DeliveryEvent.objects.create(
                delivery_id=reported.delivery_id, at=now, kind=reported.state, said=reported.said
            )


def update_delivery(reported: ReportedDelivery, now: datetime) -> bool:
    """False: it stays as it is, perhaps because it became something else since the facts were gathered. What an earlier
    server said to it (a code, a soft bounce) has no part in the new words."""
    rows = Delivery.objects.filter(pk=reported.delivery_id)
    delivery = rows.select_for_update().first()
    if delivery is None or not may_become(reported.state, delivery.state, is_resent=delivery.resent):
        return False
    if reported.state not in Delivery.State.values:
        return False
    return bool(rows.update(state=reported.state, code=None, said=reported.said, changed_at=now, is_judged=False))


def write_traces(batch: Sequence[Work]) -> None:
    Trace.objects.bulk_create(
        [Trace(receipt=work.receipt, entries=[r.as_json() for r in work.plan.reasons]) for work in batch],
        update_conflicts=True,
        unique_fields=["receipt"],
        update_fields=["entries"],
    )
    History.objects.bulk_create(
        History(
            ticket_id=work.ticket_id,
            at=work.receipt.received_at,
            receipt=work.receipt,
            code=str(work.plan.outcome),
            parameters={"from": work.mail.author.email if work.mail.author else ""},
        )
        for work in batch
        if work.plan.writes_message
    )
    name_lines(batch)
    History.objects.bulk_create([line for work in batch for line in work.lines])


def finish_receipts(batch: Sequence[Work], now: datetime) -> None:
    taken_over = [work.plan.takes_over for work in batch if work.plan.takes_over is not None]
    if taken_over:
        Receipt.objects.filter(pk__in=taken_over).update(fingerprint=None)
    for work in batch:
        finish(work, now)
    update_rows(
        [work.receipt for work in batch],
        [
            "state", "outcome", "processed_at", "duration_ms", "ticket", "message", "first", "fingerprint",
            "message_id_header", "author_email", "written_to", "subject", "error", "claimed_by", "claimed_until", "attempts",
        ],
    )  # fmt: skip


def finish(work: Work, now: datetime) -> None:
    receipt, plan = work.receipt, work.plan
    receipt.state = Receipt.State.DONE
    receipt.outcome = str(plan.outcome)
    receipt.processed_at = now
    receipt.duration_ms = (now - work.started_at).total_seconds() * 1000
    receipt.message = work.message
    receipt.ticket_id = outcome_ticket_id(work)
    receipt.first_id = plan.first_copy.receipt_id if plan.first_copy else None
    receipt.fingerprint = None if plan.outcome == Receipt.Outcome.DUPLICATE else work.mail.fingerprint
    receipt.message_id_header = canonical_message_id(work.mail.message_id)
    receipt.author_email = work.mail.author.email[:320] if work.mail.author else ""
    receipt.written_to = written_to(work.mail)
    receipt.subject = work.mail.subject
    receipt.error = ""
    receipt.claimed_by, receipt.claimed_until = "", None
    receipt.attempts += 1


def written_to(mail: Mail) -> str:
    """Whom the mail names as its recipients; of a very long list the beginning."""
    text = ""
    for email in dict.fromkeys(address.email for address in (*mail.to, *mail.cc) if address.email):
        longer = f"{text}, {email}" if text else email
        if len(longer) > WRITTEN_TO:
            break
        text = longer
    return text


def outcome_ticket_id(work: Work) -> int | None:
    """The ticket that the receipt page links to: also for copies, the ticket of the first one."""
    if work.plan.writes_message:
        return work.ticket_id
    if work.facts.report.is_notice:  # who may read the ticket may read what came back of it
        return work.facts.report.ticket.id if work.facts.report.ticket else None
    if work.facts.thread.own_mail and not work.plan.first_copy and work.plan.outcome == Receipt.Outcome.DUPLICATE:
        return work.facts.thread.own_mail.id
    return work.plan.first_copy.ticket_id if work.plan.first_copy else None
