"""Search: the page with its hits, and what is offered while one types."""

from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language
from django.views.decorators.http import require_GET

from postvak.tickets.search.find import COUNTED, find
from postvak.tickets.search.index import left_in, left_parts
from postvak.tickets.search.operators import OPERATORS, value_words
from postvak.tickets.search.query import Query
from postvak.tickets.search.suggest import suggest
from postvak.web.desk.lists import DEFAULT
from postvak.web.frame import frame_of
from postvak.web.pages import render
from postvak.web.session import agent_of, is_htmx
from postvak.web.stale import may_be_stale


@require_GET
@may_be_stale
def show(request: HttpRequest) -> HttpResponse:
    """htmx asks for the hits alone, when older ones are wanted."""
    agent, text, sort = agent_of(request), request.GET.get("q", ""), request.GET.get("sort", "")
    found = find(text, by=agent, before=request.GET.get("before", ""), best=sort == "best")
    context = {"found": found, "text": text, "best": sort == "best", "counted": COUNTED}
    if is_htmx(request):
        return render(request, "desk/_hits.html", context)
    language = get_language() or "en"
    operators = [
        (each.shown(language), each.meaning, value_words(each.key) if each.key == "is" else []) for each in OPERATORS
    ]
    frame = frame_of(agent, **left_parts())
    more = {"frame": frame, "operators": operators, "left": left_in(frame.more), "bulk_list": like_list(found.query)}
    return render(request, "desk/search.html", {**context, **more})


def like_list(query: Query) -> str:
    """The list whose tickets the hits are like: what is in the trash can be taken out of it, spam can be no spam."""
    asked = {each.value for each in query.filters if each.name in {"is", "status"} and not each.is_excluded}
    return next((name for name in ("trash", "spam") if name in asked), DEFAULT)


@require_GET
def suggestions(request: HttpRequest) -> HttpResponse:
    found = suggest(request.GET.get("q", ""), by=agent_of(request))
    return render(request, "desk/_suggestions.html", {"suggestions": found})
