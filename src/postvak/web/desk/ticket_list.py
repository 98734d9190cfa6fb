"""Lists of tickets: the middle pane, and the whole page before a ticket is open."""

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from postvak.web.desk.lists import DEFAULT, page_of
from postvak.web.pages import render
from postvak.web.session import agent_of, is_htmx


@require_GET
def start(request: HttpRequest) -> HttpResponse:
    return show(request, DEFAULT)


@require_GET
def show(request: HttpRequest, list_id: str) -> HttpResponse:
    """htmx asks for the rows alone: every few seconds, and for older ones."""
    page = page_of(list_id, agent_of(request), request.GET.get("before", ""))
    if page is None:
        raise Http404
    template = "desk/_rows.html" if is_htmx(request) else "desk/list.html"
    return render(request, template, {"page": page, "current": request.GET.get("current", "")})
