"""What an agent writes: answers, notes, forwards, redirected mails, mails to third parties, first mails, calls."""

import base64
import binascii
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from postvak.api.frame import (
    ApiRequest,
    BaseModel,
    Body,
    Field,
    Page,
    Paging,
    Query,
    Router,
    Token,
    agent_of,
    by_key,
    created,
    found,
    invalid,
    page,
)
from postvak.api.messages import MessageShown, message_with, messages_of, shown
from postvak.api.paging import LARGEST
from postvak.api.ticket_lists import moment
from postvak.api.ticket_people import PersonGiven, person_in
from postvak.api.ticket_rows import TicketShown, one
from postvak.api.tickets import own_ticket, ticket_of
from postvak.mail.compose import File
from postvak.models import Address, Agent, Draft, Message, Queue, SideConversation, Status, Ticket
from postvak.models.agent import LONGEST_UNDO
from postvak.notify.setting import newest_of_customers
from postvak.send.letter import newest_mail
from postvak.tickets import change
from postvak.tickets.access import visible_queues
from postvak.tickets.answer import Answer, answer
from postvak.tickets.first_mail import first_mail
from postvak.tickets.mentions import find_mentions
from postvak.tickets.phone import Call, note_call
from postvak.tickets.recipients import answered, begun
from postvak.tickets.redirect import Redirect, redirect
from postvak.tickets.repeat import repeat
from postvak.tickets.side import answer_side, correspondents, start
from postvak.tickets.tags import words

router = Router(tags=["Writing"])
READ, WRITE = Token("tickets:read"), Token("tickets:write")
MOST_FILES = 50


class FileGiven(Body):
    name: str = Field(min_length=1, max_length=255)
    content_type: str = Field("application/octet-stream", max_length=255, pattern=r"^[\w.+-]+/[\w.+-]+$")
    content: str = Field(description="In Base64.")
    content_id: str = Field(
        "", max_length=100, pattern=r"^[\w.@+-]*$", description="Of a picture that the HTML shows as cid:…"
    )


class HowSent(Body):
    """What all mails have in common."""

    send_at: datetime | None = Field(None, description="When it shall go out; null: at once.")
    undo_seconds: int | None = Field(
        None,
        ge=0,
        le=LONGEST_UNDO,
        description="For so long it waits and can be taken back; null: as the agent has it.",
    )
    despite: list[str] = Field(
        [],
        max_length=100,
        description="What a 409 with the code look_again asked for, to send all the same. quote_unproven: quote an encrypted mail also "
        "where it isn't sure that its sender wrote it.",
    )
    sign: bool | None = Field(None, description="Null: as it is set up. What is always signed, stays so.")
    encrypt: bool | None = Field(
        None,
        description="Null: as it is set up; an answer to an encrypted mail is encrypted. What is always encrypted, stays so.",
    )


class MailGiven(HowSent):
    to: list[str] = Field([], max_length=200, description="Addresses.")
    cc: list[str] = Field([], max_length=200)
    bcc: list[str] = Field([], max_length=200)
    subject: str = Field("", max_length=2000)
    text: str = ""
    html: str = Field("", description="Instead of `text`. It is cleaned.")
    files: list[FileGiven] = Field([], max_length=MOST_FILES)
    address: int | None = Field(None, ge=1, le=LARGEST, description="Sending address; null: the usual one.")


class AnswerGiven(MailGiven):
    all: bool = Field(False, description="To everybody in the conversation. Only where `to` is empty.")
    about: int | None = Field(
        None, ge=1, le=LARGEST, description="The message that is answered; null: the newest mail."
    )
    quotes: bool = Field(True, description="The mail that is answered stands below.")
    status: str | None = Field(
        None,
        max_length=40,
        description="The ticket's status afterwards; null: waiting for the customer, empty: as it is.",
    )
    tags: list[str] = Field([], max_length=100)
    seen: int | None = Field(
        None,
        ge=0,
        le=LARGEST,
        description="Key of the newest mail of the customer that you know: a newer one stops the answer (409).",
    )


class ForwardGiven(MailGiven):
    to: list[str] = Field(min_length=1, max_length=200)
    about: int | None = Field(None, ge=1, le=LARGEST, description="The mail; null: the newest one.")
    whole: bool = Field(False, description="The mail goes along as a file, as it came; else as text.")
    with_files: bool = Field(True, description="Its files go along.")


class RedirectGiven(HowSent):
    about: int = Field(ge=1, le=LARGEST, description="A mail that came in.")
    to: list[str] = Field(min_length=1, max_length=200)


class RepeatGiven(HowSent):
    to: list[str] = Field([], max_length=200, description="Empty: as the first time.")


class NoteGiven(Body):
    text: str = Field(min_length=1, pattern=r"\S")


class NoteShown(MessageShown):
    not_told: list[str] = Field(description="Colleagues who are named with @ and may not read this ticket.")


class SideGiven(MailGiven):
    to: list[str] = Field(min_length=1, max_length=200)
    subject: str = Field(min_length=1, max_length=2000, pattern=r"\S")
    quotes: bool = Field(False, description="The customer's newest mail goes along as text.")


class FirstGiven(MailGiven):
    queue: int = Field(ge=1, le=LARGEST)
    to: list[str] = Field(min_length=1, max_length=200, description="The first one is the customer.")
    subject: str = Field(min_length=1, max_length=2000, pattern=r"\S")
    status: str = Field("customer", max_length=40)
    tags: list[str] = Field([], max_length=100)


class CallGiven(PersonGiven):
    queue: int = Field(ge=1, le=LARGEST)
    subject: str = Field(min_length=1, max_length=2000, pattern=r"\S")
    text: str = Field(min_length=1, pattern=r"\S")
    status: str = Field("open", max_length=40)
    is_said: bool = Field(True, description="The text has the customer's words, not the agent's.")
    assignee: int | None = Field(None, ge=1, le=LARGEST)


# -- what was given, as our verbs take it ----------------------------------------------------------------------------


def addresses(given: list[str]) -> tuple[str, ...]:
    return tuple(one.strip() for one in given)


def files_of(given: list[FileGiven]) -> tuple[File, ...]:
    made = []
    for place, one_file in enumerate(given):
        try:
            content = base64.b64decode(one_file.content, validate=True)
        except (binascii.Error, ValueError):
            raise invalid(f"files.{place}.content", "This is no Base64.") from None
        name = " ".join(one_file.name.split()) or "file"
        made.append(File(name, one_file.content_type, content, one_file.content_id))
    return tuple(made)


def answer_of(request: ApiRequest, given: MailGiven) -> Answer:
    """What every mail has; the rest is put in by replace()."""
    agent = agent_of(request)
    return Answer(
        to=addresses(given.to),
        cc=addresses(given.cc),
        bcc=addresses(given.bcc),
        subject=" ".join(given.subject.split()),
        text=given.text.replace("\r\n", "\n"),
        html=given.html,
        files=files_of(given.files),
        address=address_of(given.address, agent),
        status_key="",
        **how(given, agent),
    )


def how(given: HowSent, agent: Agent) -> dict[str, Any]:
    seconds = agent.undo_seconds if given.undo_seconds is None else given.undo_seconds
    return {
        "send_at": moment(given.send_at, "send_at") if given.send_at else None,
        "undo": timedelta(seconds=seconds),
        "despite": frozenset(given.despite),
        "sign": given.sign,
        "encrypt": given.encrypt,
    }


def address_of(key: int | None, agent: Agent) -> Address | None:
    if key is None:
        return None
    rows = Address.objects.filter(queue__in=visible_queues(agent)).select_related("queue__brand", "channel")
    address = rows.filter(pk=key).first()
    if address is None:
        raise invalid("address", "There is no such address of a queue that the agent sees.")
    return address


def mail_of(ticket: Ticket, key: int | None) -> Message | None:
    """A mail of this ticket, the newest one if none is named."""
    if key is None:
        return newest_mail(ticket)
    mail = ticket.messages.exclude(kind=Message.Kind.NOTE).filter(pk=key).first()
    if mail is None:
        raise invalid("about", "There is no such mail on this ticket.")
    return mail


def queue_of(key: int, agent: Agent) -> Queue:
    queue = visible_queues(agent).filter(is_valid=True).select_related("brand", "address").filter(pk=key).first()
    if queue is None:
        raise invalid("queue", "There is no such queue that the agent sees.")
    return queue


def tags_of(given: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for typed in given for word in words(typed)))


def sent(message: Message) -> Any:
    return created(shown(messages_of(Message.objects.filter(pk=message.pk)).get()))


# -- on a ticket ----------------------------------------------------------------------------


@router.post("/tickets/{int:number}/answers", auth=WRITE, response={201: MessageShown})
def send_answer(request: ApiRequest, number: int, given: AnswerGiven) -> Any:
    """Answer the customer. Without `to` it goes to whom the composer of the pages would take: who wrote last."""
    ticket, agent = own_ticket(request, number), agent_of(request)
    about = mail_of(ticket, given.about)
    kind = Draft.Kind.REPLY_ALL if given.all else Draft.Kind.REPLY
    what = answer_of(request, given)
    if not what.to:
        usual = answered(about, kind) if about else begun(ticket, kind)
        what = replace(what, to=usual.to, cc=(*what.cc, *(email for email in usual.cc if email not in what.cc)))
    what = replace(
        what,
        kind=kind,
        about=about,
        quotes=given.quotes,
        status_key="customer" if given.status is None else given.status,
        tags=tags_of(given.tags),
        known=given.seen,
    )
    return sent(answer(ticket, what, by=agent))


@router.post("/tickets/{int:number}/forwards", auth=WRITE, response={201: MessageShown})
def send_forward(request: ApiRequest, number: int, given: ForwardGiven) -> Any:
    """Forward a mail of the ticket to somebody else."""
    ticket = own_ticket(request, number)
    about = mail_of(ticket, given.about)
    files = tuple(about.attachments.filter(is_inline=False)) if about and given.with_files else ()
    what = replace(
        answer_of(request, given),
        kind=Draft.Kind.FORWARD,
        about=about,
        original="eml" if given.whole else "files",
        forwarded=files,
    )
    return sent(answer(ticket, what, by=agent_of(request)))


@router.post("/tickets/{int:number}/redirects", auth=WRITE, response={201: MessageShown})
def send_redirect(request: ApiRequest, number: int, given: RedirectGiven) -> Any:
    """A mail that came in goes to somebody else as it is; who answers it, answers its author."""
    ticket, agent = own_ticket(request, number), agent_of(request)
    about = mail_of(ticket, given.about)
    if about is None:
        raise invalid("about", "There is no such mail on this ticket.")
    what = Redirect(about=about, to=addresses(given.to), **how(given, agent))
    return sent(redirect(ticket, what, by=agent))


@router.post("/messages/{int:pk}/repeats", auth=WRITE, response={201: MessageShown})
def send_again(request: ApiRequest, pk: int, given: RepeatGiven) -> Any:
    """A mail of ours once more, to the same or to other people."""
    message, agent = message_with(request, pk), agent_of(request)
    what = Answer(to=(), status_key="", **how(given, agent))
    return sent(repeat(message, addresses(given.to), what, by=agent))


@router.post("/tickets/{int:number}/notes", auth=WRITE, response={201: NoteShown})
def write_note(request: ApiRequest, number: int, given: NoteGiven) -> Any:
    """An internal note; colleagues who are named with @ are told."""
    ticket, agent = own_ticket(request, number), agent_of(request)
    message = change.note(ticket, given.text.replace("\r\n", "\n"), by=agent)
    blind = find_mentions(message.text, message.ticket, by=agent).blind
    made = shown(messages_of(Message.objects.filter(pk=message.pk)).get())
    return created(made | {"not_told": [one.name for one in blind]})


# -- side conversations ----------------------------------------------------------------------------


class SideShown(BaseModel):
    id: int
    ticket: str
    subject: str
    created_at: datetime
    changed_at: datetime


def side_shown(side: SideConversation) -> dict[str, Any]:
    made = {name: getattr(side, name) for name in ("subject", "created_at", "changed_at")}
    return made | {"id": side.pk, "ticket": side.ticket.number}


@router.get("/tickets/{int:number}/side-conversations", auth=READ, response=Page[SideShown])
def list_sides(request: ApiRequest, number: int, paging: Query[Paging]) -> Any:
    """Conversations with third parties. Their messages are among those of the ticket."""
    rows = ticket_of(request, number).side_conversations.select_related("ticket")
    slice = by_key(rows, paging)
    return page(request, [side_shown(side) for side in slice.rows], slice.next)


@router.post("/tickets/{int:number}/side-conversations", auth=WRITE, response={201: MessageShown})
def begin_side(request: ApiRequest, number: int, given: SideGiven) -> Any:
    """Write to a third party; the customer doesn't see it."""
    ticket = own_ticket(request, number)
    about = newest_of_customers(ticket) if given.quotes else None
    what = replace(answer_of(request, given), about=about, quotes=given.quotes)
    return sent(start(ticket, what, by=agent_of(request)))


@router.post("/tickets/{int:number}/side-conversations/{int:pk}/messages", auth=WRITE, response={201: MessageShown})
def go_on_with_side(request: ApiRequest, number: int, pk: int, given: MailGiven) -> Any:
    """The next mail; without `to` it goes to who wrote last."""
    ticket = own_ticket(request, number)
    side = found(ticket.side_conversations.all(), pk=pk)
    side.ticket = ticket
    what = answer_of(request, given)
    what = what if what.to else replace(what, to=tuple(correspondents(side)))
    return sent(answer_side(side, what, by=agent_of(request)))


# -- new tickets ----------------------------------------------------------------------------


@router.post("/tickets/by-mail", auth=WRITE, response={201: MessageShown})
def write_first_mail(request: ApiRequest, given: FirstGiven) -> Any:
    """A new ticket with a mail to a customer. The answer is the mail, with the number of the ticket."""
    agent = agent_of(request)
    what = replace(answer_of(request, given), status_key=given.status, tags=tags_of(given.tags), kind=Draft.Kind.NEW)
    return sent(first_mail(queue_of(given.queue, agent), what, by=agent))


@router.post("/tickets/by-phone", auth=WRITE, response={201: TicketShown})
def write_down_call(request: ApiRequest, given: CallGiven) -> Any:
    """A new ticket of a call. No mail goes out."""
    agent = agent_of(request)
    status = Status.objects.filter(key=given.status, is_valid=True).exclude(type=Status.Type.REMOVED).first()
    if status is None:
        raise invalid("status", "There is no such status.")
    assignee = Agent.objects.filter(pk=given.assignee).first() if given.assignee else None
    if given.assignee and assignee is None:
        raise invalid("assignee", "There is no such agent.")
    with transaction.atomic():
        call = Call(
            queue=queue_of(given.queue, agent),
            customer=person_in(given),
            subject=given.subject,
            text=given.text,
            status=status,
            is_said=given.is_said,
            assignee=assignee,
        )
        return created(one(note_call(call, by=agent)))
