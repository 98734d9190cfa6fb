"""Customers and organisations as a table (CSV): export, and import with a preview. Spec 10."""

from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from postvak.bring.sheet import LARGEST, BadSheet, Sheet, read_sheet
from postvak.bring.sheet_begin import begin, columns_of, kept, says_who, usual_columns
from postvak.bring.sheet_work import KIND, TRIED, path_of, preview
from postvak.log.audit import exported
from postvak.mail.charsets import storable
from postvak.models import Job
from postvak.tickets.sheets import BOM, CUSTOMERS, lines
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.admin.jobs import shown
from postvak.web.admin.sheets_words import SEPARATORS, column_words, names_of, shown_fate
from postvak.web.session import asking

SHOWN = 20
JOBS = 5


class UploadForm(forms.Form):
    """`sheet`: what was read from the file."""

    file = forms.FileField(label=gettext_lazy("Table (CSV)"))

    def clean_file(self) -> Any:
        sent = self.cleaned_data["file"]
        if sent.size > LARGEST:
            raise forms.ValidationError(_("The file is too large: 30 MB fit. Split it."))
        self.raw = sent.read()
        try:
            read_sheet(self.raw)
        except BadSheet as error:
            raise forms.ValidationError(error.in_words) from error
        return sent


@require_http_methods(["GET", "POST"])
@admin_only
def show(request: HttpRequest, what: str) -> HttpResponse:
    """Both ways. POST: the file is kept, and its preview comes."""
    form = UploadForm(request.POST or None, request.FILES or None) if request.method == "POST" else UploadForm()
    if request.method == "POST" and form.is_valid():
        name = storable(form.cleaned_data["file"].name or "")[:200]
        return redirect(f"{reverse(f'admin_{what}_import', args=[kept(form.raw)])}?{urlencode({'file': name})}")
    jobs = Job.objects.filter(kind=KIND, parameters__what=what).select_related("created_by")[:JOBS]
    context = {
        "form": form,
        "what": what,
        "columns": [column_words(what)[column] for column in column_words(what)],
        "lines": [shown(job) for job in jobs],
        "separators": SEPARATORS,
        "usual": "," if translation.get_language() == "en" else ";",
    }
    return admin_page(request, "sheet.html", "imports", context)


@require_GET
@admin_only
def export(request: HttpRequest, what: str) -> StreamingHttpResponse:
    """All of them. `mark`: a BOM, so that spreadsheets see that it is UTF-8."""
    exported(asking(request), what)
    separator = request.GET.get("separator", ",")
    table = lines(what, separator=separator if separator in SEPARATORS else ",")
    answer = StreamingHttpResponse(content_type="text/csv; charset=utf-8")
    name = f"postvak-{what}-{timezone.localdate()}.csv"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    first = [BOM] if request.GET.get("mark") == "1" else []
    heads = next(table)  # now, while the reader's language is set
    answer.streaming_content = (part for parts in (first, [heads], table) for part in parts)
    return answer


@require_http_methods(["GET", "POST"])
@admin_only
def look(request: HttpRequest, what: str, name: str) -> HttpResponse:
    """What would become of the table. POST: it becomes that, as a job; with `again`, only what the other columns make of it."""
    try:
        sheet = read_sheet(path_of(name).read_bytes())
    except (OSError, BadSheet) as error:
        raise Http404 from error
    asked = request.POST if request.method == "POST" else request.GET
    columns = chosen(asked, sheet, what)
    file = storable(asked.get("file", ""))[:200]
    problem = problem_of(columns, what)
    if request.method == "POST" and not problem and "again" not in request.POST:
        return redirect("admin_job", begin(what, name, columns, name=file, by=asking(request)).pk)
    context = preview_context(sheet, what, columns) if not problem else {}
    context |= {
        "what": what,
        "token": name,
        "file": file,
        "problem": problem,
        "sheet": sheet,
        "separator": names_of(sheet.separator),
        "choices": column_words(what, with_parts=True),
        "columns": columns_shown(sheet, columns),
    }
    return admin_page(request, "sheet_preview.html", "imports", context)


def chosen(asked: Any, sheet: Sheet, what: str) -> list[str]:
    """What the administrator chose for each column, else what its head says. Nothing twice."""
    known = columns_of(what)
    if "column-0" not in asked:
        return usual_columns(sheet, what)
    found: list[str] = []
    for number in range(len(sheet.heads)):
        column = asked.get(f"column-{number}", "")
        found.append(column if column in known and column not in found else "")
    return found


def problem_of(columns: list[str], what: str) -> str:
    if says_who(columns, what):
        return ""
    if what == CUSTOMERS:
        return _("Say which column has the name or the e-mail addresses.")
    return _("Say which column has the name or the customer number.")


def preview_context(sheet: Sheet, what: str, columns: list[str]) -> dict[str, Any]:
    found = preview(sheet, what, columns, shown=SHOWN)
    return {
        "found": found,
        "is_whole": found.of == len(sheet.rows),
        "tried": TRIED,
        "fates": [shown_fate(fate, columns, what) for fate in found.fates],
        "wrong": [shown_fate(fate, columns, what) for fate in found.wrong if fate not in found.fates],
        "to_do": found.counts["new"] + found.counts["changed"],
    }


def columns_shown(sheet: Sheet, columns: list[str]) -> list[dict[str, object]]:
    """Each with its first value, so that one sees what it is."""
    return [
        {
            "head": head or _("(no name)"),
            "example": next((row.cells[at] for row in sheet.rows[:50] if len(row.cells) > at and row.cells[at]), ""),
            "column": columns[at],
        }
        for at, head in enumerate(sheet.heads)
    ]
