"""What an export holds in words: tickets with all that belongs to them, customers with their addresses."""

from collections.abc import Callable, Iterator
from typing import Any

from postvak.models import Customer, Message, Ticket
from postvak.tickets.export import LOADED, facts_of

PAGE = 50  # tickets per query
Path = Callable[[str], str]


def readable_tickets(path_of: Path) -> Iterator[dict[str, Any]]:
    """`path_of`: where the mail with this digest lies in the archive."""
    last, tickets = 0, Ticket.objects.select_related(*LOADED, "merged_into").order_by("pk")
    while page := list(tickets.filter(pk__gt=last)[:PAGE]):
        for ticket in page:
            yield readable_ticket(ticket, path_of)
        last = page[-1].pk


def readable_ticket(ticket: Ticket, path_of: Path) -> dict[str, Any]:
    messages = ticket.messages.select_related("agent").prefetch_related("attachments").order_by("created_at", "pk")
    organisation = ticket.organisation or (ticket.customer.organisation if ticket.customer else None)
    people = Customer.objects.filter(pk__in=ticket.participants.values("customer"))
    return {
        "id": ticket.pk,
        **facts_of(ticket),
        "organisation": organisation.name if organisation else None,
        "participants": list(people.values("id", "name")),
        "followers": list(ticket.followers.values_list("name", flat=True)),
        "links": [{"kind": one.kind, "ticket": one.origin.number} for one in ticket.links.select_related("origin")],
        "external_links": list(ticket.external_links.values("title", "url")),
        "merged_into": ticket.merged_into.number if ticket.merged_into else None,
        "messages": [readable_message(message, path_of) for message in messages],
    }


def readable_message(message: Message, path_of: Path) -> dict[str, Any]:
    return {
        "id": message.pk,
        "kind": message.kind,
        "purpose": message.purpose,
        "internal": message.is_internal or message.kind == Message.Kind.NOTE,
        "at": message.created_at,
        "from": [message.author_name, message.author_email],
        "agent": message.agent.name if message.agent else None,
        "to": message.to,
        "cc": message.cc,
        "subject": message.subject,
        "text": message.text,
        "message_id": message.message_id,
        "taken_back_at": message.taken_back_at,
        "mail": path_of(str(message.blob_id)) if message.blob_id else None,
        "attachments": [
            {"name": one.name, "type": one.content_type, "size": one.size} for one in message.attachments.all()
        ],
    }


def readable_customers() -> Iterator[dict[str, Any]]:
    last, customers = 0, Customer.objects.select_related("organisation").prefetch_related("addresses").order_by("pk")
    while page := list(customers.filter(pk__gt=last)[:PAGE]):
        for customer in page:
            yield readable_customer(customer)
        last = page[-1].pk


def readable_customer(customer: Customer) -> dict[str, Any]:
    organisation = customer.organisation
    return {
        "id": customer.pk,
        "name": customer.name,
        "addresses": [one.email for one in customer.addresses.all()],
        "organisation": {"name": organisation.name, "number": organisation.number} if organisation else None,
        "language": customer.language,
        "note": customer.note,
        "fields": customer.fields,
        "created_at": customer.created_at,
    }
