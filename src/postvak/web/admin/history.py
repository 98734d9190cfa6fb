"""The history of one thing, or of all of a kind: who changed what when, and the way back. The audit has it; this is its short page."""

from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from postvak.models import AuditEntry
from postvak.setup.taking_back import (
    CannotTakeBack,
    Line,
    can_be_taken_back,
    is_creation,
    is_deletion,
    take_back,
    trial,
)
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.admin.audit import line_of
from postvak.web.admin.audit_words import FIELDS, KINDS, SINGLE, field_of, kind_words, model_of, page_of, value_words
from postvak.web.admin.history_places import area_of, listing_of
from postvak.web.flash import say
from postvak.web.session import asking

PER_PAGE = 50
CHANGES = ("created", "changed", "deleted", "restored", "imported")


@admin_only
def history(request: HttpRequest, kind: str, pk: int | None = None) -> HttpResponseBase:
    """Of one thing, also one that is gone; without `pk` of all of that kind."""
    if kind not in KINDS:
        raise Http404
    if kind == "filter":
        return redirect("admin_filter_history", pk) if pk else redirect("admin_filters_history")
    entries = AuditEntry.objects.filter(kind=kind, action__in=CHANGES).order_by("-pk")
    page = Paginator(entries.filter(key=pk) if pk else entries, PER_PAGE).get_page(request.GET.get("page"))
    lines = [line_of(entry) | {"way_back": way_back(entry)} for entry in page]
    name = page[0].name if pk and page else ""
    back = page_of(page[0]) if page and pk else ""
    if kind in SINGLE:
        name, back = kind_words(kind), reverse(SINGLE[kind])
    context = {
        "kind": kind, "words": kind_words(kind), "pk": pk, "name": name, "lines": lines, "page": page, "back": back,
        "listing": listing_of(kind),
    }  # fmt: skip
    return admin_page(request, "history.html", area_of(kind), context)


def way_back(entry: AuditEntry) -> str:
    """The words of the button; "" without one."""
    if not can_be_taken_back(entry):
        return ""
    return _("Bring it back") if is_deletion(entry) else pgettext("setting", "Take back")


@admin_only
def taking_back(request: HttpRequest, pk: int) -> HttpResponseBase:
    """GET: what will happen. POST: it happens."""
    entry = get_object_or_404(AuditEntry, pk=pk, action__in=CHANGES)
    reason, lines = "", list[Line]()
    try:
        if request.method == "POST":
            take_back(entry, asking(request))
            say(request, done_words(entry) % {"name": entry.name})
            return redirect(place(entry))
        lines = trial(entry, asking(request))
    except CannotTakeBack as error:
        reason = str(error)
    return refused_or_shown(request, entry, lines, reason)


def done_words(entry: AuditEntry) -> str:
    if is_creation(entry):
        return _("“%(name)s” is deleted.")
    return _("“%(name)s” is there again.") if is_deletion(entry) else _("“%(name)s” is again what it was.")


def refused_or_shown(request: HttpRequest, entry: AuditEntry, lines: list[Line], reason: str) -> HttpResponse:
    context: dict[str, Any] = {
        "entry": entry,
        "words": kind_words(entry.kind),
        "reason": reason,
        "lines": [in_words(entry, line) for line in lines],
        "is_deletion": is_deletion(entry),
        "is_creation": is_creation(entry),
        "back": place(entry),
    }
    answer = admin_page(request, "take_back.html", area_of(entry.kind), context)
    answer.status_code = 409 if reason and request.method == "POST" else 200
    return answer


def place(entry: AuditEntry) -> str:
    if entry.key is None or entry.kind in SINGLE:
        return reverse("admin_history_of_kind", args=[entry.kind])
    return reverse("admin_history", args=[entry.kind, entry.key])


def in_words(entry: AuditEntry, line: Line) -> dict[str, object]:
    field = field_of(model_of(entry.kind), line.column)
    label = FIELDS.get(line.name) or getattr(field, "verbose_name", "") or line.name.replace("_", " ")
    return {
        "label": str(label), "now": value_words(line.now, field), "then": value_words(line.becomes, field), "since": line.since,
    }  # fmt: skip
