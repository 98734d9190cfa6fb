"""What agents do with one outgoing mail: take back, try again, stop, correct a recipient; and release an address."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from postvak.models import OutgoingMail
from postvak.send.by_hand import CannotCorrect, correct_recipient, retry_now
from postvak.send.suppress import release
from postvak.tickets.access import demand, visible_outgoing
from postvak.tickets.drafts import has_own_words
from postvak.tickets.take_back import TooLate, cancel, demand_about, take_back
from postvak.web.desk.found import back, came_from, find, numeric
from postvak.web.flash import say
from postvak.web.session import agent_of


def find_outgoing(request: HttpRequest, pk: int) -> OutgoingMail:
    return get_object_or_404(visible_outgoing(agent_of(request)).select_related("message__ticket", "ticket"), pk=pk)


def there(request: HttpRequest, outgoing: OutgoingMail) -> HttpResponse:
    """Back to the outbox as it was filtered, or to the ticket."""
    page = request.POST.get("back", "")
    if page.startswith(reverse("outbox")) and url_has_allowed_host_and_scheme(page, allowed_hosts=None):
        return redirect(page)
    return back(request, outgoing.about) if outgoing.about else redirect("outbox")


@require_POST
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Take back; the text comes back into the composer."""
    outgoing = find_outgoing(request, pk)
    try:
        message = take_back(outgoing, by=agent_of(request))
    except TooLate as refusal:
        say(request, refusal, tone="warn")
        return there(request, outgoing)
    if not has_own_words(message):
        say(request, _("Nothing was sent."))
        return back(request, message.ticket)
    say(request, _("Nothing was sent. Your text is in the composer again."))
    ticket = reverse("ticket", args=[message.ticket.number])
    return redirect(f"{ticket}?in={came_from(request)}&again={message.pk}#composer")


@require_POST
def send_again(request: HttpRequest, pk: int) -> HttpResponse:
    outgoing = find_outgoing(request, pk)
    demand_about(outgoing, agent_of(request))
    if retry_now(outgoing, by=agent_of(request)):
        say(request, _("Postvak sends the mail now."))
    else:
        say(request, _("There is nothing to send again: it arrived, or is on its way at this moment."), tone="warn")
    return there(request, outgoing)


@require_POST
def stop(request: HttpRequest, pk: int) -> HttpResponse:
    outgoing = find_outgoing(request, pk)
    if cancel(outgoing, by=agent_of(request)):
        say(request, _("Nothing more is sent to those who did not get the mail."))
    else:
        say(request, _("There is nothing to stop: it arrived, or is on its way at this moment."), tone="warn")
    return there(request, outgoing)


@require_POST
def correct(request: HttpRequest, pk: int) -> HttpResponse:
    outgoing = find_outgoing(request, pk)
    demand_about(outgoing, agent_of(request))
    delivery = get_object_or_404(outgoing.deliveries.all(), pk=numeric(request, "delivery"))
    try:
        new = correct_recipient(delivery, request.POST.get("address", ""), by=agent_of(request))
        say(request, _("The mail goes to %(address)s now.") % {"address": new.recipient})
    except CannotCorrect as refusal:
        say(request, refusal, tone="warn")
    return there(request, outgoing)


@require_POST
def released(request: HttpRequest, number: int) -> HttpResponse:
    """An address that mail came back from gets mail as any other again."""
    ticket, address = find(request, number), request.POST.get("address", "").strip()
    demand(agent_of(request), "answer", ticket.queue_id)
    if release(address, ticket, timezone.now(), by=agent_of(request)):
        say(request, _("%(address)s gets mail again.") % {"address": address})
    return back(request, ticket)
