"""note_call(): somebody rang: a ticket with what he said, or what the agent noted. No mail goes out, unless the agent wants it to be
confirmed: then the rules on new tickets write to the caller.

The text is an internal note, written down by the agent. What the customer said himself has him as its `customer` and author;
what the agent noted about the call has not.
"""

from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from postvak.mail.charsets import storable
from postvak.models import Agent, Customer, Message, Queue, Status, Ticket
from postvak.tickets.access import assignable_agents, demand
from postvak.tickets.field_sets import CannotClose, missing_in, required_in
from postvak.tickets.history import write_history
from postvak.tickets.numbers import allocate
from postvak.tickets.participants import name_of
from postvak.tickets.rules.confirmation import confirm

ACTIVE = (Status.Type.NEW, Status.Type.OPEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """`is_said`: the text has the customer's words. `assignee`: null for nobody. `confirms`: the caller is told by mail."""

    queue: Queue
    customer: Customer
    subject: str
    text: str
    status: Status
    is_said: bool = True
    assignee: Agent | None = None
    confirms: bool = False


class CannotNote(Exception):
    """`field`: what is missing or wrong; the text says what."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field


def note_call(call: Call, *, by: Agent) -> Ticket:
    """Raises CannotNote, and nothing is written. Who rang waits for us, unless the ticket is closed or waits itself."""
    demand(by, "answer", call.queue.pk)
    subject, text = check(call)
    now = timezone.now()
    with transaction.atomic():
        check_complete(call)
        ticket = Ticket.objects.create(
            number=allocate(1, timezone.localdate())[0],
            subject=subject,
            queue=call.queue,
            status=call.status,
            is_open=call.status.is_open,
            assignee=call.assignee,
            customer=call.customer,
            created_at=now,
            changed_at=now,
            closed_at=None if call.status.is_open else now,
            waiting_since=now if call.status.type in ACTIVE else None,
            is_unread=call.assignee != by,
            preview=Ticket.preview_of(text),
            message_count=1,
        )
        message = Message.objects.create(
            ticket=ticket,
            kind=Message.Kind.NOTE,
            agent=by,
            customer=call.customer if call.is_said else None,
            author_name=(name_of(call.customer) if call.is_said else by.name)[:200],
            author_kind=Message.AuthorKind.CUSTOMER if call.is_said else Message.AuthorKind.AGENT,
            created_at=now,
            text=text,
        )
        write_history(ticket, "call_noted", by=by, name=name_of(call.customer))
        if call.confirms:
            confirm(ticket, message)
    return ticket


def check_complete(call: Call) -> None:
    """The fields can be filled in once there is a ticket."""
    if call.status.type == Status.Type.CLOSED and (missing := missing_in({}, required_in(call.queue.pk))):
        raise CannotNote("status", str(CannotClose(missing)))


def check(call: Call) -> tuple[str, str]:
    """Subject and text as they are kept."""
    subject, text = " ".join(storable(call.subject).split()), storable(call.text).replace("\r\n", "\n").strip()
    if not subject:
        raise CannotNote("subject", _("Give the ticket a subject."))
    if not text:
        raise CannotNote("text", _("Write down what the call was about."))
    if call.confirms and not call.customer.addresses.exists():
        raise CannotNote("address", _("Without an address nothing can be confirmed by mail."))
    if call.assignee and not assignable_agents(call.queue).filter(pk=call.assignee.pk).exists():
        raise CannotNote("assignee", _("%(name)s does not work in this queue.") % {"name": call.assignee.name})
    return subject, text
