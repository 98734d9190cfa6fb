"""Search: the page with its hits, and what is offered while one types."""

from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language
from django.views.decorators.http import require_GET

from postvak.tickets.search.find import COUNTED, find
from postvak.tickets.search.index import left_to_read
from postvak.tickets.search.operators import OPERATORS, value_words
from postvak.tickets.search.suggest import suggest
from postvak.web.pages import render
from postvak.web.session import agent_of, is_htmx


@require_GET
def show(request: HttpRequest) -> HttpResponse:
    """htmx asks for the hits alone, when older ones are wanted."""
    text, sort = request.GET.get("q", ""), request.GET.get("sort", "")
    found = find(text, by=agent_of(request), before=request.GET.get("before", ""), best=sort == "best")
    context = {"found": found, "text": text, "best": sort == "best", "counted": COUNTED}
    if is_htmx(request):
        return render(request, "desk/_hits.html", context)
    language = get_language() or "en"
    operators = [
        (each.shown(language), each.meaning, value_words(each.key) if each.key == "is" else []) for each in OPERATORS
    ]
    return render(request, "desk/search.html", {**context, "operators": operators, "unread": left_to_read()})


@require_GET
def suggestions(request: HttpRequest) -> HttpResponse:
    found = suggest(request.GET.get("q", ""), by=agent_of(request))
    return render(request, "desk/_suggestions.html", {"suggestions": found})
