"""Notices: the page with all of them, reading them, and what is new for the page that is open."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from postvak.models import Agent, Notification, Ticket
from postvak.tickets.access import visible_notices
from postvak.tickets.notices import mark_read
from postvak.web.desk.notice_words import ICONS, TONES, sentence
from postvak.web.desk.unread import unread
from postvak.web.desk.writing import key_in
from postvak.web.flash import say
from postvak.web.pages import render
from postvak.web.session import agent_of

PAGE = 50
SHOWN_AT_ONCE = 3  # cards; more are only counted


@dataclass(frozen=True, slots=True)
class Row:
    """`url` leads to the message that it is about, or to its ticket."""

    notice: Notification
    text: str
    icon: str
    tone: str
    url: str
    excerpt: str


@require_GET
def show(request: HttpRequest) -> HttpResponse:
    """Newest first; `unread` shows those alone, `before` goes on where a page ended."""
    agent, is_unread = agent_of(request), request.GET.get("unread") == "1"
    notices = visible_notices(agent)
    if is_unread:
        notices = notices.filter(read_at=None)
    found = list(whole(after(notices, request.GET.get("before", "")).order_by("-at", "-pk")[: PAGE + 1]))
    rows = [row_of(one, agent) for one in found[:PAGE]]
    older = cursor(found[PAGE - 1]) if len(found) > PAGE else ""
    return render(request, "desk/notices.html", {"rows": rows, "older": older, "is_unread": is_unread})


@require_POST
def read(request: HttpRequest) -> HttpResponse:
    """One notice (those about its ticket), or all of them."""
    agent, typed = agent_of(request), request.POST.get("notice", "")
    if typed:
        one = Notification.objects.filter(agent=agent, pk=key_in(typed) or 0)
        mark_read(agent, list(one.values_list("ticket_id", flat=True)))
    elif mark_read(agent):
        say(request, _("All notices are marked as read."))
    return redirect(f"{reverse('notices')}?unread=1" if request.POST.get("unread") == "1" else "notices")


@require_GET
def new(request: HttpRequest) -> HttpResponse:
    """What came after the notice `after`: cards for the page that is open, and the number for its bell."""
    agent, since = agent_of(request), key_in(request.GET.get("after", "")) or 0
    state = unread(agent)
    fresh = whole(visible_notices(agent).filter(read_at=None, pk__gt=since).order_by("-pk"))
    rows = [row_of(one, agent) for one in fresh[:SHOWN_AT_ONCE]] if state.newest > since else []
    return render(request, "desk/_notice_cards.html", {"state": state, "since": since, "rows": rows})


def whole(notices: QuerySet[Notification]) -> QuerySet[Notification]:
    """With all that a row shows, in the same query."""
    return notices.select_related("ticket__assignee", "ticket__queue", "message", "by")


def row_of(notice: Notification, agent: Agent) -> Row:
    place = reverse("ticket", args=[notice.ticket.number])
    message = notice.message
    return Row(
        notice=notice,
        text=sentence(notice, agent),
        icon=ICONS[Notification.Kind(notice.kind)],
        tone=TONES.get(Notification.Kind(notice.kind), ""),
        url=f"{place}#message-{message.pk}" if message and message.ticket_id == notice.ticket_id else place,
        excerpt=Ticket.preview_of(message.text) if message else "",
    )


def cursor(notice: Notification) -> str:
    return f"{notice.at.isoformat()}_{notice.pk}"


def after(notices: QuerySet[Notification], place: str) -> QuerySet[Notification]:
    """Those that come after a cursor; all for what is none."""
    at, _sep, pk = place.partition("_")
    moment, key = moment_of(at), key_in(pk)
    if moment is None or key is None:
        return notices
    return notices.filter(Q(at__lt=moment) | Q(at=moment, pk__lt=key))


def moment_of(text: str) -> datetime | None:
    try:
        moment = parse_datetime(text)
    except ValueError:
        return None
    return moment if moment and moment.tzinfo else None
