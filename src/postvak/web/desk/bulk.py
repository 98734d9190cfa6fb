"""The bulk bar: one form for all ticked tickets. What needs a choice or a second look is asked on a page of its own."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from postvak.models import BulkChange, Priority, Status, Tag
from postvak.notify.templates import usable
from postvak.tickets import bulk
from postvak.tickets.access import colleagues, may_among, rights_beside, visible_queues, visible_tickets
from postvak.web.desk.bulk_preview import answer_preview
from postvak.web.desk.bulk_rules import make_rule, senders_of
from postvak.web.desk.bulk_wish import VERBS, Wish
from postvak.web.desk.bulk_words import NAMES, done_count, name_of, what_was_done
from postvak.web.desk.export import download_many
from postvak.web.desk.lists import list_in
from postvak.web.flash import say
from postvak.web.pages import render
from postvak.web.session import agent_of, is_htmx

NAMED = 200  # tickets that are named on a page
TAGS_OFFERED = 300
TICKET = re.compile(r"/tickets/(\d+)/")


@require_POST
def perform(request: HttpRequest) -> HttpResponseBase:
    """Do it, or ask for what is missing. A number that was confirmed holds for that number only."""
    wish = Wish.of(request)
    problem = obstacle(wish)
    if problem:
        say(request, problem, tone="warn")
        return back(request)
    if wish.verb == "export" and wish.value in {"mbox", "zip"}:
        return download_many(request, wish)
    if wish.values is None or not is_clear(wish):
        return ask(request, wish)
    change = bulk.start(wish.verb, {**wish.values, "in": wish.list_id}, wish.keys, by=wish.agent)
    if wish.wants_rule:
        tell_rule(request, wish)
    return told(request, change)


def obstacle(wish: Wish) -> str:
    if wish.verb not in VERBS:
        return _("Choose what shall be done with the tickets.")
    if not wish.keys:
        return _("Tick tickets first.")
    if len(wish.keys) > bulk.MOST:
        return _("These are more than %(most)s tickets. Choose a smaller list.") % {"most": bulk.MOST}
    return ""


def is_clear(wish: Wish) -> bool:
    """A whole list, mails to customers, a filter, and what takes tickets out of one's own sight are looked at twice."""
    needs_look = wish.is_all or wish.verb == "answer" or wish.loses_sight > 0 or wish.wants_rule
    return wish.is_confirmed or not needs_look


def ask(request: HttpRequest, wish: Wish) -> HttpResponse:
    tickets = visible_tickets(wish.agent).filter(pk__in=wish.keys).select_related("status", "queue", "customer")
    context: dict[str, Any] = {
        "wish": wish,
        "title": NAMES[wish.verb],
        "count": len(wish.keys),
        "named": list(tickets.order_by("created_at", "pk")[:NAMED]) if not wish.is_all or wish.verb == "merge" else [],
        "back": safe(request, request.POST.get("back", "")),
        **choices_of(wish),
    }
    if wish.verb == "answer" and wish.values:
        context |= answer_preview(wish)
    if wish.wants_rule:
        context["senders"] = senders_of(wish.keys)
    return render(request, "desk/bulk_ask.html", context)


def choices_of(wish: Wish) -> dict[str, Any]:
    """What the menus of the bar offer; for the page that asks, only what it asks for."""
    makers: Mapping[str, Callable[[], dict[str, Any]]] = {
        "assign": lambda: {"colleagues": list(colleagues(wish.agent))},
        "queue": lambda: {"queues": list(visible_queues(wish.agent).filter(is_valid=True))},
        "status": lambda: {"statuses": list(Status.objects.filter(is_valid=True))},
        "priority": lambda: {"priorities": list(Priority.objects.filter(is_valid=True))},
        "tag": lambda: {"known_tags": list(Tag.objects.all()[:TAGS_OFFERED])},
        "untag": lambda: {"known_tags": list(Tag.objects.filter(tickets__in=wish.keys).distinct())},
        "answer": lambda: {"templates": list(usable(queues_of(wish)))},
    }
    return makers[wish.verb]() if wish.verb in makers else {}


def queues_of(wish: Wish) -> list[int]:
    tickets = visible_tickets(wish.agent).filter(pk__in=wish.keys)
    return list(tickets.order_by().values_list("queue", flat=True).distinct())


@require_GET
def bar(request: HttpRequest) -> HttpResponse:
    """The menus, which come when the first ticket is ticked."""
    agent, list_id = agent_of(request), list_in(request.GET.get("in", ""))
    queues = list(visible_queues(agent).annotate(rights=rights_beside(agent, "pk")))
    here = [row for row in queues if f"queue-{row.pk}" == list_id] or queues
    context = {
        "list_id": list_id,
        "may": may_among(agent, here),
        "colleagues": list(colleagues(agent)),
        "queues": [row for row in queues if row.is_valid],
        "statuses": list(Status.objects.filter(is_valid=True)),
        "priorities": list(Priority.objects.filter(is_valid=True)),
        "known_tags": list(Tag.objects.all()[:TAGS_OFFERED]),
    }
    return render(request, "desk/_bulk_bar.html", context)


def tell_rule(request: HttpRequest, wish: Wish) -> None:
    made = make_rule(senders_of(wish.keys), by=wish.agent)
    if made:
        say(request, _("The filter “%(name)s” marks their next mails.") % {"name": made.name})
    else:
        say(request, _("No filter was made: every sender is named by one already."), tone="warn")


# -- what became of it ----------------------------------------------------------------------------


def told(request: HttpRequest, change: BulkChange) -> HttpResponse:
    """A toast where the agent was; the change's own page while it goes on, or when tickets were left alone."""
    if change.finished_at is None or change.skipped:
        return redirect(f"{reverse('bulk-change', args=[change.pk])}")
    undo = reverse("bulk-undo", args=[change.pk]) if bulk.can_undo(change) else ""
    say(request, what_was_done(change), undo_url=undo)
    return back(request, change.parameters.get("in", ""))


def own(request: HttpRequest, pk: int) -> BulkChange:
    return get_object_or_404(BulkChange, pk=pk, agent=agent_of(request))


@require_GET
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """How far it is; htmx asks for the progress alone."""
    change = own(request, pk)
    keys = [int(key) for key in list(change.skipped)[:NAMED]]
    tickets = visible_tickets(agent_of(request)).in_bulk(keys)
    reasons: dict[str, list[Any]] = {}
    for key in keys:
        reasons.setdefault(change.skipped[str(key)], []).append(tickets.get(key))
    context = {
        "change": change,
        "title": name_of(change),
        "done": done_count(change),
        "handled": change.total - len(change.tickets),
        "words": what_was_done(change),
        "reasons": reasons,
        "can_undo": bulk.can_undo(change),
        "list_id": list_in(change.parameters.get("in", "")),
    }
    return render(request, "desk/_bulk_progress.html" if is_htmx(request) else "desk/bulk_change.html", context)


@require_POST
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Also stops what is still to be done."""
    change = own(request, pk)
    taken_back = bulk.undo(change, by=agent_of(request))
    if taken_back is None:
        say(request, _("There is nothing to take back any more."), tone="warn")
        return redirect("bulk-change", pk=change.pk)
    return told(request, taken_back)


def back(request: HttpRequest, list_id: str = "") -> HttpResponse:
    """To the page with the list, unless its open ticket went out of sight."""
    there = safe(request, request.POST.get("back", ""))
    open_ticket = TICKET.match(there)
    is_seen = open_ticket is None or visible_tickets(agent_of(request)).filter(number=open_ticket[1]).exists()
    if there and is_seen:
        return redirect(there)
    return redirect("list", list_id=list_in(list_id or request.POST.get("in", "")))


def safe(request: HttpRequest, there: str) -> str:
    """A path of ours, or nothing."""
    is_ours = there.startswith("/") and url_has_allowed_host_and_scheme(there, allowed_hosts=None)
    return there if is_ours and "\x00" not in there else ""
