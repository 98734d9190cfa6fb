"""Administration of filters: the list in running order, the editor, switching on and off, deleting."""

from dataclasses import replace
from operator import itemgetter
from typing import Any

from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from postvak.conditions.condition import Malformed
from postvak.log.audit import recording
from postvak.models import Filter, FilterVersion, Mailbox
from postvak.process.filters.check import Problem, names, problems
from postvak.process.filters.doubts import readable, warnings
from postvak.process.filters.draft import Draft
from postvak.process.filters.store import delete_filter, draft_of, ordered_filters, save_filter
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.admin.condition_kit import condition_row
from postvak.web.admin.filters_bench import bench_context
from postvak.web.admin.filters_choices import FIRST_CONDITION, Lists, kit_of, load_lists
from postvak.web.admin.filters_examples import examples
from postvak.web.admin.filters_form import (
    FIRST_ACTION,
    Typed,
    adapted,
    of_draft,
    read_form,
    with_row,
    without_row,
)
from postvak.web.admin.filters_rows import action_row, action_rows, condition_rows, errors_of
from postvak.web.admin.filters_words import action_in_words, condition_in_words, scope_in_words
from postvak.web.admin.searching import Column, listed_here
from postvak.web.flash import say
from postvak.web.pages import render
from postvak.web.session import agent_of, asking

COLUMNS = {
    "place": Column("#", itemgetter("place")),
    "name": Column(gettext_lazy("Filter"), lambda line: line["row"].name),
    "hits": Column(gettext_lazy("Hits"), lambda line: line["row"].hits),
    "last": Column(gettext_lazy("Last hit"), lambda line: line["row"].last_hit_at),
}
BUTTONS = {"add", "remove", "refresh", "try"}  # of the form; without them it is saved


@admin_only
def listing(request: HttpRequest) -> HttpResponse:
    filters, lists = ordered_filters(), load_lists()
    doubts = warnings(filters)
    lines = [line_of(row, place, doubts.get(row.pk, []), lists) for place, row in enumerate(filters, start=1)]
    words, valid = itemgetter("searched"), lambda line: line["row"].is_valid
    found = listed_here(request, lines, words, COLUMNS, usual="place", valid=valid)
    context = {"list": found, "total": len(lines), "examples": {} if filters else examples()}
    return admin_page(request, "filters.html", "filters", context)


def line_of(row: Filter, place: int, doubts: list[str], lists: Lists) -> dict[str, Any]:
    """What the list shows of one filter. One that can't be read has no words."""
    draft = readable(row)
    conditions = [condition_in_words(condition, lists) for condition in draft.conditions] if draft else []
    actions = [action_in_words(action, lists) for action in draft.actions] if draft else []
    return {
        "row": row,
        "place": place,
        "doubts": doubts,
        "conditions": conditions,
        "actions": actions,
        "scope": scope_in_words(draft) if draft and draft.mailboxes is not None else "",
        "searched": "\n".join((row.name, row.comment, *conditions, *actions)).casefold(),
    }


@admin_only
def edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Its buttons add and remove rows; the others save."""
    row = get_object_or_404(Filter, pk=pk) if pk else None
    if request.method != "POST":
        typed = of_draft(beginning(request, row))
        return editor(request, typed, row, [])
    typed, lists = read_form(request.POST), load_lists()
    if BUTTONS & set(request.POST):
        return editor(request, pressed(typed, request, lists), row, [])
    found = [*problems(typed.draft, names()), *other_name(typed.draft, row), *changed_meanwhile(request, row)]
    if not found:
        try:
            return save(request, typed.draft, row)
        except (IntegrityError, Mailbox.DoesNotExist):
            found = [Problem("name", 0, _("Somebody changed the filters at the same moment. Save again."))]
        except Malformed:
            found = [Problem("name", 0, _("What this filter was can't be read. Delete it and make a new one."))]
    return editor(request, typed, row, found)


def beginning(request: HttpRequest, row: Filter | None) -> Draft:
    """What the editor starts with: the filter, a copy of another one, an example, or one empty row of each kind."""
    if row is not None:
        return readable(row) or Draft(row.name, comment=row.comment, valid=False)
    example = examples().get(request.GET.get("example", ""))
    if example is not None:
        return example.draft
    copied = request.GET.get("copy", "")
    original = Filter.objects.filter(pk=int(copied)).first() if copied.isdecimal() else None
    draft = readable(original) if original else None
    if draft is not None:
        return replace(draft, name=_("%(name)s (copy)") % {"name": draft.name})
    return Draft("", (FIRST_CONDITION,), (FIRST_ACTION,))


def pressed(typed: Typed, request: HttpRequest, lists: Lists) -> Typed:
    """The form after one of its buttons."""
    post = request.POST
    if "add" in post:
        return with_row(typed, post["add"])
    if "remove" in post:
        return without_row(typed, post["remove"])
    return adapted(typed, post, lists)


def other_name(draft: Draft, row: Filter | None) -> list[Problem]:
    others = Filter.objects.filter(name=draft.name).exclude(pk=row.pk if row else 0)
    return [Problem("name", 0, _("Another filter has this name."))] if others.exists() else []


def changed_meanwhile(request: HttpRequest, row: Filter | None) -> list[Problem]:
    """Nobody's work is overwritten unseen: what is shown now was changed by somebody else since."""
    if row is None or request.POST.get("seen", "") == seen(row):
        return []
    who = row.changed_by.name if row.changed_by else "Postvak"
    return [
        Problem("name", 0, _("%(name)s changed this filter meanwhile. Save again to overwrite it.") % {"name": who})
    ]


def seen(row: Filter | None) -> str:
    return row.changed_at.isoformat() if row else ""


def save(request: HttpRequest, draft: Draft, row: Filter | None) -> HttpResponse:
    was = seen(row)
    with recording(asking(request), *([row] if row else [])) as made:
        row = save_filter(draft, by=agent_of(request), row=row)
        made.append(row)
    say(request, _("The filter “%(name)s” is saved.") % {"name": row.name}, undo_url=way_back(row, was))
    return redirect("admin_filters")


def way_back(row: Filter, was: str) -> str:
    """The address that undoes the change; '' for a new filter, and when nothing was changed."""
    version = row.versions.first() if was and seen(row) != was else None
    return reverse("admin_filter_undo", args=[version.pk]) if version else ""


def editor(request: HttpRequest, typed: Typed, row: Filter | None, found: list[Problem]) -> HttpResponse:
    lists = load_lists()
    context: dict[str, Any] = {
        "typed": typed,
        "rows_url": reverse("admin_filter_rows"),
        "draft": typed.draft,
        "row": row,
        "seen": seen(row),
        "lists": lists,
        "problems": found,
        "errors": {part: errors_of(found, part) for part in ("name", "match", "mailboxes", "conditions", "actions")},
        "condition_rows": condition_rows(typed, found, lists),
        "action_rows": action_rows(typed, found, lists),
        "bench": bench_context(typed.draft, row) if "try" in request.POST else None,
        "mailboxes": Mailbox.objects.order_by("name"),
    }
    answer = admin_page(request, "filter.html", "filters", context)
    answer.status_code = 422 if found else 200
    return answer


@require_POST
@admin_only
def rows(request: HttpRequest) -> HttpResponse:
    """One row for htmx: a new one ("add"), or one drawn again because its field or action changed ("row")."""
    lists = load_lists()
    typed = read_form(request.POST)
    is_new = "add" in request.POST
    typed = with_row(typed, request.POST["add"]) if is_new else adapted(typed, request.POST, lists)
    wanted = request.POST.get("row", "")
    is_action = request.POST.get("add") == "action" or wanted.startswith("a")
    keys = typed.action_keys if is_action else typed.condition_keys
    key = keys[-1] if is_new else next((key for key in keys if wanted in {f"a{key}", f"c{key}"}), None)
    if key is None:
        return HttpResponse(status=204)
    context: dict[str, Any] = {"is_new": is_new, "rows_url": request.path}
    if is_action:
        action = typed.draft.actions[keys.index(key)]
        context["line"] = action_row(f"a{key}", action, (), lists, advanced=typed.advanced)
        return render(request, "admin/filter_action.html", context)
    condition = typed.draft.conditions[keys.index(key)]
    context["line"] = condition_row(f"c{key}", condition, (), kit_of(lists), advanced=typed.advanced)
    return render(request, "admin/filter_condition.html", context)


@require_POST
@admin_only
def switch(request: HttpRequest, pk: int) -> HttpResponse:
    """POST …/validity/ with valid=yes or no."""
    row = get_object_or_404(Filter, pk=pk)
    valid, was = request.POST.get("valid") == "yes", seen(row)
    try:
        with recording(asking(request), row):
            row = save_filter(replace(draft_of(row), valid=valid), by=agent_of(request), row=row)
    except (Malformed, Mailbox.DoesNotExist):
        say(request, _("“%(name)s” can't be read; open its history or delete it.") % {"name": row.name}, tone="alert")
        return redirect("admin_filters")
    text = _("“%(name)s” is switched on.") if valid else _("“%(name)s” is switched off.")
    say(request, text % {"name": row.name}, undo_url=way_back(row, was))
    return redirect("admin_filters")


@require_POST
@admin_only
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(Filter, pk=pk)
    undo_url = ""
    try:
        with recording(asking(request), row):
            delete_filter(row, by=agent_of(request))
        version = FilterVersion.objects.filter(after__isnull=True).latest("pk")
        undo_url = reverse("admin_filter_undo", args=[version.pk])
    except Malformed:  # nobody can bring back what nobody can read
        with recording(asking(request), row):
            Filter.objects.filter(pk=pk).delete()
    say(request, _("The filter “%(name)s” is deleted.") % {"name": row.name}, undo_url=undo_url)
    return redirect("admin_filters")
