"""Filters from a file and to a file: upload, what would become of each filter, and what of it is saved."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from postvak.log.audit import exported, recording
from postvak.models import Filter
from postvak.process.filters.doubts import readable
from postvak.process.filters.exchange import Form, written
from postvak.process.filters.imports import ChangedMeanwhile, Entry, NotUnderstood, Report, Result, import_text, save
from postvak.process.filters.store import ordered_filters
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.admin.filters_choices import Lists, load_lists
from postvak.web.admin.filters_words import action_in_words, condition_in_words
from postvak.web.flash import say
from postvak.web.session import agent_of, asking

LARGEST = 30_000_000  # bytes; of a larger dump the table alone is enough
TONES = {Result.taken_over: "good", Result.off: "warn", Result.refused: "alert"}
ICONS = {
    Result.taken_over: "tick",
    Result.adapted: "pencil",
    Result.off: "minus",
    Result.unchanged: "copy",
    Result.refused: "x",
}
CONTENT_TYPES = {Form.json: "application/json", Form.toml: "application/toml"}


@admin_only
def upload(request: HttpRequest) -> HttpResponse:
    """GET: choose a file. POST: what would become of the filters in it; nothing is written."""
    if request.method != "POST":
        return admin_page(request, "filter_import.html", "filters", {"wrong": ""})
    sent = request.FILES.get("file")
    if sent is None:
        return asked_again(request, _("Choose a file."))
    if (sent.size or 0) > LARGEST:
        return asked_again(request, _("The file is too large. Export only the table postmaster_filter."))
    try:
        report = import_text(sent.read(), sent.name or "", replace=True)
    except NotUnderstood as error:
        return asked_again(request, str(error))
    return admin_page(request, "filter_report.html", "filters", report_context(report))


def asked_again(request: HttpRequest, wrong: str) -> HttpResponse:
    answer = admin_page(request, "filter_import.html", "filters", {"wrong": wrong})
    answer.status_code = 422
    return answer


def report_context(report: Report) -> dict[str, Any]:
    """What is saved is what was shown: the page carries the drafts, not the file."""
    lists = load_lists()
    offered = [entry for entry in report.entries if entry.result.is_saved and entry.draft]
    return {
        "report": report,
        "lines": [line_of(entry, lists) for entry in report.entries],
        "counts": [(result.label, count) for result, count in report.counts.items() if count],
        "offered": len(offered),
        "drafts": written((entry.draft for entry in offered if entry.draft), Form.json),
    }


def line_of(entry: Entry, lists: Lists) -> dict[str, Any]:
    draft = entry.draft
    return {
        "entry": entry,
        "tone": TONES.get(entry.result, ""),
        "icon": ICONS[entry.result],
        "conditions": [condition_in_words(condition, lists) for condition in draft.conditions] if draft else [],
        "actions": [action_in_words(action, lists) for action in draft.actions] if draft else [],
    }


@require_POST
@admin_only
def take(request: HttpRequest) -> HttpResponse:
    """Save the chosen ones of the drafts that the report showed. They are judged again: names may be gone by now."""
    chosen = set(request.POST.getlist("take"))
    if not chosen:
        say(request, _("Nothing was imported, because no filter was chosen."))
        return redirect("admin_filters")
    try:
        report = import_text(request.POST.get("drafts", "").encode("utf-8", "replace"), replace=True)
        report = Report(report.source, tuple(entry for entry in report.entries if entry.name in chosen))
        with recording(asking(request), *Filter.objects.filter(name__in=chosen)) as made:
            count = save(report, by=agent_of(request))
            made += Filter.objects.filter(name__in=chosen)
    except NotUnderstood as error:
        return asked_again(request, str(error))
    except ChangedMeanwhile:
        return asked_again(request, _("Somebody changed the filters at the same moment. Choose the file again."))
    say(request, ngettext("%(num)s filter was imported.", "%(num)s filters were imported.", count) % {"num": count})
    return redirect("admin_filters")


@require_GET
@admin_only
def export(request: HttpRequest) -> HttpResponse:
    """All filters that can be read, as a file; ?format=json or toml."""
    form = Form.json if request.GET.get("format") == Form.json else Form.toml
    drafts = [draft for row in ordered_filters() if (draft := readable(row)) is not None]
    exported(asking(request), "filter")
    answer = HttpResponse(written(drafts, form), content_type=f"{CONTENT_TYPES[form]}; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="postvak-filters.{form}"'
    return answer
