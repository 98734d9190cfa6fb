"""The large installation, written in batches: every table that a page asks has as many rows as after five years of mail.

Triggers run as always. What they wrote of changes nobody follows up, for nobody waits for it; the numbers of open tickets
are counted anew at the end.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from random import Random

from django.db import connection, transaction
from django.utils import timezone

from postvak.cli.demo.house import House, Known, Size, build
from postvak.cli.demo.lives import Kind, Life, lives
from postvak.cli.demo.papers import Paper, make_papers
from postvak.cli.demo.stories import subject
from postvak.cli.demo.words import vocabulary
from postvak.models import (
    Agent,
    Attachment,
    Change,
    Delivery,
    History,
    Mailbox,
    Message,
    OutgoingMail,
    Receipt,
    Tag,
    Tagging,
    Ticket,
)
from postvak.tickets.numbers import allocate
from postvak.tickets.tally import recount

SIZE = Size(queues=20, agents=40, organisations=2000, customers=40_000)
TICKETS = 200_000
AT_ONCE = 500
RARE = 500  # every so many tickets one has the tag "rare"
WORDS = (4.1, 0.7)  # of a message: the logarithm's mean and spread; 75 words on average
FIRST_ANSWER, SOLUTION = timedelta(hours=24), timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Case:
    """A ticket that is being written, with its life, its customer and its agent."""

    life: Life
    ticket: Ticket
    known: Known
    agent: Agent


@dataclass(frozen=True, slots=True)
class Press:
    """What all batches need."""

    house: House
    papers: list[Paper]
    mailbox: Mailbox
    rare: Tag
    now: datetime
    chance: Random


def fill(tickets: int, password: str, tell: Callable[[int, int], None], size: Size = SIZE) -> None:
    """`tell(done, of)` after each batch. Five messages to a ticket on average."""
    chance, now = Random(7), timezone.now()  # noqa: S311 - nothing secret
    with transaction.atomic():
        press = Press(
            build(size, password, chance),
            make_papers(),
            Mailbox.objects.get(kind=Mailbox.Kind.LOCAL),
            Tag.objects.create(name="rare"),
            now,
            chance,
        )
    coming = lives(tickets, now, chance)
    done = 0
    while some := list(islice(coming, AT_ONCE)):
        with transaction.atomic():
            write(press, some)
            Change.objects.all()._raw_delete(using=connection.alias)
        done += len(some)
        tell(done, tickets)
    recount()


def write(press: Press, some: Sequence[Life]) -> None:
    numbers = numbers_for(some)
    cases = [make_case(press, life, numbers[life.opened_at.date()].pop(0)) for life in some]
    made = make_messages(press, cases)
    Ticket.objects.bulk_create([case.ticket for case in cases], batch_size=500)
    messages = Message.objects.bulk_create([message for message, _paper in made], batch_size=500)
    Attachment.objects.bulk_create(attachments(made), batch_size=500)
    make_outgoing(press, [each for each in messages if each.kind == Kind.OUTGOING])
    make_receipts(press, [each for each in messages if each.kind == Kind.INCOMING])
    History.objects.bulk_create([line for case in cases for line in history(press, case)], batch_size=500)
    Tagging.objects.bulk_create(list(taggings(press, cases)), batch_size=500)


# ---- tickets -----------------------------------------------------------------------


def numbers_for(some: Sequence[Life]) -> dict[date, list[str]]:
    days = Counter(life.opened_at.date() for life in some)
    return {day: allocate(count, day) for day, count in days.items()}


def make_case(press: Press, life: Life, number: str) -> Case:
    """Customers who write often are the first ones."""
    house, chance = press.house, press.chance
    known = house.customers[int(len(house.customers) * chance.random() ** 2)]
    queue = house.queues[int(len(house.queues) * chance.random() ** 1.3)]
    agent = chance.choice(house.members[queue.pk])
    is_taken = life.status != "new" and chance.random() < 0.85
    last = life.messages[-1][1]
    ticket = Ticket(
        number=number,
        subject=subject(known.person.language, chance),
        queue=queue,
        status=house.statuses[life.status],
        priority_id=life.priority,
        assignee=agent if is_taken else None,
        customer=known.row,
        reply_address_id=queue.address_id,
        is_open=life.is_open,
        is_spam=life.is_spam,
        is_private=chance.random() < 0.005,
        is_personal=chance.random() < 0.01,
        is_unread=life.waits and chance.random() < 0.6,
        created_at=life.opened_at,
        changed_at=last,
        closed_at=None if life.is_open else last,
        waiting_since=life.last_mail[1] if life.waits else None,
        first_answered_at=next((at for kind, at in life.messages if kind == Kind.OUTGOING), None),
        message_count=len(life.messages),
    )
    set_times(ticket, press)
    return Case(life, ticket, known, agent)


def set_times(ticket: Ticket, press: Press) -> None:
    """Reminders of those that wait, and the service level of half of the queues."""
    if ticket.status.type == ticket.status.Type.PENDING and press.chance.random() < 0.5:
        ticket.pending_until = press.now + timedelta(days=press.chance.uniform(-2, 20))
    if ticket.is_open and ticket.queue_id % 2 == 0:
        ticket.sla = press.house.sla
        ticket.next_due_at = ticket.waiting_since + FIRST_ANSWER if ticket.waiting_since else None
        ticket.solution_due_at = ticket.created_at + SOLUTION
        ticket.due_at = min(filter(None, [ticket.next_due_at, ticket.solution_due_at]))


def history(press: Press, case: Case) -> Iterator[History]:
    ticket, life = case.ticket, case.life
    yield History(ticket=ticket, at=life.opened_at, code="new_ticket", parameters={"from": case.known.person.email})
    if ticket.assignee:
        names = {"old": "–", "new": case.agent.name}
        yield History(ticket=ticket, at=life.opened_at, agent=case.agent, code="assignee", parameters=names)
    if life.status != "new":
        states = {"old": "new", "new": life.status}
        yield History(ticket=ticket, at=ticket.changed_at, agent=case.agent, code="status", parameters=states)


def taggings(press: Press, cases: Sequence[Case]) -> Iterator[Tagging]:
    tags = press.house.tags
    for case in cases:
        if press.chance.random() < 0.4:
            for tag in press.chance.sample(tags, press.chance.choice((1, 1, 2))):
                yield Tagging(ticket=case.ticket, tag=tag)
        if case.ticket.pk % RARE == 0:
            yield Tagging(ticket=case.ticket, tag=press.rare)


# ---- messages ----------------------------------------------------------------------


def make_messages(press: Press, cases: Sequence[Case]) -> list[tuple[Message, Paper | None]]:
    """Not saved yet; their tickets get what lists show of them."""
    papers = press.chance.choices(press.papers, [paper.share for paper in press.papers], k=200)
    made: list[tuple[Message, Paper | None]] = []
    for case in cases:
        for kind, at in case.life.messages:
            paper = press.chance.choice(papers) if kind != Kind.NOTE else None
            made.append((make_message(press, case, kind, at, paper), paper))
            case.ticket.attachment_count += len(paper.files) if paper else 0
        case.ticket.preview = Ticket.preview_of(newest_mail(case, made).text)
    return made


def newest_mail(case: Case, made: Sequence[tuple[Message, Paper | None]]) -> Message:
    return next(message for message, paper in reversed(made) if message.ticket is case.ticket and paper)


def make_message(press: Press, case: Case, kind: str, at: datetime, paper: Paper | None) -> Message:
    person, address = case.known.person, case.ticket.queue.address
    ours = address.email if address else ""
    is_theirs = kind == Kind.INCOMING
    length = max(6, int(press.chance.lognormvariate(*WORDS)))
    return Message(
        ticket=case.ticket,
        kind=kind,
        author_kind=Message.AuthorKind.CUSTOMER if is_theirs else Message.AuthorKind.AGENT,
        agent=None if is_theirs else case.agent,
        customer=case.known.row if is_theirs else None,
        created_at=at,
        sent_at=None if kind == Kind.NOTE else at,
        author_name=person.name if is_theirs else case.agent.name,
        author_email=person.email if is_theirs else ours if paper else "",
        to=[] if paper is None else [["", ours]] if is_theirs else [[person.name, person.email]],
        subject="" if paper is None else case.ticket.subject,
        text=vocabulary(person.language).text(length, press.chance),
        has_html=bool(paper and paper.has_html),
        mail_kind="personal" if is_theirs else "",
        message_id=f"{press.chance.getrandbits(64):x}@{person.email.partition('@')[2]}" if paper else "",
        blob=paper.blob if paper else None,
    )


def attachments(made: Iterable[tuple[Message, Paper | None]]) -> list[Attachment]:
    return [
        Attachment(
            message=message,
            part=info.index,
            name=info.name,
            content_type=info.content_type,
            size=info.size,
            content_id=info.content_id,
            is_inline=info.is_inline,
        )
        for message, paper in made
        if paper
        for info in paper.files
    ]


def make_outgoing(press: Press, messages: Sequence[Message]) -> None:
    mails = OutgoingMail.objects.bulk_create(
        [
            OutgoingMail(
                message=message,
                channel=press.house.channel,
                envelope_from=message.author_email,
                blob_id=message.blob_id or "",
                created_at=message.created_at,
                attempts=1,
            )
            for message in messages
        ],
        batch_size=500,
    )
    Delivery.objects.bulk_create(
        [
            Delivery(
                outgoing=mail,
                recipient=message.to[0][1],
                state=Delivery.State.ACCEPTED,
                code=250,
                said="250 2.0.0 Ok",
                changed_at=message.created_at,
            )
            for mail, message in zip(mails, messages, strict=True)
        ],
        batch_size=500,
    )


def make_receipts(press: Press, messages: Sequence[Message]) -> None:
    """The first mail of a ticket opened it."""
    seen: defaultdict[int, int] = defaultdict(int)
    rows = []
    for message in messages:
        seen[message.ticket_id] += 1
        outcomes = Receipt.Outcome
        rows.append(
            Receipt(
                mailbox=press.mailbox,
                source=f"demo/{message.pk}",
                blob_id=message.blob_id,
                size=2000,
                received_at=message.created_at,
                state=Receipt.State.DONE,
                outcome=outcomes.NEW_TICKET if seen[message.ticket_id] == 1 else outcomes.FOLLOW_UP,
                processed_at=message.created_at,
                duration_ms=3.0,
                ticket_id=message.ticket_id,
                message=message,
                message_id_header=message.message_id,
                author_email=message.author_email,
                subject=message.subject,
            )
        )
    Receipt.objects.bulk_create(rows, batch_size=500)
