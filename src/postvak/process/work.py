"""One mail on its way through apply."""

from dataclasses import dataclass, field
from datetime import datetime

from postvak.mail.values import Mail
from postvak.models import History, Message, Receipt, Ticket
from postvak.process.incoming import author_key
from postvak.process.plan import Facts, Plan


@dataclass(slots=True)
class Work:
    """Rows are filled in step by step. `customer_id` wrote the mail, `requester_id` is whom a new ticket is for;
    `lines`: history that follow the line about the mail itself; `brings_back`: a mail of ours came back with it."""

    receipt: Receipt
    facts: Facts
    plan: Plan
    started_at: datetime
    customer_id: int | None = None
    requester_id: int | None = None
    ticket: Ticket | None = None
    message: Message | None = None
    lines: list[History] = field(default_factory=list)
    brings_back: bool = False

    @property
    def mail(self) -> Mail:
        return self.facts.mail

    @property
    def kept(self) -> Mail:
        """What of the mail is stored on its ticket."""
        new, ticket = self.plan.new_ticket, self.plan.ticket
        return self.facts.kept(
            new.queue_id if new else self.plan.attributes.queue_id or (ticket.queue_id if ticket else None)
        )

    @property
    def author_email(self) -> str:
        """The customer's address: of the mail's author, or of the one whose mail an agent passes on."""
        return self.plan.author_email or author_key(self.mail)

    @property
    def ticket_id(self) -> int:
        if self.ticket is not None:
            return self.ticket.pk
        if self.plan.ticket is None:
            raise ValueError("this plan has no ticket")
        return self.plan.ticket.id
