"""Colleagues who are offered after @ in a note, and what its author hears of those whom it doesn't reach."""

from django.http import HttpRequest, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from postvak.models import Ticket
from postvak.tickets.mentions import find_mentions, propose_colleagues
from postvak.web.absence_words import absence
from postvak.web.desk.found import find
from postvak.web.flash import say
from postvak.web.session import agent_of


@require_GET
def colleagues(request: HttpRequest, number: int) -> JsonResponse:
    """`q`: the beginning of a name."""
    typed = request.GET.get("q", "").replace("\x00", "")[:100]
    found = propose_colleagues(typed, find(request, number), by=agent_of(request))
    return JsonResponse({"people": [{"name": one.name, "email": one.email, "note": absence(one)} for one in found]})


def tell_unheard(request: HttpRequest, ticket: Ticket, text: str) -> None:
    """After a note was written."""
    found = find_mentions(text, ticket, by=agent_of(request))
    if found.blind:
        names = ", ".join(one.name for one in found.blind)
        say(request, _("Not told, because they may not read this ticket: %(names)s.") % {"names": names}, tone="warn")
    for word in found.unclear:
        text = _("Several colleagues are called %(name)s, so nobody was told: write the full name.") % {"name": word}
        say(request, text, tone="warn")
