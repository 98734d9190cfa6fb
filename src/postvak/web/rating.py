"""The page on which a customer rates our help. Opening the link changes nothing: programs that check links do that, too."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from postvak.models import Rating, Ticket
from postvak.notify.rating_link import ticket_of
from postvak.tickets.ratings import rate
from postvak.web.pages import render
from postvak.web.session import public


@public
@require_http_methods(["GET", "POST"])
def rating(request: HttpRequest, token: str) -> HttpResponse:
    key = ticket_of(token)
    ticket = Ticket.objects.select_related("queue__brand").filter(pk=key).first() if key else None
    if ticket is None:
        raise Http404
    if request.method == "POST":
        try:
            rate(ticket, int(request.POST.get("value", "")), request.POST.get("comment", ""))
        except ValueError:
            return page(request, ticket, status=422)
        return redirect("rating", token=token)
    return page(request, ticket)


def page(request: HttpRequest, ticket: Ticket, status: int = 200) -> HttpResponse:
    given = Rating.objects.filter(ticket=ticket).first()
    context = {"ticket": ticket, "given": given, "values": Rating.Value.choices[::-1], "missing": status != 200}
    return render(request, "door/rating.html", context, status=status)
