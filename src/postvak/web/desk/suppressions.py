"""Suppressed addresses: to whom mail came back or who complained, why, and releasing them. Spec 04.

Every agent sees the list, because it warns every agent; the ticket stands there only for those who may read it.
"""

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from postvak.log.status_codes import explanation
from postvak.models import Agent, Suppression, Ticket
from postvak.send.suppress import listed, release
from postvak.tickets.access import demand_somewhere, visible_tickets
from postvak.web.desk.outbox_rows import as_key
from postvak.web.flash import say
from postvak.web.pages import render
from postvak.web.session import agent_of

PAGE = 50


@dataclass(frozen=True, slots=True)
class Row:
    """`why`: the server's words in a sentence; `ticket`: only if the agent may see it."""

    suppression: Suppression
    why: str
    ticket: Ticket | None


@require_GET
def show(request: HttpRequest) -> HttpResponse:
    query, before = request.GET.get("q", "").strip()[:320], as_key(request.GET.get("before", ""))
    rows = matching(query)
    found = list((rows.filter(pk__lt=before) if before else rows)[: PAGE + 1])
    older = found[PAGE - 1].pk if len(found) > PAGE else 0
    context = {
        "rows": with_tickets(found[:PAGE], agent_of(request)),
        "count": rows.count(),
        "query": query,
        "before": before,
        "older": f"?{urlencode({'q': query, 'before': older})}" if older else "",
        "newest": f"?{urlencode({'q': query})}",
    }
    return render(request, "desk/suppressions.html", context)


def matching(query: str) -> QuerySet[Any]:
    about = Coalesce("delivery__outgoing__message__ticket", "delivery__outgoing__ticket")
    return listed(query).select_related("delivery").annotate(ticket=about)


def with_tickets(suppressions: list[Any], agent: Agent) -> list[Row]:
    """One query for the tickets of all rows."""
    keys = {one.ticket for one in suppressions if one.ticket}
    tickets = visible_tickets(agent).select_related("queue").in_bulk(keys)
    return [Row(one, why(one), tickets.get(one.ticket)) for one in suppressions]


def why(suppression: Suppression) -> str:
    if suppression.reason == Suppression.Reason.COMPLAINED:
        return _("The recipient told the provider that our mail was unwanted.")
    code = suppression.delivery.code if suppression.delivery else None
    return explanation(suppression.said, code=code)


@require_POST
def release_chosen(request: HttpRequest) -> HttpResponse:
    """Each in its own transaction; one that a colleague released meanwhile is no problem."""
    demand_somewhere(agent_of(request), "answer")
    keys = [as_key(key) for key in request.POST.getlist("address")][:PAGE]
    addresses = list(Suppression.objects.filter(pk__in=keys).order_by("pk").values_list("address", flat=True))
    now, agent = timezone.now(), agent_of(request)
    done = [address for address in addresses if release(address, None, now, by=agent)]
    if not keys:
        say(request, _("Choose addresses first."), tone="warn")
    elif not done:
        say(request, _("A colleague released them already."), tone="warn")
    elif len(done) == 1:
        say(request, _("%(address)s gets mail again.") % {"address": done[0]})
    else:
        words = ngettext("%(num)s address gets mail again.", "%(num)s addresses get mail again.", len(done))
        say(request, words % {"num": len(done)})
    values = {"q": request.POST.get("q", ""), "before": as_key(request.POST.get("before", "")) or ""}
    return redirect(f"{reverse('suppressions')}?{urlencode({name: one for name, one in values.items() if one})}")
