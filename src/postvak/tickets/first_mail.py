"""first_mail(): an agent writes first: a new ticket with its customer, and the mail that opens it. Spec 04."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from postvak.mail.addresses import normalise
from postvak.mail.charsets import storable
from postvak.mail.compose import Draft as MailDraft
from postvak.mail.threading import numbered
from postvak.mail.values import Address as MailAddress
from postvak.models import (
    Agent,
    Customer,
    CustomerAddress,
    Message,
    Options,
    OrganisationDomain,
    Queue,
    Status,
    Ticket,
)
from postvak.notify.body import body_of
from postvak.notify.words import Setting, setting_before, setting_of
from postvak.send.letter import message_of
from postvak.send.protection import Protection
from postvak.send.sender import CannotAnswer, Sender, sender_of
from postvak.tickets.access import demand
from postvak.tickets.answer import Answer, check_pictures, shown_files, words_of, written_of
from postvak.tickets.numbers import allocate
from postvak.tickets.posting import Posting, check_sending, own_message_id, post, written_mail
from postvak.tickets.protecting import protection_for
from postvak.tickets.recipients import Recipients, checked
from postvak.tickets.second_look import check_filled
from postvak.tickets.transfer import let_take_part


@dataclass(frozen=True, slots=True)
class Opening:
    """A mail that is ready but for its ticket: recipients, sender, and the subject without a number."""

    queue: Queue
    what: Answer
    to: Recipients
    sender: Sender
    subject: str
    protection: Protection | None = None


def first_mail(queue: Queue, what: Answer, *, by: Agent) -> Message:
    """Open a ticket in `queue` and send its first mail; the first recipient is the customer, others take part. Raises
    CannotAnswer, and nothing is written.

    Bytes are made inside the transaction, for the Message-ID names the ticket.
    """
    demand(by, "answer", queue.pk)
    opening = checked_opening(queue, what, by)
    with transaction.atomic():
        number = allocate(1, timezone.localdate())[0]  # before any other lock: process.apply does so, too
        ticket = open_ticket(opening, number, timezone.now(), by)
        draft = letter(ticket, opening, by)
        message = message_of(draft, ticket, text=words_of(what).text, agent=by, author_name=by.name)
        message.has_html, message.purpose = bool(what.html), Message.Purpose.FIRST
        posting = Posting(
            raw=written_mail(draft),
            message=message,
            recipients=opening.to.everybody,
            sender=opening.sender,
            code="first_mail",
            is_answer=True,
            written=written_of(what),
            protection=opening.protection,
        )
        return post(ticket, posting, what, by=by)


def checked_opening(queue: Queue, what: Answer, by: Agent) -> Opening:
    sender = sender_of(queue, agent=by, choice=what.address)
    to = checked(what.to, what.cc, what.bcc)
    subject, words = " ".join(storable(what.subject).split()), words_of(what)
    if not subject:
        raise CannotAnswer("subject", _("The mail has no subject yet."))
    if not words:
        raise CannotAnswer("text", _("The mail has no text yet."))
    check_sending(what)
    check_filled([words.text, subject], what.despite)
    return Opening(queue, what, to, sender, subject, protection_for(queue, sender, to.everybody, what))


def open_ticket(opening: Opening, number: str, now: datetime, by: Agent) -> Ticket:
    """Nobody waits for us; who wrote it has it."""
    opened = Status.objects.get(key="open")
    people = [customer_of(email) for email in opening.to.everybody]
    ticket = Ticket.objects.create(
        number=number,
        subject=opening.subject,
        queue=opening.queue,
        status=opened,
        is_open=True,
        assignee=by,
        customer=people[0],
        reply_address=opening.sender.address,
        created_at=now,
        changed_at=now,
        is_unread=False,
    )
    let_take_part([person.pk for person in people[1 : len(opening.to.to) + len(opening.to.cc)]], ticket)
    return ticket


def customer_of(email: str, name: str = "") -> Customer:
    """By the address, else a new one with the organisation of its domain, as for a mail that comes in; `name`: his, then."""
    key = normalise(email)
    known = CustomerAddress.objects.filter(email=key).select_related("customer").first()
    if known is not None:
        return known.customer
    domain = OrganisationDomain.objects.filter(domain=key.rpartition("@")[2]).first()
    customer = Customer.objects.create(
        name=(name or key.partition("@")[0])[:200], organisation_id=domain.organisation_id if domain else None
    )
    CustomerAddress.objects.create(customer=customer, email=key)
    return customer


def letter(ticket: Ticket, opening: Opening, by: Agent) -> MailDraft:
    options = Options.objects.get()
    subject = numbered(opening.subject, ticket.number, hook=options.hook, place=options.subject_place)
    setting = setting_of(ticket, opening.sender, by)
    return draft_of(opening, setting, subject, own_message_id(ticket, opening.sender))


def first_letter(queue: Queue | None, what: Answer, to: Recipients, *, by: Agent) -> MailDraft:
    """As it will look, to be looked at: its ticket has no number yet."""
    if queue is None:
        raise CannotAnswer("queue", _("Choose the queue that the ticket belongs to."))
    opening = Opening(queue, what, to, sender_of(queue, agent=by, choice=what.address), what.subject)
    known = CustomerAddress.objects.filter(email__in=[normalise(one) for one in to.to[:1]]).first()
    setting = setting_before(queue, opening.sender, by, known.customer if known else None)
    return draft_of(opening, setting, what.subject, f"preview@{opening.sender.domain}")


def draft_of(opening: Opening, setting: Setting, subject: str, message_id: str) -> MailDraft:
    what, sender = opening.what, opening.sender
    body = body_of(words_of(what), setting)
    files = (*shown_files(what), *body.files)
    check_pictures(body.html, files)
    return MailDraft(
        author=MailAddress(sender.name, sender.address.email),
        to=tuple(MailAddress("", email) for email in opening.to.to),
        cc=tuple(MailAddress("", email) for email in opening.to.cc),
        subject=subject,
        text=body.text,
        html=body.html,
        attachments=files,
        message_id=message_id,
        date=what.send_at or timezone.now(),
    )
