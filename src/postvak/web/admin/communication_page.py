"""One communication: what it was about, every step with the server's own words, and the way to its mails. Spec 07."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from postvak.log.sentence import Line
from postvak.log.sentences import trace_line
from postvak.models import Communication, CommunicationEntry, CommunicationObject, Trace
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.admin.communication_rows import as_key
from postvak.web.admin.communication_words import STATES, Step, as_text, clock_of, length_of, start_of, step_of
from postvak.web.later import spoken

Priority, Kind = CommunicationEntry.Priority, CommunicationObject.Kind
USUAL = Priority.INFO
PER_PAGE = 500
MOST_OBJECTS = 300


@dataclass(frozen=True, slots=True)
class Chosen:
    """What of a communication is shown: the steps of one object or of all (0), from a priority on, as in the address."""

    communication: Communication
    about: int
    priority: int

    @classmethod
    def of(cls, request: HttpRequest, pk: int) -> "Chosen":
        communication = get_object_or_404(Communication.objects.select_related("mailbox", "channel"), pk=pk)
        about, priority = as_key(request.GET.get("about", "")), as_key(request.GET.get("priority", ""))
        if about and not communication.objects_of.filter(pk=about).exists():
            raise Http404
        return cls(communication, about, priority if priority in Priority.values else USUAL)

    @property
    def entries(self) -> QuerySet[CommunicationEntry]:
        """Of the chosen object, in the order in which they happened; of all priorities."""
        entries = CommunicationEntry.objects.filter(about__communication=self.communication)
        return entries.filter(about=self.about) if self.about else entries

    @property
    def shown(self) -> QuerySet[CommunicationEntry]:
        return self.entries.filter(priority__gte=self.priority).order_by("at", "pk")

    def query(self, **changed: int) -> str:
        values = {"about": self.about, "priority": self.priority if self.priority != USUAL else 0, **changed}
        return urlencode({name: value for name, value in values.items() if value})


@require_GET
@admin_only
def show(request: HttpRequest, pk: int) -> HttpResponse:
    chosen = Chosen.of(request, pk)
    communication = chosen.communication
    objects = list(named(communication.objects_of.all())[:MOST_OBJECTS])
    about = (
        communication.objects_of.select_related("receipt__ticket", "outgoing__message__ticket", "outgoing__ticket").get(
            pk=chosen.about
        )
        if chosen.about
        else None
    )
    page = Paginator(chosen.shown, PER_PAGE).get_page(request.GET.get("page"))
    steps = [step_of(entry) for entry in page]
    context: dict[str, Any] = {
        "communication": communication,
        "chosen": chosen,
        "objects": objects,
        "objects_left": max(communication.objects_of.count() - len(objects), 0),
        "about": about,
        "names": names_of(objects, steps),
        "lines": lines_of(about),
        "page": page,
        "steps": steps,
        "levels": levels(chosen),
        "neighbours": neighbours(communication),
        "account_url": account_url(communication),
        "marks": STATES,
        "length_of": length_of,
        "start_of": start_of,
        "clock_of": clock_of,
    }
    return admin_page(request, "communication.html", "communications", context)


@require_GET
@admin_only
def text(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """The shown steps, all pages of them, as plain text."""
    chosen = Chosen.of(request, pk)
    names = {one.pk: name_of(one) for one in named(chosen.communication.objects_of.all()).iterator(chunk_size=1000)}
    steps = (step_of(entry) for entry in chosen.shown.iterator(chunk_size=1000))
    return StreamingHttpResponse(
        spoken(as_text(chosen.communication, steps, names)),
        content_type="text/plain; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="communication-{pk}.txt"'},
    )


def levels(chosen: Chosen) -> list[tuple[int, str, int]]:
    """(priority, its name, how many steps there are of it and above)"""
    from_on = {f"from_{priority}": Count("pk", filter=Q(priority__gte=priority)) for priority in Priority.values}
    counted = chosen.entries.order_by().aggregate(**from_on)
    return [(priority.value, str(priority.label), counted[f"from_{priority.value}"]) for priority in Priority]


def named(objects: QuerySet[CommunicationObject]) -> QuerySet[CommunicationObject]:
    """With what name_of() needs."""
    found = objects.select_related("receipt", "outgoing__message")
    fields = ("communication", "kind", "name", "state", "started_at", "ended_at")
    return found.only(*fields, "receipt__subject", "outgoing__subject", "outgoing__message__subject")


def names_of(objects: Sequence[CommunicationObject], steps: Sequence[Step]) -> dict[int, str]:
    """Of the objects, and of others that steps are about."""
    known = {one.pk for one in objects}
    others = {step.entry.about_id for step in steps} - known
    more = named(CommunicationObject.objects.filter(pk__in=others)) if others else []
    return {one.pk: name_of(one) for one in [*objects, *more]}


def name_of(one: CommunicationObject) -> str:
    """A mail by its subject, as far as it is in Postvak; else as the other side calls it: a key of a folder, a hash, an address."""
    if one.kind == Kind.CONNECTION:
        return _("Connection with %(host)s") % {"host": one.name} if one.name else _("Connection")
    if one.receipt:
        return one.receipt.subject or _("(no subject)")
    if one.outgoing:
        return one.outgoing.title or _("(no subject)")
    return one.name or _("(no subject)")


def lines_of(about: CommunicationObject | None) -> Sequence[Line]:
    """What Postvak decided about this mail, in words."""
    if about is None or about.receipt_id is None:
        return []
    trace = Trace.objects.filter(receipt=about.receipt_id).first()
    return [trace_line(entry) for entry in trace.entries] if trace else []


def neighbours(communication: Communication) -> tuple[Communication | None, Communication | None]:
    """(the one before, the one after) of the same account, by their start."""
    own = Communication.objects.filter(account=communication.account)
    at, pk = communication.started_at, communication.pk
    before = own.filter(Q(started_at__lt=at) | Q(pk__lt=pk), started_at__lte=at).order_by("-started_at", "-pk")
    after = own.filter(Q(started_at__gt=at) | Q(pk__gt=pk), started_at__gte=at).order_by("started_at", "pk")
    return before.first(), after.first()


def account_url(communication: Communication) -> str:
    if communication.mailbox_id:
        return reverse("admin_mailbox", args=[communication.mailbox_id])
    return reverse("admin_channel", args=[communication.channel_id]) if communication.channel_id else ""
