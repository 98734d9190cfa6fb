"""The editor of one rule. Works by plain POST; htmx exchanges rows of conditions and adds languages."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from postvak.blobs import store
from postvak.log.audit import recording
from postvak.models import Rule, RuleFile
from postvak.notify.shipped import is_written_by_postvak, name_of
from postvak.tickets.rules.known import conditions_of
from postvak.tickets.rules.store import TIMED, can_be_deleted, save_rule
from postvak.tickets.texts import LIMIT
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.admin.answer_templates import fresh, languages_left
from postvak.web.admin.condition_kit import Conditions
from postvak.web.admin.forms.rules import RuleForm
from postvak.web.admin.rules_choices import (
    AGEING,
    AGENTS,
    DELAYED,
    NOT_FOR_CUSTOMERS,
    OF_THE_HOUSE,
    ONLY_SHIPPED,
    RECIPIENTS,
    kit_of,
    load_lists,
    triggers_of,
)
from postvak.web.admin.rules_texts import Variant, typed, variants_of
from postvak.web.admin.rules_words import trigger_in_words
from postvak.web.desk.downloads import download
from postvak.web.flash import say
from postvak.web.pages import render
from postvak.web.placeholders import PLACEHOLDERS, RULE_PLACEHOLDERS
from postvak.web.session import agent_of, asking

BUTTONS = {"add", "remove", "refresh", "add_language"}  # of the form; without them it is saved
COPIED = ("trigger", "calendar", "hour", "status", "delivery", "once", "per_day", "sign", "encrypt", "comment")


@admin_only
def edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    rule = get_object_or_404(Rule, pk=pk) if pk else Rule()
    source = rule if pk else source_of(request)
    if request.method != "POST":
        form = RuleForm(instance=rule, initial=initial_of(source) if source and not pk else None)
        form.conditions = Conditions.of(conditions_of(source.conditions), source.match) if source else form.conditions
        files = list(source.files.all()) if source else []
        return page(request, form, rule, variants_of(rule, source), files)
    form = RuleForm(request.POST, request.FILES, instance=rule)
    is_pressed = bool(BUTTONS & set(request.POST))
    if is_pressed:
        press(form, request)
    elif form.is_valid():
        return saved(request, form)
    added = request.POST.get("new_language", "") if "add_language" in request.POST else ""
    more = [Variant(one.text, one.label, is_fresh=True) for one in fresh(added, form.texts)]
    kept = list(RuleFile.objects.filter(pk__in=form.kept))
    answer = page(request, form, rule, [*typed(form, rule), *more], kept, is_pressed=is_pressed)
    answer.status_code = 200 if is_pressed else 422
    return answer


def source_of(request: HttpRequest) -> Rule | None:
    """The rule that a new one is a copy of."""
    wanted = request.GET.get("copy", "")
    found = Rule.objects.filter(pk=int(wanted)).first() if wanted.isdecimal() and len(wanted) < 10 else None
    return found if found and found.trigger not in ONLY_SHIPPED else None


def initial_of(source: Rule) -> dict[str, Any]:
    """A copy is switched off until somebody has looked at it."""
    name = _("%(name)s (copy)") % {"name": name_of(source)}
    columns = {column: getattr(source, column) for column in COPIED}
    return columns | {"name": name[:100], "words": source.recipients, "minutes": source.minutes}


def press(form: RuleForm, request: HttpRequest) -> None:
    """The rows after one of the form's buttons."""
    kit, post = kit_of(load_lists()), request.POST
    if "add" in post:
        form.conditions = form.conditions.with_row(kit)
    elif "remove" in post:
        form.conditions = form.conditions.without_row(post["remove"])
    else:
        form.conditions = form.conditions.adapted(kit)


def saved(request: HttpRequest, form: RuleForm) -> HttpResponse:
    rule: Rule = form.instance
    is_new = rule.pk is None
    try:
        with recording(asking(request), *([] if is_new else [rule])) as made:
            save_rule(rule, form.contents(), by=agent_of(request), now=timezone.now())
            made += [rule] if is_new else []
    except store.VaultUnreachable as error:
        form.add_error(None, _("The files can't be stored at the moment: %(said)s") % {"said": error})
        answer = page(request, form, rule, typed(form, rule), list(RuleFile.objects.filter(pk__in=form.kept)))
        answer.status_code = 422
        return answer
    say(request, _("“%(name)s” is saved.") % {"name": name_of(rule)})
    return redirect("admin_messages")


def page(
    request: HttpRequest,
    form: RuleForm,
    rule: Rule,
    variants: list[Variant],
    files: list[RuleFile],
    *,
    is_pressed: bool = False,
) -> HttpResponse:
    lists = load_lists()
    is_stored = rule.pk is not None
    context: dict[str, Any] = {
        "form": form,
        "rule": rule if is_stored else None,
        "name": name_of(Rule.objects.get(pk=rule.pk)) if is_stored else _("New rule"),
        "trigger": trigger_in_words(rule) if is_stored else "",
        "has_errors": form.is_bound and not is_pressed and bool(form.errors),
        "condition_rows": form.conditions.drawn(kit_of(lists), {} if is_pressed else form.row_problems),
        "rows_url": reverse("admin_rule_rows"),
        "variants": variants,
        "left": languages_left([variant.text for variant in variants]),
        "stored": files,
        "limit": LIMIT,
        "placeholders": {**PLACEHOLDERS, **RULE_PLACEHOLDERS},
        "is_alarm": is_stored and is_written_by_postvak(rule),
        "preview_languages": {variant.text.language: variant.label for variant in variants if variant.text.language},
        "can_be_deleted": is_stored and can_be_deleted(rule),
        "can_be_copied": is_stored and rule.trigger not in ONLY_SHIPPED,
        **whens(),
    }
    return admin_page(request, "rule.html", "messages", context | {"form": form})


def whens() -> dict[str, Any]:
    """Which parts of the form are there for which triggers, for data-when and for the server."""

    def joined(triggers: object) -> str:
        return "|".join(sorted(str(one) for one in triggers))  # type: ignore[attr-defined]

    every = [trigger.value for trigger in Rule.Trigger]
    return {
        "recipient_whens": {word: f"trigger={'|'.join(triggers_of(word))}" for word in RECIPIENTS},
        "timed": joined(TIMED),
        "delayed": joined(TIMED | DELAYED),
        "ageing": joined(AGEING),
        "conditioned": joined(set(every) - OF_THE_HOUSE - {Rule.Trigger.DIGEST}),
        "delivered": joined(set(every) - {Rule.Trigger.DIGEST, *OF_THE_HOUSE}),
        "for_customers": joined(set(every) - NOT_FOR_CUSTOMERS),
        "agent_words": list(AGENTS),
    }


# ---- parts for htmx ----------------------------------------------------------------


@require_POST
@admin_only
def rows(request: HttpRequest) -> HttpResponse:
    """One condition: a new one ("add"), or one drawn again because its field or comparison changed ("row")."""
    kit, typed_ = kit_of(load_lists()), Conditions.read(request.POST)
    is_new = "add" in request.POST
    drawn = (typed_.with_row(kit) if is_new else typed_.adapted(kit)).drawn(kit, {})
    wanted = request.POST.get("row", "")
    line = drawn[-1] if is_new else next((row for row in drawn if row.id == wanted), None)
    if line is None:
        return HttpResponse(status=204)
    context = {"line": line, "is_new": is_new, "rows_url": request.path}
    return render(request, "admin/filter_condition.html", context)


@require_POST
@admin_only
def add_language(request: HttpRequest) -> HttpResponse:
    """The fields for one more language; without htmx the form itself comes back with them."""
    form = RuleForm(request.POST)
    shown = [
        Variant(one.text, one.label, is_fresh=True) for one in fresh(request.POST.get("new_language", ""), form.texts)
    ]
    left = languages_left([*form.texts, *(variant.text for variant in shown)])
    return render(request, "admin/rule_text.html", {"variants": shown, "left": left, "is_part": True})


@require_GET
@admin_only
def file(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(RuleFile, pk=pk)
    return download(store.get(str(row.blob_id)), row.name, row.content_type)
