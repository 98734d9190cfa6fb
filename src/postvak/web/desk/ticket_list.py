"""Lists of tickets: the middle pane, and the whole page before a ticket is open; how an agent wants them; the navigation."""

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from postvak.models import Agent
from postvak.tickets.orders import is_order
from postvak.web.desk.columns import readable
from postvak.web.desk.lists import DEFAULT, TicketList, list_of, page_of
from postvak.web.pages import render
from postvak.web.session import agent_of, is_htmx


@require_GET
def start(request: HttpRequest) -> HttpResponse:
    return show(request, DEFAULT)


@require_GET
def show(request: HttpRequest, list_id: str) -> HttpResponse:
    """htmx asks for the rows alone: for more of them (`before`), and now and then for as many as are there (`rows`)."""
    wanted = request.GET.get("rows", "")
    size = int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) < 6 else 0
    page = page_of(list_id, agent_of(request), request.GET.get("before", ""), size)
    if page is None:
        raise Http404
    template = "desk/_rows.html" if is_htmx(request) else "desk/list.html"
    return render(request, template, {"page": page, "current": request.GET.get("current", "")})


@require_GET
def navigation(request: HttpRequest) -> HttpResponse:
    """The lists with their counters, anew."""
    return render(request, "desk/_nav_lists.html")


@require_POST
def look(request: HttpRequest, list_id: str) -> HttpResponse:
    """Remember the order of this list, or its columns and how dense all lists are."""
    agent = agent_of(request)
    found = list_of(list_id, agent)
    if found is None:
        raise Http404
    wishes = agent.lists if isinstance(agent.lists, dict) else {}
    agent.lists = {**wishes, list_id: wish_of(wishes.get(list_id), request.POST, found)}
    if request.POST.get("density") in Agent.Density.values:
        agent.density = request.POST["density"]
    agent.save(update_fields=["lists", "density"])
    number = request.POST.get("ticket", "")
    if number.isascii() and number.isdigit():
        return redirect(f"{reverse('ticket', args=[int(number)])}?in={list_id}")
    return redirect("list", list_id=list_id)


def wish_of(before: object, sent: QueryDict, found: TicketList) -> dict[str, object]:
    """What he wanted before, with what he sent; nothing that he didn't choose."""
    wish = dict(before) if isinstance(before, dict) else {}
    order = sent.get("order", "")
    if is_order(order, only_indexed=not found.is_open):
        wish["order"] = order
    if sent.get("reset"):
        wish.pop("columns", None)
    elif sent.get("look"):
        wish["columns"] = list(readable(sent.getlist("column"))) or list(found.columns)
    return wish
