"""The message centre: every mail that Postvak may send by itself, a row per rule; switches, limits, deletion. Spec 06."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from postvak.blobs import store
from postvak.log.audit import recording
from postvak.log.sentences import history_line
from postvak.models import AutomaticMail, Digest, Options, OutgoingMail, Rule
from postvak.notify.alarm_record import id_of, number_since
from postvak.notify.shipped import is_for_agents, name_of
from postvak.send.sealed import opened
from postvak.tickets.rules.store import InUse, delete_rule
from postvak.tickets.rules.store import switch as switch_rule
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.admin.forms.rules import LimitsForm
from postvak.web.admin.recording import save
from postvak.web.admin.rules_choices import OF_THE_HOUSE, Lists, load_lists
from postvak.web.admin.rules_words import (
    conditions_in_words,
    limits_in_words,
    recipients_in_words,
    trigger_in_words,
)
from postvak.web.admin.searching import Column, listed_here
from postvak.web.desk.downloads import download
from postvak.web.flash import say
from postvak.web.pages import render
from postvak.web.session import agent_of, asking, is_htmx

COUNTED = timedelta(days=30)
PER_PAGE = 50
COLUMNS = {
    "name": Column(gettext_lazy("Mail"), attrgetter("name")),
    "sent": Column(gettext_lazy("Sent"), attrgetter("sent")),
    "suppressed": Column(gettext_lazy("Suppressed"), attrgetter("suppressed")),
}
State = AutomaticMail.State
Counts = Mapping[int, Mapping[str, int]]  # key of a rule -> state -> how many mails


@dataclass(frozen=True, slots=True)
class Line:
    """One rule as the list shows it. `is_alarm`: its mails are about no ticket, so they stand in the ledger only."""

    rule: Rule
    name: str
    trigger: str
    recipients: list[str]
    conditions: list[str]
    limits: list[str]
    sent: int
    suppressed: int
    is_alarm: bool

    @property
    def is_for_customers(self) -> bool:
        return not is_for_agents(self.rule)

    @property
    def ledger_words(self) -> str:
        """What finds its alarms in the ledger."""
        return id_of(self.rule.trigger, "").rstrip(".")

    @property
    def searched(self) -> str:
        words = (self.name, self.trigger, self.rule.comment, *self.recipients, *self.conditions)
        return "\n".join(words).casefold()


@admin_only
def listing(request: HttpRequest) -> HttpResponse:
    return page(request, LimitsForm(instance=Options.objects.get()))


def page(request: HttpRequest, form: LimitsForm) -> HttpResponse:
    rows = sorted(Rule.objects.select_related("status"), key=lambda rule: not rule.key)
    lines = lines_of(rows)  # own rules stand below the shipped ones of their group
    found = listed_here(request, lines, attrgetter("searched"), COLUMNS, valid=lambda line: line.rule.is_on)
    context = {"groups": grouped(list(found.page)), "list": found, "form": form}
    return admin_page(request, "rules.html", "messages", context)


def lines_of(rules: Iterable[Rule]) -> list[Line]:
    lists, counts = load_lists(), counts_since(timezone.now() - COUNTED)
    return [line_of(rule, lists, counts) for rule in rules]


def line_of(rule: Rule, lists: Lists, counts: Counts) -> Line:
    states = counts.get(rule.pk, {})
    return Line(
        rule=rule,
        name=name_of(rule),
        trigger=trigger_in_words(rule),
        recipients=recipients_in_words(rule, lists),
        conditions=conditions_in_words(rule, lists),
        limits=limits_in_words(rule),
        sent=states.get(State.WRITTEN, 0),
        suppressed=states.get(State.SKIPPED, 0),
        is_alarm=rule.trigger in OF_THE_HOUSE,
    )


def counts_since(moment: datetime) -> Counts:
    """The daily digest is counted by what it is, one mail; alarms by what the ledger has of them."""
    rows = AutomaticMail.objects.filter(rule__isnull=False, settled_at__gte=moment)
    found: dict[int, dict[str, int]] = {}
    for rule, state, count in rows.values_list("rule", "state").annotate(count=Count("pk")).order_by():
        found.setdefault(rule, {})[state] = count
    special = Rule.objects.filter(trigger__in=[Rule.Trigger.DIGEST, *OF_THE_HOUSE])
    for rule, trigger in special.values_list("pk", "trigger"):
        is_digest = trigger == Rule.Trigger.DIGEST
        number = Digest.objects.filter(at__gte=moment).count() if is_digest else number_since(trigger, moment)
        found[rule] = {State.WRITTEN: number}
    return found


def grouped(lines: list[Line]) -> list[tuple[str, str, list[Line]]]:
    """(id, title, lines)"""
    return [
        ("customers", _("To customers"), [line for line in lines if line.is_for_customers]),
        ("agents", _("To agents"), [line for line in lines if not line.is_for_customers]),
    ]


# ---- switches ----------------------------------------------------------------


@require_POST
@admin_only
def switch_on(request: HttpRequest, pk: int) -> HttpResponse:
    return switched(request, pk, is_on=True)


@require_POST
@admin_only
def switch_off(request: HttpRequest, pk: int) -> HttpResponse:
    return switched(request, pk, is_on=False)


def switched(request: HttpRequest, pk: int, *, is_on: bool) -> HttpResponse:
    """htmx gets the row anew; the toast has the way back."""
    rule = get_object_or_404(Rule.objects.select_related("status"), pk=pk)
    with recording(asking(request), rule):
        switch_rule(rule, is_on=is_on, by=agent_of(request), now=timezone.now())
    rule.refresh_from_db()
    text = _("“%(name)s” is switched on.") if is_on else _("“%(name)s” is switched off.")
    undo = reverse("admin_rule_off" if is_on else "admin_rule_on", args=[pk])
    say(request, text % {"name": name_of(rule)}, undo_url=undo)
    if is_htmx(request):
        (line,) = lines_of([rule])
        return render(request, "admin/rule_row.html", {"line": line, "is_alone": True})
    return redirect("admin_messages")


# ---- limits, mails, deletion ----------------------------------------------------------------


@require_POST
@admin_only
def limits(request: HttpRequest) -> HttpResponse:
    form = LimitsForm(request.POST, instance=Options.objects.get())
    if not form.is_valid():
        return page(request, form)
    save(request, form)
    say(request, _("The limits are saved."))
    return redirect("admin_messages")


@admin_only
def mails(request: HttpRequest, pk: int) -> HttpResponse:
    """What the rule sent, or what was suppressed and why (?state=skipped); the newest first."""
    rule = get_object_or_404(Rule, pk=pk)
    state = request.GET.get("state", State.WRITTEN.value)
    state = state if state in State.values else State.WRITTEN.value
    rows = AutomaticMail.objects.filter(rule=rule, state=state).select_related("ticket", "reader", "trigger")
    shown = Paginator(rows.order_by("-settled_at", "-pk"), PER_PAGE).get_page(request.GET.get("page"))
    lines = [(row, history_line(row.reason, row.parameters) if row.reason else "") for row in shown]
    context: dict[str, Any] = {"rule": rule, "name": name_of(rule), "state": state, "page": shown, "lines": lines}
    return admin_page(request, "rule_mails.html", "messages", context)


@require_GET
@admin_only
def original(request: HttpRequest, pk: int) -> HttpResponse:
    """A mail to agents as it went out: no message of a ticket, so nobody else reads it here."""
    row = get_object_or_404(OutgoingMail, pk=pk, message=None)
    return download(opened(store.get(str(row.blob_id))), f"notice-{row.pk}.eml", "message/rfc822")


@require_POST
@admin_only
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    rule = get_object_or_404(Rule, pk=pk)
    try:
        with recording(asking(request), rule):
            delete_rule(rule, timezone.now())
    except InUse:
        text = _("“%(name)s” has sent mails that name it. Switch it off instead.")
        say(request, text % {"name": name_of(rule)}, tone="alert")
        return redirect("admin_rule", pk)
    say(request, _("“%(name)s” is deleted.") % {"name": rule.name})
    return redirect("admin_messages")
