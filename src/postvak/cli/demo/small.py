"""The small installation: sixty tickets, each by real mails through the ordinary entrance and by the verbs that agents use.

All of it happens within some seconds; then each ticket is moved back to the days in which it would have happened.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from django.utils import timezone

from postvak.cli.demo.house import BOB, BRANDS, QUEUES, House, Size, build
from postvak.cli.demo.letters import add_files, add_html, letter
from postvak.cli.demo.past import move_back
from postvak.cli.demo.stories import Story, drawn_story, written_stories
from postvak.cli.ingest_mail import ingest
from postvak.models import (
    Agent,
    AnswerTemplate,
    AnswerTemplateText,
    Delivery,
    Draft,
    Mailbox,
    Priority,
    Receipt,
    Ticket,
)
from postvak.send.deliver import send_due
from postvak.send.record import refresh_answer
from postvak.tickets import change
from postvak.tickets.answer import Answer, answer
from postvak.tickets.drafts import Place, Typed, save
from postvak.tickets.marks import set_private
from postvak.tickets.merge import merge
from postvak.tickets.properties import set_following, set_pending, set_spam
from postvak.tickets.search.index import index_due
from postvak.tickets.tags import set_tags
from postvak.tickets.trash import move_to_trash
from postvak.worker.identity import own_name

SIZE = Size(queues=6, agents=7, organisations=9, customers=30)
TICKETS = 60
SAID = "550 5.1.1 The email account that you tried to reach does not exist"
TEMPLATES = (
    ("Retourlabel", "Retour", "nl", "<p>Beste klant,</p><p>u krijgt vandaag een retourlabel per e-mail.</p>"),
    ("Ersatz ist unterwegs", "Garantie", "de", "<p>Guten Tag,</p><p>der Ersatz geht heute an Sie heraus.</p>"),
    ("We are looking into it", "", "en", "<p>Hello,</p><p>thank you; we will be back with an answer by tomorrow.</p>"),
)


@dataclass(frozen=True, slots=True)
class Stage:
    house: House
    mailbox: Mailbox
    worker: str
    now: datetime


def fill(password: str, tell: Callable[[int, int], None]) -> None:
    """`tell(done, of)` after each ticket."""
    chance = Random(3)  # noqa: S311 - nothing secret
    house = build(SIZE, password, chance)
    stage = Stage(house, Mailbox.objects.get(kind=Mailbox.Kind.LOCAL), own_name(), timezone.now())
    make_templates()
    stories = written_stories()
    customers = [known.person for known in house.customers]
    stories += [drawn_story(n, customers[n % len(customers)], chance) for n in range(TICKETS - len(stories))]
    for number, story in enumerate(sorted(stories, key=lambda story: -story.age)):
        move_back(play(stage, story, number), timedelta(days=story.age), stage.now)
        tell(number + 1, len(stories))
    loose_ends(stage)
    while index_due(stage.worker, 200):
        pass


def make_templates() -> None:
    for name, category, language, html in TEMPLATES:
        template = AnswerTemplate.objects.create(name=name, category=category)
        AnswerTemplateText.objects.create(template=template, language=language, html=html)


def play(stage: Stage, story: Story, number: int) -> Ticket:
    """All that happened, in order. Returns the ticket as it is now."""
    ticket, ids = arrive(stage, story, number)
    by = agent_of(stage, story, ticket)
    for turn in story.turns[1:]:
        who, text = turn[0], turn[3:]
        ticket = Ticket.objects.get(pk=ticket.pk)
        if who == "a":
            ids.append(reply(stage, story, ticket, text, by))
        elif who == "n":
            change.note(ticket, text, by=stage.house.agents[0])
        else:
            message_id = f"{number}-{len(ids)}@{story.email.partition('@')[2]}"
            name, email = (story.name, story.email) if who == "c" else ("Jutta Sommer", "j.sommer@eichenhain.example")
            mail = letter(
                name=name, email=email, to=our_address(story), subject=f"Re: {story.subject}", text=text,
                message_id=message_id, at=stage.now, answers=ids,
            )  # fmt: skip
            list(ingest(stage.mailbox, [mail.as_bytes()]))
            ids.append(message_id)
    finish(stage, story, Ticket.objects.get(pk=ticket.pk), by)
    return Ticket.objects.get(pk=ticket.pk)


def arrive(stage: Stage, story: Story, number: int) -> tuple[Ticket, list[str]]:
    """The first mail: the ticket, and the Message-IDs of the conversation so far."""
    message_id = f"{number}-0@{story.email.partition('@')[2]}"
    text = story.turns[0][3:]
    mail = letter(
        name=story.name, email=story.email, to=our_address(story), subject=story.subject, text=text,
        message_id=message_id, at=stage.now,
    )  # fmt: skip
    if story.html:
        add_html(mail, text)
    add_files(mail, story.files)
    (result,) = ingest(stage.mailbox, [mail.as_bytes()])
    return Ticket.objects.select_related("queue").get(number=result.ticket), [message_id]


def our_address(story: Story) -> str:
    of = next(of for _name, mailbox, _colour, of in QUEUES if mailbox == story.to)
    return f"{story.to}@{BRANDS[of][1]}"


def agent_of(stage: Stage, story: Story, ticket: Ticket) -> Agent:
    """Who answers: Eva, Bob where he may, else somebody of the queue."""
    members = stage.house.members[ticket.queue_id]
    if story.assignee == "eva":
        return stage.house.agents[0]
    return next((agent for agent in members if agent.email == BOB), members[0])


def reply(stage: Stage, story: Story, ticket: Ticket, text: str, by: Agent) -> str:
    """Its Message-ID. It goes out at once, into a file."""
    send_at = stage.now + timedelta(days=1) if story.later else None
    message = answer(ticket, Answer(to=(story.email,), text=text, send_at=send_at), by=by)
    while send_due(stage.worker):
        pass
    if story.undelivered:
        Delivery.objects.filter(outgoing__message=message).update(
            state=Delivery.State.FAILED, code=550, said=SAID, changed_at=stage.now
        )
        refresh_answer(ticket.pk)
    return message.message_id


def finish(stage: Stage, story: Story, ticket: Ticket, by: Agent) -> None:
    eva = stage.house.agents[0]
    if story.assignee:
        change.assign(ticket, by, by=eva)
    change.set_priority(ticket, Priority.objects.get(level=story.priority), by=by)
    set_tags(ticket, story.tags, by=by)
    if story.status == "trash":
        move_to_trash(ticket, by=by)
    else:
        change.set_status(ticket, stage.house.statuses[story.status], by=by)
    if story.snooze:
        set_pending(ticket, stage.now + timedelta(days=story.snooze), by=by)
    if story.spam:
        set_spam(ticket, True, by=by)
    if story.private:
        set_private(ticket, True, by=by)
    if story.status in {"customer", "closed", "internal"}:
        change.mark_read(ticket)


def loose_ends(stage: Stage) -> None:
    """Held mails, a draft, a follower, two tickets that became one."""
    eva, bob = stage.house.agents[:2]
    list(ingest(stage.mailbox, [b"", b"\x00\x01 no mail at all"]))
    Receipt.objects.filter(ticket=None).update(received_at=stage.now - timedelta(hours=3))
    mine = Ticket.objects.filter(is_open=True, assignee=bob).order_by("-changed_at")
    first = mine[0]
    set_following(first, eva, True)
    save(
        Place(bob, first, Draft.Kind.REPLY),
        Typed(html="<p>Goedendag, donderdag na 14 uur is</p>"),
        draft=None,
        revision=0,
    )
    a, b = same_customer(list(Ticket.objects.filter(status__key="closed").order_by("pk")))
    merge(b, a, by=eva)


def same_customer(tickets: Sequence[Ticket]) -> tuple[Ticket, Ticket]:
    """Two of one customer; else the first two."""
    seen: dict[int | None, Ticket] = {}
    for ticket in tickets:
        if ticket.customer_id in seen:
            return seen[ticket.customer_id], ticket
        seen[ticket.customer_id] = ticket
    return tickets[0], tickets[1]
