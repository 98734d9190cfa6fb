"""What tests of the pipeline do again and again: mails come in, filters are saved, tickets are looked at."""

import itertools
from typing import Any

from postvak.log.sentences import trace_line
from postvak.models import Filter, Mailbox, Options, Receipt, Ticket
from postvak.process.filters.check import names, problems
from postvak.process.filters.draft import Draft
from postvak.process.filters.store import save_filter
from postvak.process.run import process_due
from postvak.receive.accept import Arrived, accept

counter = itertools.count()


def receive(mailbox: Mailbox, *raws: bytes, **arrived: Any) -> list[Receipt]:
    """Accept and process mails as separate arrivals; returns their receipts. `arrived`: further facts of Arrived."""
    receipts = accept(mailbox, [Arrived(f"test/{next(counter)}", raw, **arrived) for raw in raws])
    while process_due("test:1:x"):
        pass
    return [Receipt.objects.get(pk=receipt.pk) for receipt in receipts]


def codes(receipt: Receipt) -> list[str]:
    return [entry[1] for entry in receipt.trace.entries]


def parameters(receipt: Receipt, code: str) -> list[dict[str, Any]]:
    """Of every line of the trace with this code."""
    return [entry[2] for entry in receipt.trace.entries if entry[1] == code]


def said(receipt: Receipt) -> str:
    """The whole trace in words."""
    lines = [trace_line(entry) for entry in receipt.trace.entries]
    return "\n".join(f"{line.title} {line.detail}" for line in lines)


def make_filter(
    name: str,
    *actions: tuple[str, str] | tuple[str, str, str],
    when: list[dict[str, Any]] | None = None,
    **more: Any,
) -> Filter:
    """Save a checked filter; `when`: conditions, all mails when not given; actions as (set, value[, on])."""
    always = [{"field": "size", "operator": "above", "value": "0"}]
    draft = Draft.from_json(
        {
            "name": name,
            "conditions": always if when is None else when,
            "actions": [dict(zip(("set", "value", "on"), action, strict=False)) for action in actions],
            **more,
        }
    )
    assert problems(draft, names()) == []
    return save_filter(draft, by=None)


def condition(field: str, operator: str, value: str = "", *, negated: bool = False) -> dict[str, Any]:
    return {"field": field, "operator": operator, "value": value, "not": negated}


def looks(ticket: Ticket) -> dict[str, Any]:
    """Everything that control headers may change, in plain words."""
    ticket.refresh_from_db()
    newest = ticket.messages.exclude(kind="note").latest("id")
    return {
        "queue": ticket.queue.name,
        "status": ticket.status.key,
        "pending": ticket.pending_until,
        "priority": ticket.priority_id,
        "type": ticket.type.name if ticket.type else None,
        "fields": ticket.fields,
        "title": ticket.subject,
        "assignee": ticket.assignee.email if ticket.assignee else None,
        "followers": sorted(ticket.followers.values_list("email", flat=True)),
        "organisation": ticket.organisation.name if ticket.organisation else None,
        "customer": ticket.customer.addresses.get().email if ticket.customer else None,
        "tags": sorted(ticket.tags.values_list("name", flat=True)),
        "spam": ticket.is_spam,
        "author": newest.author_kind,
        "internal": newest.is_internal,
        "notes": list(ticket.messages.filter(kind="note").values_list("text", flat=True)),
        "messages": ticket.messages.exclude(kind="note").count(),
    }


def set_option(**changes: Any) -> None:
    """Options of the whole installation."""
    assert Options.objects.update(**changes) == 1
