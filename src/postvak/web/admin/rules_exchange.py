"""Rules from a file and to a file: upload, what would become of each, and what of it is saved."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from postvak.conditions.condition import Malformed
from postvak.log.audit import exported, recording
from postvak.models import Rule
from postvak.notify.shipped import name_of
from postvak.tickets.rules.exchange import Entry, read, written
from postvak.tickets.rules.store import Contents, save_rule
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.admin.rules_choices import load_lists
from postvak.web.admin.rules_words import conditions_in_words, recipients_in_words, trigger_in_words
from postvak.web.flash import say
from postvak.web.session import agent_of, asking

LARGEST = 5_000_000  # bytes


@require_GET
@admin_only
def export(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """All rules, or one."""
    rules = Rule.objects.select_related("calendar", "status").prefetch_related("texts")
    rules = rules.filter(pk=pk) if pk else rules
    exported(asking(request), "rule")
    answer = HttpResponse(written(rules), content_type="application/json; charset=utf-8")
    answer.headers["Content-Disposition"] = 'attachment; filename="postvak-rules.json"'
    return answer


@admin_only
def upload(request: HttpRequest) -> HttpResponse:
    """GET: choose a file. POST: what would become of the rules in it; nothing is written."""
    if request.method != "POST":
        return admin_page(request, "rule_import.html", "messages", {"wrong": ""})
    sent = request.FILES.get("file")
    if sent is None:
        return asked_again(request, _("Choose a file."))
    if (sent.size or 0) > LARGEST:
        return asked_again(request, _("The file is too large to be one of rules."))
    raw = sent.read()
    try:
        entries = read(raw)
    except Malformed as error:
        return asked_again(request, str(error))
    context = {"lines": [line_of(entry) for entry in entries], "raw": raw.decode("utf-8", "replace")}
    context["offered"] = sum(1 for entry in entries if not entry.problems and not entry.is_same)
    return admin_page(request, "rule_report.html", "messages", context)


def asked_again(request: HttpRequest, wrong: str) -> HttpResponse:
    answer = admin_page(request, "rule_import.html", "messages", {"wrong": wrong})
    answer.status_code = 422
    return answer


def line_of(entry: Entry) -> dict[str, Any]:
    lists, is_known = load_lists(), entry.row.trigger in Rule.Trigger.values
    return {
        "entry": entry,
        "name": name_of(entry.row),
        "trigger": trigger_in_words(entry.row) if is_known else "",
        "recipients": recipients_in_words(entry.row, lists),
        "conditions": conditions_in_words(entry.row, lists),
    }


@require_POST
@admin_only
def take(request: HttpRequest) -> HttpResponse:
    """Save the chosen ones. They are judged again: the page carries the file, and names may be gone by now."""
    chosen = set(request.POST.getlist("take"))
    try:
        entries = [
            entry for entry in read(request.POST.get("raw", "").encode("utf-8", "replace")) if entry.id in chosen
        ]
    except Malformed as error:
        return asked_again(request, str(error))
    fit = [entry for entry in entries if not entry.problems]
    for entry in fit:
        save(request, entry)
    text = ngettext("%(num)s rule was imported.", "%(num)s rules were imported.", len(fit))
    say(request, text % {"num": len(fit)} if fit else _("Nothing was imported, because no rule was chosen."))
    return redirect("admin_messages")


def save(request: HttpRequest, entry: Entry) -> None:
    rule = entry.row
    kept = list(rule.files.values_list("pk", flat=True)) if rule.pk else []
    with recording(asking(request), *([rule] if rule.pk else [])) as made:
        is_new = rule.pk is None
        save_rule(rule, Contents(texts=entry.texts, kept=kept), by=agent_of(request), now=timezone.now())
        made += [rule] if is_new else []
