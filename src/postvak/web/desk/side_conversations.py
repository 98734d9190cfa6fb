"""Side conversations of a ticket: mail with third parties, each on a page of its own. The verbs are in tickets.side."""

from collections.abc import Mapping
from datetime import timedelta
from secrets import token_hex
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from postvak.keys.authors import may_be_anothers
from postvak.models import Message, SideConversation, Ticket
from postvak.send.sender import CannotAnswer
from postvak.tickets.answer import Answer
from postvak.tickets.protecting import QUOTE_UNPROVEN
from postvak.tickets.second_look import ComesBack
from postvak.tickets.side import answer_side, correspondents, newest_in, start
from postvak.web.desk import cards
from postvak.web.desk.composer import newest_from_outside
from postvak.web.desk.found import came_from, find
from postvak.web.desk.stopped import accepted
from postvak.web.desk.ticket import sent_words
from postvak.web.desk.writing import Desk, addresses, as_file, chosen_files, key_in
from postvak.web.flash import say
from postvak.web.pages import render
from postvak.web.session import agent_of

SHOWN = 100  # messages; more than that is no side conversation


def listed(ticket: Ticket) -> QuerySet[SideConversation]:
    """Newest first, each with who wrote last in it (`last_kind`, `last_name`, `last_at`)."""
    newest = Message.objects.filter(side=OuterRef("pk"), taken_back_at=None).order_by(
        "-pk"
    )  # by time, SQLite reads all messages
    return ticket.side_conversations.annotate(
        last_kind=Subquery(newest.values("kind")[:1]),
        last_name=Subquery(newest.values("author_name")[:1]),
        last_email=Subquery(newest.values("author_email")[:1]),
        last_at=Subquery(newest.values("created_at")[:1]),
    ).order_by("-changed_at", "-pk")


@require_http_methods(["GET", "POST"])
def new(request: HttpRequest, number: int) -> HttpResponse:
    """A first mail to a third party; the customer's newest mail goes along where that is chosen."""
    ticket = find(request, number)
    if refused := merged(request, ticket):
        return refused
    about = newest_from_outside(ticket)
    if request.method == "GET":
        return page(request, ticket, typed={"subject": ticket.subject}, about=about)
    desk = Desk(agent_of(request), ticket)
    try:
        message = start(ticket, written(request, desk, about if "quotes" in request.POST else None), by=desk.agent)
    except CannotAnswer as problem:
        return page(request, ticket, problem=problem, typed=request.POST.dict(), about=about)
    return done(request, ticket, message)


@require_http_methods(["GET", "POST"])
def show(request: HttpRequest, number: int, pk: int) -> HttpResponse:
    ticket = find(request, number)
    conversation = get_object_or_404(ticket.side_conversations.select_related("ticket"), pk=pk)
    if request.method == "GET":
        return page(request, ticket, conversation, typed={"to": ", ".join(correspondents(conversation))})
    if refused := merged(request, ticket):
        return refused
    desk = Desk(agent_of(request), ticket)
    conversation.ticket = ticket
    try:
        message = answer_side(conversation, written(request, desk, None), by=desk.agent)
    except CannotAnswer as problem:
        return page(request, ticket, conversation, problem=problem, typed=request.POST.dict())
    return done(request, ticket, message)


def merged(request: HttpRequest, ticket: Ticket) -> HttpResponse | None:
    if ticket.merged_into is None:
        return None
    values = {"number": ticket.number, "target": ticket.merged_into.number}
    say(request, _("Ticket %(number)s is part of %(target)s now; nothing was changed.") % values, tone="warn")
    return redirect("ticket", ticket.number)


def written(request: HttpRequest, desk: Desk, about: Message | None) -> Answer:
    """`about`: the mail of the customer that goes along."""
    data = request.POST
    return Answer(
        to=addresses(data.get("to", "")),
        cc=addresses(data.get("cc", "")),
        subject=" ".join(data.get("subject", "").split()),
        text=data.get("text", "").replace("\r\n", "\n"),
        html=data.get("html", ""),
        files=tuple(as_file(one) for one in request.FILES.getlist("files")),
        status_key="",
        quotes="quotes" in data,
        about=about,
        forwarded=tuple(chosen_files(data, desk)) if about else (),
        undo=timedelta(seconds=desk.agent.undo_seconds),
        despite=frozenset(data.getlist("despite")),
        once=data.get("once", ""),
    )


def done(request: HttpRequest, ticket: Ticket, message: Message) -> HttpResponse:
    sent_words(request, ticket, message)
    place = reverse("ticket-side-conversation", args=[ticket.number, message.side_id])
    return redirect(f"{place}?in={came_from(request)}")


def page(
    request: HttpRequest,
    ticket: Ticket,
    conversation: SideConversation | None = None,
    *,
    typed: Mapping[str, Any],
    about: Message | None = None,
    problem: CannotAnswer | None = None,
) -> HttpResponse:
    """The messages, and the form. After a problem with all that was typed but the files, which a browser forgets."""
    quoted = newest_in(conversation) if conversation else None
    despite = [*request.POST.getlist("despite"), *(accepted(problem) if problem else ())]
    context = {
        "ticket": ticket,
        "list_id": came_from(request),
        "conversation": conversation,
        "cards": messages_of(conversation) if conversation else [],
        "about": about,
        "offered": list(about.attachments.filter(is_inline=False)) if about else [],
        "chosen": {key_in(one) for one in request.POST.getlist("forwarded")},
        "quoted": quoted,
        "asks_to_quote": quoted is not None and may_be_anothers(quoted),
        "typed": typed,
        "problem": problem,
        "comes_back": problem.suppressions if isinstance(problem, ComesBack) else [],
        "despite": [one for one in despite if one != QUOTE_UNPROVEN],
        "is_wanted": QUOTE_UNPROVEN in despite,
        "lost_files": bool(problem and request.FILES),
        "once": token_hex(6),
    }
    return render(request, "desk/side_conversation.html", context, status=422 if problem else 200)


def messages_of(conversation: SideConversation) -> list[cards.Card]:
    """Oldest first, the newest ones unfolded."""
    rows = list(cards.light(conversation.messages.all())[:SHOWN])
    return cards.cards_of(rows, unfolded={row.pk for row in rows[: cards.UNFOLDED]})[::-1]
