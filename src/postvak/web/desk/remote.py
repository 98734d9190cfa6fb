"""Pictures from other servers: an agent allows them for all mails of a sender, and takes that back."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from postvak.mail.addresses import normalise
from postvak.models import Agent, Message
from postvak.models.together import RemoteContent
from postvak.tickets.access import visible_messages
from postvak.web.desk.found import came_from
from postvak.web.flash import say
from postvak.web.pages import render
from postvak.web.session import agent_of, is_htmx


def is_allowed(agent: Agent, message: Message) -> bool:
    """A mail without an author has nobody whom one could trust."""
    email = normalise(message.author_email)
    return bool(email) and RemoteContent.objects.filter(agent=agent, email=email).exists()


@require_http_methods(["GET", "POST"])
def senders(request: HttpRequest, pk: int) -> HttpResponse:
    """POST `allow`: "1" always, else no longer; the card asks for its mail again. GET: a page with the same choice, for
    those who come from the frame."""
    agent = agent_of(request)
    message = get_object_or_404(visible_messages(agent).exclude(blob=None).select_related("ticket"), pk=pk)
    if request.method == "GET":
        return render(request, "desk/remote.html", {"message": message, "is_always": is_allowed(agent, message)})
    email = normalise(message.author_email)
    if request.POST.get("allow") == "1" and email:
        RemoteContent.objects.get_or_create(agent=agent, email=email)
        text = _("Pictures in mails of %(sender)s are always loaded.")
    else:
        RemoteContent.objects.filter(agent=agent, email=email).delete()
        text = _("Pictures in mails of %(sender)s are no longer loaded by themselves.")
    if is_htmx(request):
        return HttpResponse(status=204)
    say(request, text % {"sender": email or _("this sender")})
    return redirect(f"{reverse('ticket', args=[message.ticket.number])}?in={came_from(request)}#message-{message.pk}")
