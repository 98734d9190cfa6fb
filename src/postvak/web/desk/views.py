"""Saved views: made, changed, sorted and deleted. What they find is in tickets.views, their list in web.desk.lists."""

from typing import Any

from django.db.models import Max
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from postvak.models import Agent, SavedView
from postvak.tickets.tally import COUNTED_UP_TO, count_each
from postvak.tickets.view_counts import forget_counts, views_with_numbers
from postvak.tickets.views import changeable_views, gone, tickets_of
from postvak.web.desk.lists import chosen, list_of
from postvak.web.desk.navigation import shown
from postvak.web.desk.view_form import ViewForm
from postvak.web.flash import say
from postvak.web.pages import render
from postvak.web.session import agent_of


@require_GET
def show(request: HttpRequest) -> HttpResponse:
    """All that stand in his navigation, in its order."""
    agent = agent_of(request)
    rows = [
        {"view": view, "count": shown(number, COUNTED_UP_TO), "may_change": may_change(view, agent)}
        for view, number in views_with_numbers(agent)
    ]
    return render(request, "desk/views.html", {"rows": rows})


def may_change(view: SavedView, agent: Agent) -> bool:
    return view.agent_id == agent.pk or (agent.is_admin and view.is_shared)


@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """`from`: a list whose tickets, order and columns it begins with."""
    agent = agent_of(request)
    view = SavedView(agent=agent, **beginning(request.GET.get("from", ""), agent))
    if request.method == "POST":
        last = SavedView.objects.filter(agent=agent).aggregate(last=Max("position"))["last"]
        view.position = min((last or 0) + 1, 32_767)
    return edited(request, view)


def beginning(list_id: str, agent: Agent) -> dict[str, Any]:
    found = list_of(list_id, agent) if list_id else None
    if found is None:
        return {}
    order, columns = chosen(found, agent)
    name = str(found.label) if found.view is None else _("Copy of %(name)s") % {"name": found.label}
    return {"name": name[:60], "condition": found.condition.stored, "order": order, "columns": list(columns)}


@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    return edited(request, get_object_or_404(changeable_views(agent_of(request)), pk=pk))


def edited(request: HttpRequest, view: SavedView) -> HttpResponse:
    form = ViewForm(agent_of(request), view, request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        form.fill().save()
        forget_counts(view)
        forget_own_look(agent_of(request), f"view-{view.pk}")
        say(request, _("The view “%(name)s” is saved.") % {"name": view.name})
        return redirect("list", list_id=f"view-{view.pk}")
    context = {"form": form, "view": view, "notes": gone(form.condition), **hits_of(form)}
    return render(request, "desk/view.html", context, status=422 if form.is_bound else 200)


def forget_own_look(agent: Agent, list_id: str) -> None:
    """Whoever sets order and columns of a view wants to see it so."""
    if isinstance(agent.lists, dict) and agent.lists.pop(list_id, None):
        agent.save(update_fields=["lists"])


def hits_of(form: ViewForm) -> dict[str, Any]:
    """How many tickets it finds now; nothing is said while the form can't be read."""
    if form.is_bound and not form.is_valid():
        return {"hits": None}
    number = count_each({"hits": tickets_of(form.wanted if form.is_bound else form.condition, form.agent)})["hits"]
    return {"hits": number, "hits_words": shown(number, COUNTED_UP_TO) or "0"}


@require_POST
def hits(request: HttpRequest) -> HttpResponse:
    """How many tickets what stands in the editor finds; nothing is saved."""
    data = request.POST.copy()
    data["name"] = data.get("name") or "-"
    key = request.POST.get("view", "")
    known = (
        changeable_views(agent_of(request)).filter(pk=int(key)).first()
        if key.isascii() and key.isdigit() and len(key) < 19
        else None
    )
    form = ViewForm(agent_of(request), known or SavedView(agent=agent_of(request)), data)
    return render(request, "desk/_view_hits.html", hits_of(form))


@require_POST
def place(request: HttpRequest, pk: int) -> HttpResponse:
    """One place up or down among those that he may change."""
    agent = agent_of(request)
    view = get_object_or_404(changeable_views(agent), pk=pk)
    rows = list(changeable_views(agent))
    at = rows.index(view)
    to = at + (-1 if request.POST.get("to") == "up" else 1)
    if 0 <= to < len(rows):
        rows[at], rows[to] = rows[to], rows[at]
    for position, row in enumerate(rows, 1):
        if row.position != position:
            SavedView.objects.filter(pk=row.pk).update(position=position)
    return redirect("views")


@require_POST
def removal(request: HttpRequest, pk: int) -> HttpResponse:
    view = get_object_or_404(changeable_views(agent_of(request)), pk=pk)
    view.delete()
    forget_own_look(agent_of(request), f"view-{pk}")
    say(request, _("The view “%(name)s” is deleted; its tickets stay.") % {"name": view.name})
    return redirect("views")
