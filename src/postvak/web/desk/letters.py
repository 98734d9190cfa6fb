"""What a card of the conversation gets when somebody wants more of it: its text, its source, its deliveries, its menu; and
older cards. Each is a fragment for htmx, and a page for who comes by a plain link."""

from secrets import token_hex
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_GET

from postvak.keys.reading import CantRead, original
from postvak.mail.quotes import split_reply
from postvak.models import Message
from postvak.send.by_hand import TRIED_AGAIN
from postvak.tickets.access import visible_messages
from postvak.web.desk import cards
from postvak.web.desk.deliveries import story_of
from postvak.web.desk.found import came_from, find
from postvak.web.desk.writing import key_in
from postvak.web.pages import render
from postvak.web.session import agent_of, is_htmx

SOURCE_SHOWN = 500_000
VIEWS = ("original", "text", "source")


def find_message(request: HttpRequest, pk: int) -> Message:
    rows = visible_messages(agent_of(request)).select_related("ticket__status", "ticket__merged_into", "outgoing")
    return get_object_or_404(rows, pk=pk)


def answer(request: HttpRequest, message: Message, fragment: str, context: dict[str, Any]) -> HttpResponse:
    """The fragment alone, or on a page with the way back."""
    context |= {"m": message, "ticket": message.ticket, "list_id": came_from(request), "fragment": fragment}
    return render(request, fragment if is_htmx(request) else "desk/letter.html", context)


@require_GET
def letter(request: HttpRequest, pk: int) -> HttpResponse:
    """`as`: original (what the sender saw), text (all of it), source."""
    message = find_message(request, pk)
    wanted = request.GET.get("as", "")
    view = wanted if wanted in VIEWS and (wanted != "source" or message.blob_id) else "original"
    context: dict[str, Any] = {"card": cards.one(message), "view": view, "is_whole": True}
    if view == "source":
        raw = source_of(message)
        text = raw[:SOURCE_SHOWN].decode("utf-8", "replace").replace("\x00", "␀")
        context |= {"source": text, "is_source_cut": len(raw) > SOURCE_SHOWN}
    elif message.kind == Message.Kind.INCOMING:
        inside = context["card"].inside
        context["segments"] = split_reply(inside.text if inside else message.text)
    return answer(request, message, "desk/_letter.html", context)


def source_of(message: Message) -> bytes:
    """As it came; of an encrypted mail of ours what was written."""
    try:
        return original(message)
    except CantRead:
        return b""


@require_GET
def deliveries(request: HttpRequest, pk: int) -> HttpResponse:
    """Where an outgoing mail is for each recipient, with all that was said."""
    message = find_message(request, pk)
    outgoing = getattr(message, "outgoing", None)
    rows = list(outgoing.deliveries.select_related("line").prefetch_related("events__agent")) if outgoing else []
    context = {
        "story": story_of(rows),
        "card": cards.one(message),
        "can_retry": any(d.state in TRIED_AGAIN for d in rows),
        "has_lines": True,
    }
    return answer(request, message, "desk/_deliveries.html", context)


@require_GET
def menu(request: HttpRequest, pk: int) -> HttpResponse:
    """What can be done with a message. `once`: a second click on "Send again" is no second mail."""
    message = find_message(request, pk)
    later = message.ticket.messages.filter(created_at__gt=message.created_at)
    page = request.build_absolute_uri(reverse("ticket", args=[message.ticket.number]))
    context = {
        "card": cards.one(message),
        "has_later": later.exists(),
        "address": f"{page}#message-{message.pk}",
        "once": token_hex(6),
    }
    return answer(request, message, "desk/_message_menu.html", context)


@require_GET
def older(request: HttpRequest, number: int) -> HttpResponse:
    """Cards before the message `before`; without one, the newest."""
    ticket, agent = find(request, number), agent_of(request)
    key = key_in(request.GET.get("before", ""))
    first = ticket.messages.filter(pk=key).first() if key is not None else None
    if first is None:
        stretch = cards.newest(ticket, newest_first=agent.newest_first)
    else:
        stretch = cards.before(ticket, first, newest_first=agent.newest_first)
    context = {"ticket": ticket, "list_id": came_from(request), "stretch": stretch, "is_beginning": first is None}
    return render(request, "desk/_stretch.html" if is_htmx(request) else "desk/messages.html", context)
