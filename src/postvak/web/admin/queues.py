"""Administration of queues; who administers one queue opens just its page."""

from typing import Any

from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from postvak.models import Agent, AnswerTemplate, Mailbox, Queue, QueueTeam, Ticket
from postvak.tickets.answer_templates import templates_of
from postvak.tickets.queue_tree import path_column
from postvak.web.admin.access import admin_only, admin_page, queue_administrators_only
from postvak.web.admin.forms.queues import QueueForm
from postvak.web.admin.recording import save
from postvak.web.admin.searching import Column, counted, listed
from postvak.web.flash import say
from postvak.web.session import agent_of

COLUMNS = {
    "name": Column(gettext_lazy("Name"), "path"),
    "address": Column(gettext_lazy("Sends from"), "address__email"),
    "brand": Column(gettext_lazy("Brand"), "brand__name"),
    "open": Column(gettext_lazy("Open"), "open_tickets"),
}


@admin_only
def listing(request: HttpRequest) -> HttpResponse:
    """Members are the valid ones, by themselves or by a team."""
    members = Prefetch("members", Agent.objects.filter(is_active=True).order_by("name"))
    teams = Prefetch("queue_teams", QueueTeam.objects.filter(team__is_valid=True).select_related("team"))
    boxes = Prefetch("mailboxes", Mailbox.objects.exclude(validity=Mailbox.Validity.INVALID).order_by("name"))
    queues = Queue.objects.select_related("brand", "address").prefetch_related(members, teams, boxes, "addresses")
    numbered = queues.annotate(path=path_column(), open_tickets=counted(Ticket, "queue", is_open=True))
    rows = numbered.order_by("-is_valid", "path")
    found = listed(request, rows, ("name", "address__email", "brand__name"), COLUMNS)
    return admin_page(request, "queues.html", "queues", {"list": found})


@admin_only
def new(request: HttpRequest) -> HttpResponse:
    return page(request, None)


@queue_administrators_only
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    return page(request, get_object_or_404(Queue, pk=pk))


def page(request: HttpRequest, queue: Queue | None) -> HttpResponse:
    agent = agent_of(request)
    form = QueueForm(request.POST or None, instance=queue, by=agent)
    if request.method == "POST" and form.is_valid():
        saved = save(request, form, *Queue.objects.filter(is_default=True))
        say(request, _("The queue %(name)s is saved.") % {"name": saved.name})
        return redirect("admin_queues") if agent.is_admin else redirect("admin")
    offered = AnswerTemplate.objects.filter(queues=queue) if queue else AnswerTemplate.objects.none()
    templates = list(offered.order_by("category", "name"))
    current = "queues" if agent.is_admin or queue is None else f"queue-{queue.pk}"
    context: dict[str, Any] = {"form": form, "queue": queue, "templates": templates}
    context["own_templates"] = set(
        templates_of(agent).filter(pk__in=[one.pk for one in templates]).values_list("pk", flat=True)
    )
    context["has_signature"] = queue is not None and queue.wordings.exists()
    return admin_page(request, "queue.html", current, context)
