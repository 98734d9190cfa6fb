"""Who is on a ticket: the page says that its agent is here, and shows the others. Live by static/presence.js."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_http_methods

from postvak.tickets.access import visible_tickets
from postvak.tickets.presence import be_gone, be_here, colleagues_here
from postvak.web.pages import render
from postvak.web.session import agent_of


@require_http_methods(["GET", "HEAD", "POST"])
def presence(request: HttpRequest, number: int) -> HttpResponse:
    """POST `doing`: viewing, typing, gone. The answer are the places where the others are shown."""
    agent = agent_of(request)
    ticket = get_object_or_404(visible_tickets(agent).only("pk", "number"), number=str(number))
    doing = request.POST.get("doing", "")
    if doing == "gone":
        be_gone(ticket, agent)
        return HttpResponse(status=204)
    if doing:
        be_here(ticket, agent, is_typing=doing == "typing")
    return render(request, "desk/_people_here.html", {"people": colleagues_here(ticket, agent)})
