"""The manual: its table of contents with a search, and its chapters. The texts are in web.manual_book."""

from itertools import pairwise

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from postvak.web.manual_book import FOR_ADMINISTRATORS, Chapter, chapter, chapters, html, reader_language, search
from postvak.web.pages import render
from postvak.web.session import agent_of


@require_GET
def contents(request: HttpRequest) -> HttpResponse:
    agent_of(request)
    language, asked = reader_language(), request.GET.get("q", "").replace("\0", "")[:200].strip()
    hits = search(language, asked) if asked else []
    return render(request, "manual/contents.html", {**parts(language), "asked": asked, "hits": hits})


@require_GET
def show(request: HttpRequest, topic: str) -> HttpResponse:
    agent_of(request)
    language = reader_language()
    found = chapter(language, topic)
    if found is None:
        raise Http404
    neighbours = {
        "previous": next((one for one, other in pairwise(chapters(language)) if other is found), None),
        "next": next((other for one, other in pairwise(chapters(language)) if one is found), None),
    }
    context = {**parts(language), **neighbours, "chapter": found, "text": html(language, topic)}
    return render(request, "manual/chapter.html", context)


def parts(language: str) -> dict[str, tuple[Chapter, ...]]:
    everything = chapters(language)
    return {
        "for_agents": tuple(each for each in everything if each.number < FOR_ADMINISTRATORS),
        "for_administrators": tuple(each for each in everything if each.number >= FOR_ADMINISTRATORS),
    }
