"""Pictures from other servers: an agent allows them for all mails of a sender, and takes that back."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from postvak.keys.security import layers_of, security_of
from postvak.mail.addresses import normalise
from postvak.models import Agent, Message
from postvak.models.together import RemoteContent
from postvak.tickets.access import visible_messages
from postvak.web.desk.found import came_from
from postvak.web.desk.trusted import is_proven
from postvak.web.flash import say
from postvak.web.pages import render
from postvak.web.session import agent_of, is_htmx

UNPROVEN = gettext_lazy("It isn't sure that %(sender)s wrote this mail, so its pictures are not loaded by themselves.")


def is_allowed(agent: Agent, message: Message) -> bool:
    """Are they loaded by themselves?"""
    email = normalise(message.author_email)
    return can_be_allowed(message) and RemoteContent.objects.filter(agent=agent, email=email).exists()


def can_be_allowed(message: Message) -> bool:
    """A mail without an author has nobody whom one could trust, and under a name that isn't proven anybody writes. What came encrypted
    may be somebody else's secret with a picture around it, whose address carries the words away: never by itself."""
    security = security_of(message)
    is_encrypted = security is not None and bool(security.encrypted)
    return bool(normalise(message.author_email)) and not is_encrypted and is_proven(message, security)


def could_carry(message: Message) -> bool:
    """Encrypted in a way that doesn't notice changes: anybody could have put the words inside into the address of a picture (EFAIL)."""
    security = security_of(message)
    return security is not None and any(layer.code == "cbc_unsigned" for layer in layers_of(security.report))


@require_http_methods(["GET", "POST"])
def senders(request: HttpRequest, pk: int) -> HttpResponse:
    """POST `allow`: "1" always, else no longer; the card asks for its mail again. GET: a page with the same choice, for
    those who come from the frame."""
    agent = agent_of(request)
    message = get_object_or_404(visible_messages(agent).exclude(blob=None).select_related("ticket", "security"), pk=pk)
    if request.method == "GET":
        context = {"message": message, "is_always": is_allowed(agent, message), "can_always": can_be_allowed(message)}
        return render(request, "desk/remote.html", context)
    email = normalise(message.author_email)
    if request.POST.get("allow") == "1" and not can_be_allowed(message):
        text = str(UNPROVEN)
    elif request.POST.get("allow") == "1":
        RemoteContent.objects.get_or_create(agent=agent, email=email)
        text = _("Pictures in mails of %(sender)s are always loaded.")
    else:
        RemoteContent.objects.filter(agent=agent, email=email).delete()
        text = _("Pictures in mails of %(sender)s are no longer loaded by themselves.")
    if is_htmx(request):
        return HttpResponse(status=204)
    say(request, text % {"sender": email or _("this sender")})
    return redirect(f"{reverse('ticket', args=[message.ticket.number])}?in={came_from(request)}#message-{message.pk}")
