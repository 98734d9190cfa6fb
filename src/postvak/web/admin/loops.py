"""The loop breaker: between whom automatic mail is stopped, why, their mails, and the ways out. Spec 06."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from postvak.log.audit import recording
from postvak.log.sentences import history_line, trace_line
from postvak.models import AutomaticMail, Blocked, LedgerEntry, LoopBreak
from postvak.notify.breaker import QUIET, all_open, always_ignore, resume
from postvak.notify.shipped import name_of
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.flash import say
from postvak.web.session import agent_of, asking

PER_PAGE = 50
BEFORE = timedelta(hours=24)  # of the opening: what led to it
SHOWN = 200  # mails of each direction


@dataclass(frozen=True, slots=True)
class Break:
    """As the page shows it. `ends_at`: when it closes by itself."""

    row: LoopBreak
    why: str
    is_open: bool
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail between the two. `receipt`: key of an incoming one; `message`: of one that we sent."""

    at: datetime
    is_ours: bool
    title: str
    why: str = ""
    receipt: int | None = None
    message: int | None = None
    ticket: str = ""


@admin_only
def listing(request: HttpRequest) -> HttpResponse:
    """The open ones first."""
    now = timezone.now()
    opened = [shown(row, now) for row in all_open(now)]
    past = LoopBreak.objects.exclude(pk__in=[one.row.pk for one in opened]).select_related("closed_by")
    page = Paginator(past, PER_PAGE).get_page(request.GET.get("page"))
    context = {"opened": opened, "page": page, "past": [shown(row, now) for row in page]}
    return admin_page(request, "loops.html", "messages", context)


def shown(row: LoopBreak, now: datetime) -> Break:
    ends_at = row.last_at + QUIET
    parameters = {"to": row.theirs, "email": row.theirs, **row.parameters}
    said = trace_line(["", row.code, parameters])
    return Break(row, said.detail or said.title, row.closed_at is None and ends_at > now, ends_at)


@admin_only
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """The pair, what led to it and what was stopped."""
    row = get_object_or_404(LoopBreak.objects.select_related("closed_by"), pk=pk)
    context = {"broken": shown(row, timezone.now()), "mails": mails_of(row)}
    return admin_page(request, "loop.html", "messages", context)


def mails_of(row: LoopBreak) -> list[Mail]:
    """In both directions, from a day before the breaker opened until it closed; the newest first."""
    since, until = row.opened_at - BEFORE, row.closed_at or timezone.now()
    mails = [*written(row, since, until), *received(row, since, until)]
    return sorted(mails, key=lambda mail: mail.at, reverse=True)


def written(row: LoopBreak, since: datetime, until: datetime) -> list[Mail]:
    rows = AutomaticMail.objects.filter(address=row.theirs, settled_at__range=(since, until))
    if row.ours:
        rows = rows.filter(own_address__in=["", row.ours])
    found = rows.select_related("ticket", "rule").order_by("-settled_at")[:SHOWN]
    return [
        Mail(
            at=one.settled_at,
            is_ours=True,
            title=name_of(one.rule) if one.rule else one.get_kind_display(),
            why=history_line(one.reason, one.parameters) if one.reason else "",
            message=one.message_id,
            ticket=one.ticket.number,
        )
        for one in found
        if one.settled_at
    ]


def received(row: LoopBreak, since: datetime, until: datetime) -> list[Mail]:
    rows = LedgerEntry.objects.filter(sender__iexact=row.theirs, direction="in", at__range=(since, until))
    found = rows.select_related("ticket").order_by("-at")[:SHOWN]
    return [
        Mail(
            at=one.at,
            is_ours=False,
            title=one.subject or _("(no subject)"),
            receipt=one.receipt_id,
            ticket=one.ticket.number if one.ticket else "",
        )
        for one in found
    ]


@require_POST
@admin_only
def resumed(request: HttpRequest, pk: int) -> HttpResponse:
    """POST …/resumption/"""
    row = get_object_or_404(LoopBreak, pk=pk, closed_at=None)
    with recording(asking(request), row):
        resume(row, agent_of(request))
    say(request, _("Automatic mail goes to %(address)s again.") % {"address": row.theirs})
    return redirect("admin_loops")


@require_POST
@admin_only
def ignored(request: HttpRequest, pk: int) -> HttpResponse:
    """POST …/ignoring/: on the block list, and closed."""
    row = get_object_or_404(LoopBreak, pk=pk, closed_at=None)
    known = set(Blocked.objects.filter(pattern=row.theirs).values_list("pk", flat=True))
    with recording(asking(request), row) as made:
        always_ignore(row, agent_of(request))
        made += Blocked.objects.filter(pattern=row.theirs).exclude(pk__in=known)
    say(
        request, _("%(address)s is on the block list: no automatic mail goes there any more.") % {"address": row.theirs}
    )
    return redirect("admin_loops")
