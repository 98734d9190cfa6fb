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
    `language`: of the mail, as "nl" or "pt-br"."""

    brand: Brand
    address: Address
    agent: Agent | None
    ticket: Ticket | None
    customer: Customer | None
    language: str


def setting_of(ticket: Ticket, sender: Sender, agent: Agent | None) -> Setting:
    """That of a mail on `ticket`, in the customer's language."""
    brand, customer = ticket.queue.brand, ticket.customer
    return Setting(brand, sender.address, agent, ticket, customer, language_for(ticket))


def setting_before(queue: Queue, sender: Sender, agent: Agent | None, customer: Customer | None = None) -> Setting:
    """That of a mail whose ticket doesn't exist yet."""
    language = (customer.language if customer else "") or queue.brand.language
    return Setting(queue.brand, sender.address, agent, None, customer, language)


def language_for(ticket: Ticket) -> str:
    """The customer's setting, else the language of the newest mail from customers, else the brand's."""
    if ticket.customer and ticket.customer.language:
        return ticket.customer.language.lower()
    newest = newest_of_customers(ticket)
    own_words = reply_text(newest.text[:LOOKED_AT], "") if newest else ""
    return language_of(own_words) or ticket.queue.brand.language.lower()


def newest_of_customers(ticket: Ticket) -> Message | None:
    mails = ticket.messages.filter(kind=Message.Kind.INCOMING, author_kind=Message.AuthorKind.CUSTOMER)
    return mails.exclude(is_internal=True).order_by("-created_at", "-pk").first()
