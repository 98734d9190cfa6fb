"""The ticket page, and what an agent writes on it: answer, note. Properties are in web.desk.properties."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from postvak.blobs import store
from postvak.mail.charsets import storable
from postvak.models import Message, Ticket
from postvak.models.draft import Draft
from postvak.send.sender import CannotAnswer
from postvak.tickets import change, drafts
from postvak.tickets.answer import answer as send_answer
from postvak.tickets.drafts import from_taken_back
from postvak.web.desk.colleagues import tell_unheard
from postvak.web.desk.composer import Opening, composer, opening
from postvak.web.desk.conversation import ticket_context
from postvak.web.desk.found import back, came_from, find
from postvak.web.desk.onward import next_ticket, onward
from postvak.web.desk.stopped import after_problem
from postvak.web.desk.writing import Desk, key_in, own_draft, taken_back, written
from postvak.web.flash import say
from postvak.web.formats import when
from postvak.web.frame import frame_on_opening
from postvak.web.pages import render
from postvak.web.session import agent_of


@require_GET
def show(request: HttpRequest, number: int) -> HttpResponse:
    """`compose` and `about`: the composer stands in the page, of this kind, on this message; `again`: with a mail that was
    taken back. Else the page asks for its composer when it is there (web.desk.choices.writing)."""
    ticket, agent = find(request, number), agent_of(request)
    change.mark_read(ticket)
    context = ticket_context(ticket, agent, came_from(request)) | {"frame": frame_on_opening(ticket, agent)}
    place = context["merged_to"] or ticket
    wish = request.GET
    may_write = context["may"].answer
    again = begin_again(request, ticket, wish["again"]) if wish.get("again") and may_write else None
    if again is not None:
        context |= composer(Opening(place, agent, again.kind, again.about, again)) | {"opened": True}
    elif wish.get("compose") and may_write:
        open_one = opening(place, agent, kind=wish["compose"], about=wish.get("about", ""))
        context |= composer(open_one) | {"opened": True}
    return render(request, "desk/ticket.html", context)


def begin_again(request: HttpRequest, ticket: Ticket, pk: str) -> Draft | None:
    """The draft of a mail that was taken back."""
    message = taken_back(ticket).filter(pk=key_in(pk)).select_related("outgoing", "ticket").first()
    if message is None or not drafts.has_own_words(message):
        return None
    try:
        draft = from_taken_back(message, by=agent_of(request))
    except (store.BlobMissing, store.VaultUnreachable) as error:
        say(request, _("A file can't be read at the moment: %(said)s") % {"said": error}, tone="warn")
        return None
    if draft is None:
        say(
            request,
            _("You have begun another answer here. Send or discard it first; the mail stays below."),
            tone="warn",
        )
    return draft


@require_GET
def news(request: HttpRequest, number: int) -> HttpResponse:
    """Has the conversation grown since the page was made? htmx asks now and then."""
    after = key_in(request.GET.get("after", ""))
    ticket = find(request, number)
    fresh = ticket.messages.filter(pk__gt=after).count() if after is not None else 0
    return render(request, "desk/_news.html", {"ticket": ticket, "fresh": fresh, "from": came_from(request)})


@require_POST
def answer(request: HttpRequest, number: int) -> HttpResponse:
    """Answer, answer to all, or forward."""
    ticket, agent = find(request, number), agent_of(request)
    desk, following = Desk(agent, ticket), next_ticket(request, ticket)
    try:
        message = send_answer(ticket, written(request, desk), by=agent)
    except CannotAnswer as problem:
        ticket = find(request, number)
        context: dict[str, Any] = ticket_context(ticket, agent, came_from(request))
        context |= after_problem(request, Desk(agent, context["merged_to"] or ticket), problem)
        return render(request, "desk/ticket.html", context, status=422)
    sent_words(request, ticket, message)
    return onward(request, ticket, following)


def sent_words(request: HttpRequest, ticket: Ticket, message: Message) -> None:
    """What the toast says: that it went out, or when it will, with the way back as long as there is one."""
    agent, send_at = agent_of(request), message.outgoing.send_at
    undo = f"{reverse('take-back', args=[message.outgoing.pk])}?in={came_from(request)}"
    if send_at:
        say(request, _("Goes out at %(time)s.") % {"time": when(send_at, "short")}, undo_url=undo)
    elif message.outgoing.next_attempt_at and message.outgoing.next_attempt_at > message.outgoing.created_at:
        say(request, _("Sent."), undo_url=undo, seconds=agent.undo_seconds)
    elif message.purpose == Message.Purpose.ANSWER:
        say(request, _("The answer to ticket %(number)s is on its way.") % {"number": ticket.number})
    else:
        say(request, _("The mail is on its way."))


@require_POST
def note(request: HttpRequest, number: int) -> HttpResponse:
    ticket, agent = find(request, number), agent_of(request)
    text = storable(request.POST.get("text", "")).replace("\r\n", "\n")
    place = change.note(ticket, text, by=agent).ticket if text.strip() else ticket
    tell_unheard(request, place, text)
    draft = own_draft(key_in(request.POST.get("draft", "")), Desk(agent, ticket))
    if draft is not None and draft.kind == Draft.Kind.NOTE:
        drafts.remove(draft)
    return back(request, place)
