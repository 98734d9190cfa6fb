"""Setting: who writes to whom, about what, and in which language. Wordings and placeholders are filled from it."""

from dataclasses import dataclass

from postvak.mail.language import language_of
from postvak.mail.quotes import reply_text
from postvak.models import Address, Agent, Brand, Customer, Message, Queue, Ticket
from postvak.send.sender import Sender

LOOKED_AT = 8000  # letters of a mail; its language shows in the first ones


@dataclass(frozen=True, slots=True)
class Setting:
    """`agent`: null for automatic mail, which names no agent. `ticket`: null for a mail that will begin one.
    `language`: of the mail, as "nl" or "pt-br". `queue`: whose wordings count; null: that of the ticket, if there is one."""

    brand: Brand
    address: Address
    agent: Agent | None
    ticket: Ticket | None
    customer: Customer | None
    language: str
    queue: Queue | None = None

    @property
    def place(self) -> Queue | None:
        return self.queue or (self.ticket.queue if self.ticket else None)


def setting_of(ticket: Ticket, sender: Sender, agent: Agent | None) -> Setting:
    """That of a mail on `ticket`, in the customer's language."""
    brand, customer = ticket.queue.brand, ticket.customer
    return Setting(brand, sender.address, agent, ticket, customer, language_for(ticket))


def setting_before(queue: Queue, sender: Sender, agent: Agent | None, customer: Customer | None = None) -> Setting:
    """That of a mail whose ticket doesn't exist yet."""
    language = answered_in(queue, customer.language if customer else "")
    return Setting(queue.brand, sender.address, agent, None, customer, language, queue)


def language_for(ticket: Ticket) -> str:
    """The customer's setting, else the language of the newest mail from customers; if the queue doesn't answer in it, the queue's."""
    if ticket.customer and ticket.customer.language:
        return answered_in(ticket.queue, ticket.customer.language)
    newest = newest_of_customers(ticket)
    own_words = reply_text(newest.text[:LOOKED_AT], "") if newest else ""
    return answered_in(ticket.queue, language_of(own_words))


def answered_in(queue: Queue, wanted: str) -> str:
    """The language wanted ("" for none), if the queue answers in it; one that names no languages answers in all."""
    wanted = wanted.lower()
    known = languages_of(queue)
    if not wanted or wanted in known or not known:
        return wanted or usual_language(queue)
    near = next((one for one in known if one[:2] == wanted[:2]), "")
    return (wanted if len(near) == 2 else near) or known[0]


def usual_language(queue: Queue) -> str:
    """In which the queue answers everybody else."""
    return next(iter(languages_of(queue)), queue.brand.language.lower())


def languages_of(queue: Queue) -> list[str]:
    return [str(one).lower() for one in queue.languages or ()]


def newest_of_customers(ticket: Ticket) -> Message | None:
    mails = ticket.messages.filter(kind=Message.Kind.INCOMING, author_kind=Message.AuthorKind.CUSTOMER)
    return mails.exclude(is_internal=True).order_by("-created_at", "-pk").first()
