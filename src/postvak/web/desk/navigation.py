"""What the desk's navigation shows. A first, simple version: queues with their open tickets."""

from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest
from django.urls import reverse

from postvak.models import Brand
from postvak.tickets.access import visible_queues
from postvak.web.session import agent_of


def navigation(request: HttpRequest) -> dict[str, Any]:
    """`views`, `attention` (id, url, icon, label, count, tone), `queues` (url, colour, name, count, current)."""
    agent = agent_of(request)
    queues = visible_queues(agent).filter(is_valid=True).annotate(
        open_tickets=Count("tickets", filter=Q(tickets__is_open=True))
    )
    start = reverse("start")
    brand = Brand.objects.order_by("pk").first()
    return {
        "views": [],
        "attention": [],
        "queues": [
            {
                "url": f"{start}?queue={queue.pk}",
                "colour": queue.colour,
                "name": queue.name,
                "count": queue.open_tickets,
                "current": False,
            }
            for queue in queues
        ],
        "agent": agent,
        "current": "",
        "brand_name": brand.name if brand else "",
    }
