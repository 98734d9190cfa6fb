"""What the desk's navigation shows: lists, what needs a person, queues; with counters."""

from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from postvak.models import Agent, Brand, Draft
from postvak.receive.silence import silent_mailboxes
from postvak.send.broken import broken_channels
from postvak.tickets.access import visible_queues, visible_receipts
from postvak.web.desk.lists import DEFAULT, LISTS, counts
from postvak.web.desk.outbox_rows import needs_person
from postvak.web.session import agent_of

Entry = dict[str, Any]
WAITING_THERE = Q(tickets__is_open=True, tickets__is_spam=False, tickets__merged_into=None)


def navigation(request: HttpRequest) -> Entry:
    """`views`, `attention` (id, url, icon, label, count, tone), `queues` (url, colour, name, count, current), `drafts` (how
    many of one's own), and for administrators `silent`: mailboxes from which nothing came for too long,
    and `broken`: channels by which nothing goes out."""
    agent = agent_of(request)
    numbers = counts(agent)
    brand = Brand.objects.order_by("pk").first()
    current = current_list(request)
    return {
        "views": [entry(list_id, numbers) for list_id in LISTS if list_id != "undelivered"],
        "attention": [held(agent), {**entry("undelivered", numbers), "tone": "alert"}, outbox(agent)],
        "queues": queues(agent, current),
        "drafts": Draft.objects.filter(agent=agent).count(),
        "agent": agent,
        "current": current,
        "brand_name": brand.name if brand else "",
        "silent": silent_mailboxes(timezone.now()) if agent.is_admin else [],
        "broken": broken_channels() if agent.is_admin else [],
    }


def current_list(request: HttpRequest) -> str:
    match = request.resolver_match
    if match is None:
        return ""
    if match.url_name in {"held", "outbox", "drafts", "search"}:
        return str(match.url_name)
    if match.url_name == "suppressions":
        return "outbox"
    if match.url_name in {
        "ticket",
        "answer",
        "redirect-message",
        "note",
        "ticket-fields",
        "ticket-merge",
        "message-move",
    }:
        return request.GET.get("in") or DEFAULT
    return str(match.kwargs.get("list_id", DEFAULT if match.url_name == "start" else ""))


def entry(list_id: str, numbers: dict[str, int]) -> Entry:
    known = LISTS[list_id]
    return {
        "id": list_id,
        "url": reverse("list", args=[list_id]),
        "icon": known.icon,
        "label": known.label,
        "count": numbers.get(list_id),
        "tone": "",
    }


def held(agent: Agent) -> Entry:
    number = visible_receipts(agent).held().count()
    return {"id": "held", "url": reverse("held"), "icon": "hand", "label": _("Held"), "count": number, "tone": "warn"}


def outbox(agent: Agent) -> Entry:
    """Counted only when a mail failed or is in doubt: somebody must look."""
    number = needs_person(agent)
    page = reverse("outbox")
    url = f"{page}?state=attention" if number else page
    return {"id": "outbox", "url": url, "icon": "send", "label": _("Outbox"), "count": number, "tone": "alert"}


def queues(agent: Agent, current: str) -> list[Entry]:
    rows = visible_queues(agent).filter(is_valid=True)
    return [
        {
            "url": reverse("list", args=[f"queue-{queue.pk}"]),
            "colour": queue.colour,
            "name": queue.name,
            "count": queue.open_tickets,
            "current": current == f"queue-{queue.pk}",
        }
        for queue in rows.annotate(open_tickets=Count("tickets", filter=WAITING_THERE)).order_by("name")
    ]
