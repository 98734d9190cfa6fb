"""What would become of a mail that somebody pastes or uploads, and why: all of today's rules, and nothing is written (promise 3)."""

from typing import Any

from django.http import HttpRequest, HttpResponse

from postvak.log.sentences import trace_line
from postvak.models import Mailbox, Receipt
from postvak.process.plan_json import effects_of
from postvak.process.run import explain_arriving
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.admin.filters_bench import mail_of, mailbox_of


@admin_only
def show(request: HttpRequest) -> HttpResponse:
    """GET: the form. POST: the same with the answer below it."""
    boxes = sorted(Mailbox.objects.listed(), key=lambda box: box.kind == Mailbox.Kind.LOCAL)
    context: dict[str, Any] = {"mailboxes": boxes, "typed": "", "chosen": ""}
    if request.method == "POST":
        raw, wrong = mail_of(request)
        context |= {"typed": request.POST.get("mail", ""), "chosen": request.POST.get("as_of", ""), "wrong": wrong}
        context |= {} if wrong else answer(mailbox_of(request), raw)
    return admin_page(request, "mail_trial.html", "filters", context)


def answer(mailbox: Mailbox, raw: bytes) -> dict[str, Any]:
    facts, plan = explain_arriving(mailbox, raw)
    effects = effects_of(facts, plan)
    return {
        "outcome": Receipt.Outcome(str(plan.outcome)).label,
        "ticket": effects["ticket"],
        "queue": effects["queue"],
        "lines": [trace_line(reason.as_json()) for reason in plan.reasons],
    }
