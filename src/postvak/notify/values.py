"""What the placeholders of a mail stand for (names: mail.placeholders.NAMES). Reads, but writes nothing."""

from collections.abc import Mapping
from datetime import date, datetime, tzinfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time
from django.conf import settings
from django.urls import reverse
from django.utils import timezone, translation

from postvak.mail.quotes import reply_text
from postvak.models import Agent, Customer, Message, Ticket
from postvak.notify.rating_link import rating_link
from postvak.notify.setting import Setting

COMPANY_WORDS = frozenset(["team", "support", "info", "sales", "service", "office"])


def placeholder_values(setting: Setting, *, message: Message | None = None) -> dict[str, str]:
    """Name -> text; "" where there is nothing to say. `message`: the mail that is answered or forwarded."""
    today = timezone.localdate(timezone=timezone.get_default_timezone())
    return {
        **values_of_agent(setting.agent),
        **values_of_customer(setting.customer),
        **values_of_ticket(setting.ticket, setting.language),
        **values_of_message(message, setting.language),
        "brand.name": setting.brand.name,
        "address.name": setting.address.display_name or setting.brand.name,
        "address.email": setting.address.email,
        "today": day(today, setting.language),
    }


def values_of_agent(agent: Agent | None) -> Mapping[str, str]:
    name, email = (agent.name.strip(), agent.email) if agent else ("", "")
    return {"agent.name": name, "agent.first_name": first_name(name), "agent.email": email}


def values_of_customer(customer: Customer | None) -> Mapping[str, str]:
    name = customer.name.strip() if customer else ""
    if "@" in name:  # known by his address only
        name = ""
    address = customer.addresses.order_by("pk").first() if customer and customer.pk else None
    organisation = customer.organisation.name if customer and customer.organisation else ""
    return {
        "customer.name": name,
        "customer.first_name": first_name(name),
        "customer.email": address.email if address else "",
        "customer.organisation": organisation,
    }


def values_of_ticket(ticket: Ticket | None, language: str) -> Mapping[str, str]:
    return {
        "ticket.number": ticket.number if ticket else "",
        "ticket.subject": " ".join(ticket.subject.split()) if ticket else "",
        "ticket.queue": ticket.queue.name if ticket else "",
        "ticket.created": day(local(ticket.created_at), language) if ticket else "",
        "ticket.rating_link": rating_link(ticket) if ticket else "",
        **values_of_state(ticket, language),
    }


def values_of_state(ticket: Ticket | None, language: str) -> Mapping[str, str]:
    """How it stands now. One that isn't stored, as in a preview, has no status."""
    with translation.override(language):
        return {
            "ticket.status": str(ticket.status) if ticket and ticket.status_id else "",
            "ticket.priority": str(ticket.priority) if ticket and ticket.status_id else "",
            "ticket.assignee": ticket.assignee.name if ticket and ticket.assignee else "",
            "ticket.due": moment(ticket.due_at, language) if ticket else "",
            "ticket.waiting_since": moment(ticket.waiting_since, language) if ticket else "",
            "ticket.link": ticket_link(ticket) if ticket else "",
        }


def ticket_link(ticket: Ticket) -> str:
    """ "" when the installation has no public address (POSTVAK_URL)."""
    url = settings.CONFIGURATION.url
    return f"{url}{reverse('ticket', args=[ticket.number])}" if url else ""


def values_of_message(message: Message | None, language: str) -> Mapping[str, str]:
    """Nothing of what is internal: it would go to the customer."""
    if message is None or message.is_internal or message.kind == Message.Kind.NOTE:
        return {"message.subject": "", "message.date": "", "message.quote": ""}
    return {
        "message.subject": " ".join(message.subject.split()),
        "message.date": day(local(message.created_at), language),
        "message.quote": reply_text(message.text, ""),
    }


def first_name(name: str) -> str:
    """ "Ann" of "Ann Archer" and of "Archer, Ann"; "" where the name is no person's, as far as one can see."""
    family, comma, given = name.partition(",")
    words = (given if comma and given.strip() else family).split()
    if not words or not words[0][0].isalpha() or words[0].lower() in COMPANY_WORDS or words[0].endswith("."):
        return ""
    return words[0]


def local(moment: datetime) -> datetime:
    """In the time zone of the installation: the customer's is unknown, and the agent's says nothing to him."""
    return timezone.localtime(moment, timezone.get_default_timezone())


def moment(at: datetime | None, language: str, zone: tzinfo | None = None) -> str:
    """Day and time; on the clock of the installation, unless the mail is for an agent, who has his own."""
    here = timezone.localtime(at, zone or timezone.get_default_timezone()) if at else None
    if here is None:
        return ""
    locale = locale_of(language)
    return f"{format_date(here, 'medium', locale=locale)}, {format_time(here, 'short', locale=locale)}"


def day(when: date, language: str) -> str:
    return format_date(when, "long", locale=locale_of(language))


def locale_of(language: str) -> Locale:
    """That of the language, English where there is none."""
    try:
        return Locale.parse(language.replace("_", "-")[:2] or "en")
    except (UnknownLocaleError, ValueError):
        return Locale.parse("en")
