"""The outbox: every mail that goes out, whether it arrived, and what can be done about it. Spec 04."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from postvak.models import Channel, OutgoingMail
from postvak.send.by_hand import retry_channel, retry_now
from postvak.tickets.access import answerable_outgoing
from postvak.tickets.take_back import cancel
from postvak.web.desk.outbox_rows import PAGE, STATES, TIMES, Wanted, as_key, page_of, paused_channels
from postvak.web.flash import say
from postvak.web.pages import render
from postvak.web.session import agent_of


@require_GET
def show(request: HttpRequest) -> HttpResponse:
    wanted = Wanted.of(request.GET)
    context = {
        "wanted": wanted,
        "page": page_of(wanted, agent_of(request)),
        "states": [(key, label) for key, (label, _states) in STATES.items()],
        "times": [(key, label) for key, (label, _span) in TIMES.items()],
        "channels": list(Channel.objects.all()),
        "paused": list(paused_channels()),
        "here": request.get_full_path(),
    }
    return render(request, "desk/outbox.html", context)


@require_POST
def decide(request: HttpRequest) -> HttpResponse:
    """One action for all chosen mails, each in its own transaction; those that can't be helped are told of."""
    keys = [as_key(key) for key in request.POST.getlist("mail")][:PAGE]
    mails = list(answerable_outgoing(agent_of(request)).filter(pk__in=keys).order_by("pk"))
    action = request.POST.get("action", "")
    if not mails or action not in {"retry", "stop"}:
        say(request, _("Choose mails first."), tone="warn")
        return there(request)
    done = sum(act(request, mail, action) for mail in mails)
    say_what_was_done(request, action, done, len(mails) - done)
    return there(request)


def act(request: HttpRequest, mail: OutgoingMail, action: str) -> bool:
    agent = agent_of(request)
    return retry_now(mail, by=agent) if action == "retry" else cancel(mail, by=agent)


def say_what_was_done(request: HttpRequest, action: str, done: int, left: int) -> None:
    if done and action == "retry":
        say(request, ngettext("%(num)s mail is sent now.", "%(num)s mails are sent now.", done) % {"num": done})
    elif done:
        say(request, ngettext("%(num)s mail was stopped.", "%(num)s mails were stopped.", done) % {"num": done})
    if left:
        words = ngettext(
            "Nothing could be done for %(num)s mail: it arrived, or is on its way at this moment.",
            "Nothing could be done for %(num)s mails: they arrived, or are on their way at this moment.",
            left,
        )
        say(request, words % {"num": left}, tone="warn")


@require_POST
def send_channel(request: HttpRequest, pk: int) -> HttpResponse:
    """Whatever waits for its next attempt on this channel goes now; agents: of the tickets that they answer."""
    channel, agent = get_object_or_404(Channel, pk=pk), agent_of(request)
    number = retry_channel(answerable_outgoing(agent), channel, by=agent)
    say(request, ngettext("%(num)s mail is sent now.", "%(num)s mails are sent now.", number) % {"num": number})
    return there(request)


def there(request: HttpRequest) -> HttpResponse:
    return redirect(f"{reverse('outbox')}?{Wanted.of(request.POST).query()}")
