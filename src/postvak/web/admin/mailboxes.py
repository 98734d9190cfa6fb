"""Administration of mailboxes: list, form with test button, state, "fetch now"."""

from typing import Any

from django.conf import settings
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from postvak.log.problems import sentence
from postvak.models import Mailbox, Receipt
from postvak.setup.checks import NOT_HEARD, Check, check_mailbox
from postvak.setup.directions import check_directions
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.admin.forms.mailboxes import LocalMailboxForm, MailboxForm
from postvak.web.admin.recording import save
from postvak.web.admin.searching import Column, listed
from postvak.web.admin.tokens import inbound_url
from postvak.web.flash import say
from postvak.web.pages import render

VALID = Q(validity=Mailbox.Validity.VALID)
COLUMNS = {
    "name": Column(gettext_lazy("Name"), "name"),
    "server": Column(gettext_lazy("Server"), "host"),
    "queue": Column(gettext_lazy("Queue"), "queue__name"),
    "state": Column(gettext_lazy("State"), "failing_since"),
    "success": Column(gettext_lazy("Last success"), "last_success_at"),
}


@admin_only
def listing(request: HttpRequest) -> HttpResponse:
    rows = Mailbox.objects.select_related("queue").listed()
    names = ("name", "host", "username", "forward_addresses", "queue__name", "comment")
    found = listed(request, rows, names, COLUMNS, valid=VALID)
    return admin_page(request, "mailboxes.html", "mailboxes", {"list": found, "problem_of": problem_of})


@sensitive_post_parameters("password")
@admin_only
def edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """ "Check and save" saves only what works; "save without check" saves anyway."""
    mailbox = get_object_or_404(Mailbox, pk=pk) if pk else None
    state = state_of(mailbox) if mailbox else None
    local = mailbox is not None and mailbox.kind == Mailbox.Kind.LOCAL
    form = (LocalMailboxForm if local else MailboxForm)(request.POST or None, instance=mailbox)
    check = None
    if request.method == "POST" and form.is_valid():
        check = check_mailbox(form.instance) if "check" in request.POST and form.has_server else None
        if check is None or check.ok:
            return saved(request, save(request, form), check)
    context: dict[str, Any] = {"form": form, "mailbox": mailbox, "local": local, "state": state, "check": check}
    context |= {"listening": settings.CONFIGURATION.listening, "inbound_url": inbound_url(request)}
    return admin_page(request, "mailbox.html", "mailboxes", context)


def saved(request: HttpRequest, mailbox: Mailbox, check: Check | None) -> HttpResponse:
    if check:
        text = _("The mailbox %(name)s is saved, and the connection works.")
    else:
        text = _("The mailbox %(name)s is saved.")
    say(request, text % {"name": mailbox.name})
    return redirect("admin_mailbox", mailbox.pk)


@require_POST
@sensitive_post_parameters("password")
@admin_only
def check(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """The test button: both directions, with the form's present values, saved nowhere."""
    mailbox = get_object_or_404(Mailbox, pk=pk) if pk else None
    form = MailboxForm(request.POST, instance=mailbox)
    found = check_directions(form.instance) if form.can_connect() else None
    return render(request, "admin/directions.html", {"directions": found, "form": form})


@require_POST
@admin_only
def fetch_now(request: HttpRequest, pk: int) -> HttpResponse:
    """The worker fetches it with its next look, a second from now."""
    mailbox = get_object_or_404(Mailbox, pk=pk)
    Mailbox.objects.filter(pk=pk).update(next_fetch_at=None)
    say(request, _("Mail of %(name)s is being fetched. Reload the page in a moment.") % {"name": mailbox.name})
    return redirect("admin_mailbox", pk)


@require_POST
@admin_only
def compare(request: HttpRequest, pk: int) -> HttpResponse:
    """The worker compares the mailbox with its server within a quarter of a minute."""
    mailbox = get_object_or_404(Mailbox, pk=pk)
    Mailbox.objects.filter(pk=pk).update(reconciled_at=None)
    say(request, _("%(name)s is being compared with its server. Reload the page in a moment.") % {"name": mailbox.name})
    return redirect("admin_mailbox", pk)


def problem_of(mailbox: Mailbox) -> tuple[str, str]:
    """(what is wrong, what to do)"""
    return sentence(mailbox.last_problem, {"host": mailbox.host, "port": str(mailbox.port), **mailbox.last_details})


def state_of(mailbox: Mailbox) -> dict[str, Any]:
    """As stored, before a form changes the object: what went wrong, and what became of its mails."""
    counts = (
        Receipt.objects.filter(mailbox=mailbox).values_list("outcome").annotate(count=Count("pk")).order_by("-count")
    )
    names = dict(Receipt.Outcome.choices)
    what, remedy = problem_of(mailbox) if mailbox.failing_since else ("", "")
    return {
        "name": mailbox.name,
        "what": what,
        "remedy": remedy,
        "said": mailbox.last_said,
        "host": mailbox.host,
        "heard": mailbox.last_problem not in NOT_HEARD,
        "total": sum(count for _outcome, count in counts),
        "outcomes": [(names.get(outcome, _("in progress")), count) for outcome, count in counts],
    }
