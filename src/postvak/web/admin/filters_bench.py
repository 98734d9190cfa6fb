"""The test bench beside the editor: the form's present draft on the last mails, or on one that somebody pastes."""

import json
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from postvak.models import Agent, Filter, Mailbox
from postvak.process.filters.bench import try_draft, try_mail, usable
from postvak.process.filters.check import names, problems
from postvak.process.filters.draft import Draft
from postvak.process.filters.order import natural
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.admin.filters_choices import load_lists
from postvak.web.admin.filters_form import read_form
from postvak.web.admin.filters_words import condition_in_words
from postvak.web.pages import render
from postvak.web.session import agent_of, is_htmx

SHOWN = 50  # mails; the others are behind a fold
FOLDED = 450
LARGEST = 30_000_000  # bytes of a mail that is tried

newest: dict[int, object] = {}  # agent -> his newest question to the bench, in this process


@require_POST
@admin_only
def bench(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Asked after every change of the form, so an agent's older question gives way to the newer one."""
    row = get_object_or_404(Filter, pk=pk) if pk else None
    context = bench_context(read_form(request.POST).draft, row, is_wanted=take_turn(agent_of(request)))
    return render(request, "admin/filter_bench.html", {"bench": context})


def take_turn(agent: Agent) -> Callable[[], bool]:
    """Says whether this is still the newest question of the agent; nobody waits for the answer to an older one."""
    mine = newest[agent.pk] = object()
    return lambda: newest[agent.pk] is mine


def bench_context(typed: Draft, row: Filter | None, *, is_wanted: Callable[[], bool] = lambda: True) -> dict[str, Any]:
    """What the fragment shows. Without a condition nothing is tried: it would fire for every mail."""
    draft = usable(typed, problems(typed, names()))
    context: dict[str, Any] = {
        "draft": draft,
        "is_saved": row is not None and row.is_valid,
        "left_out": len(typed.conditions) + len(typed.actions) - len(draft.conditions) - len(draft.actions),
        "neighbours": neighbours(draft, row),
    }
    if not draft.conditions or draft.mailboxes == ():
        return {**context, "result": None}
    result = try_draft(draft, row=row, is_wanted=is_wanted)
    shown = {"changed": result.changed, "same": result.same, "near": result.near}
    parts = {name: (found[:SHOWN], found[SHOWN : SHOWN + FOLDED]) for name, found in shown.items()}
    lists = load_lists()
    conditions = [condition_in_words(condition, lists) for condition in draft.conditions]
    return {**context, "result": result, "conditions": conditions, **parts}


def neighbours(draft: Draft, row: Filter | None) -> dict[str, str]:
    """The filters between which it runs, by its present name; and how many come after it."""
    others = Filter.objects.filter(is_valid=True).exclude(pk=row.pk if row else 0)
    ordered = sorted(others.values_list("name", flat=True), key=natural)
    before = [name for name in ordered if natural(name) < natural(draft.name)]
    after = ordered[len(before) :]
    return {"before": before[-1] if before else "", "after": after[0] if after else "", "following": str(len(after))}


@require_POST
@admin_only
def trial(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """One mail, pasted or uploaded."""
    row = get_object_or_404(Filter, pk=pk) if pk else None
    raw, wrong = mail_of(request)
    typed = draft_in(request)
    draft = usable(typed, problems(typed, names()))
    if not wrong and not draft.conditions:
        wrong = _("Give at least one complete condition first.")
    if wrong:
        return answer(request, {"wrong": wrong})
    lists = load_lists()
    result = try_mail(draft, raw, mailbox=mailbox_of(request), row=row)
    conditions = [condition_in_words(condition, lists) for condition in draft.conditions]
    context = {"trial": result, "draft": draft, "verdicts": list(zip(conditions, result.verdicts, strict=True))}
    return answer(request, context)


def draft_in(request: HttpRequest) -> Draft:
    """What stands in the editor; without JavaScript what stood there when the page was made."""
    if "name" in request.POST:
        return read_form(request.POST).draft
    try:
        return Draft.from_json(json.loads(request.POST.get("draft", "")))
    except ValueError:  # Malformed is one, too
        return Draft("")


def answer(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    if is_htmx(request):
        return render(request, "admin/filter_trial.html", context)
    return admin_page(request, "filter_trial_page.html", "filters", context)


def mail_of(request: HttpRequest) -> tuple[bytes, str]:
    """(the bytes, what is wrong with them). A file goes before what is pasted."""
    upload = request.FILES.get("file")
    if upload is not None and (upload.size or 0) > LARGEST:
        return b"", _("The file is too large to be tried here.")
    raw = upload.read() if upload else request.POST.get("mail", "").encode()
    return raw, "" if raw.strip() else _("Paste a mail with its header lines, or choose a file.")


def mailbox_of(request: HttpRequest) -> Mailbox:
    """The chosen one, or any: every installation has at least the local one."""
    chosen = request.POST.get("as_of", "")
    found = Mailbox.objects.filter(pk=int(chosen)).first() if chosen.isdecimal() else None
    return found or Mailbox.objects.order_by("pk")[0]
