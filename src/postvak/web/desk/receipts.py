"""Why is this mail here? The trace of a receipt; held mails; try again."""

import re
from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from postvak.blobs import store
from postvak.log.sentences import trace_line
from postvak.mail.addresses import normalise
from postvak.models import Filter, Queue, Receipt, Trace
from postvak.process.held import discard, release, try_again
from postvak.process.run import explain
from postvak.tickets.access import visible_queues, visible_receipts, workable_receipts
from postvak.web.desk.bulk_rules import named_already
from postvak.web.desk.caused import Caused, caused_by
from postvak.web.desk.downloads import download
from postvak.web.flash import say
from postvak.web.pages import render
from postvak.web.session import agent_of

SOURCE_SHOWN = 200_000  # bytes of a source that a page shows; the whole is one click away
HELD_SHOWN = 200
END_OF_HEADERS = re.compile(rb"\r?\n\r?\n")


@require_GET
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """The way of one mail in plain words."""
    receipt = get_object_or_404(
        visible_receipts(agent_of(request)).select_related("ticket__queue", "mailbox", "first", "blob"), pk=pk
    )
    trace = Trace.objects.filter(receipt=receipt).first()
    lines = [trace_line(entry) for entry in trace.entries] if trace else []
    can_be_decided = workable_receipts(agent_of(request)).filter(pk=pk).exists()
    can_be_taken = can_be_decided and Receipt.objects.set_aside().filter(pk=pk).exclude(blob=None).exists()
    links = filter_links(trace.entries) if trace and agent_of(request).is_admin else {}
    context = {"receipt": receipt, "lines": lines, "links": links, "can_be_taken": can_be_taken}
    context["can_be_decided"] = can_be_decided
    sender = normalise(receipt.author_email) if agent_of(request).is_admin else ""
    more = {"letters": letters_after(receipt), "is_blocked": bool(sender) and sender in named_already()}
    return render(request, "desk/receipt.html", {**context, **more})


def letters_after(receipt: Receipt) -> list[Caused]:
    """Automatic mails that this mail caused, and why one wasn't sent."""
    if receipt.message_id is None or receipt.first_id:
        return []
    return caused_by(receipt.message_id)


def filter_links(entries: Sequence[Sequence[Any]]) -> dict[int, str]:
    """Place of a line that says that a filter fired -> the page of that filter, if one has this name today."""
    fired = {place: entry[2].get("filter", "") for place, entry in enumerate(entries) if entry[1] == "filter_fired"}
    ids = dict(Filter.objects.filter(name__in=fired.values()).values_list("name", "pk")) if fired else {}
    return {place: reverse("admin_filter", args=[ids[name]]) for place, name in fired.items() if name in ids}


@require_GET
def taking(request: HttpRequest, pk: int) -> HttpResponse:
    """What would become of a mail that was set aside, if a person took it now. Writes nothing."""
    receipt = takeable(request, pk)
    receipt.is_released = True
    _facts, plan = explain(store.get(str(receipt.blob_id)), receipt)
    lines = [trace_line(reason.as_json()) for reason in plan.reasons]
    label = Receipt.Outcome(str(plan.outcome)).label
    return render(request, "desk/_taking.html", {"receipt": receipt, "lines": lines, "outcome": label})


@require_POST
def take(request: HttpRequest, pk: int) -> HttpResponse:
    release([takeable(request, pk)], queue=None)
    say(request, _("The mail is being processed again."))
    return redirect("receipt", pk=pk)


def takeable(request: HttpRequest, pk: int) -> Receipt:
    receipts = workable_receipts(agent_of(request)).set_aside().exclude(blob=None)
    return get_object_or_404(receipts.select_related("mailbox"), pk=pk)


@require_GET
def held(request: HttpRequest) -> HttpResponse:
    receipts = visible_receipts(agent_of(request)).held().select_related("mailbox", "trace").order_by("-received_at")
    rows = [(receipt, cause(receipt)) for receipt in receipts[:HELD_SHOWN]]
    queues = visible_queues(agent_of(request)).filter(is_valid=True)
    return render(request, "desk/held.html", {"rows": rows, "total": receipts.count(), "queues": queues})


def cause(receipt: Receipt) -> str:
    """The last reason of a held mail: why a person must look."""
    trace = getattr(receipt, "trace", None)
    return trace_line(trace.entries[-1]).title if trace and trace.entries else ""


@require_GET
def original(request: HttpRequest, pk: int) -> HttpResponse:
    receipt = get_object_or_404(visible_receipts(agent_of(request)).exclude(blob=None), pk=pk)
    return download(store.get(str(receipt.blob_id)), f"receipt-{receipt.pk}.eml", "message/rfc822")


@require_GET
def source(request: HttpRequest, pk: int) -> HttpResponse:
    receipt = get_object_or_404(visible_receipts(agent_of(request)).exclude(blob=None), pk=pk)
    raw = store.get(str(receipt.blob_id))
    if request.GET.get("part") == "headers":
        raw = END_OF_HEADERS.split(raw, maxsplit=1)[0]
    text = raw[:SOURCE_SHOWN].decode("utf-8", "replace").replace("\x00", "␀")
    return render(request, "desk/source.html", {"receipt": receipt, "text": text, "cut": len(raw) > SOURCE_SHOWN})


@require_POST
def attempt(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a held mail back to the worker."""
    receipt = get_object_or_404(workable_receipts(agent_of(request)), pk=pk)
    if try_again([receipt]):
        say(request, _("The mail is being processed again."))
    return redirect("receipt", pk=pk) if receipt.blob_id else redirect("held")


@require_POST
def decide_held(request: HttpRequest) -> HttpResponse:
    """What the bar above the held mails does with the ticked ones: try again, let through, put aside."""
    agent = agent_of(request)
    ids = [int(value) for value in request.POST.getlist("receipt") if value.isdigit()]
    chosen = list(workable_receipts(agent).held().filter(pk__in=ids))
    action, reason = request.POST.get("action", ""), request.POST.get("reason", "")
    if action == "discard" and not reason.strip():
        say(request, _("Say why the mails are put aside; nothing was changed."), tone="warn")
    elif action == "discard":
        count = discard(chosen, by=agent, reason=reason)
        say(
            request,
            ngettext("%(count)s mail was put aside.", "%(count)s mails were put aside.", count) % {"count": count},
        )
    else:
        count = release(chosen, queue=wanted_queue(request)) if action == "release" else try_again(chosen)
        text = ngettext("%(count)s mail is processed again.", "%(count)s mails are processed again.", count)
        say(request, text % {"count": count})
    return redirect("held")


def wanted_queue(request: HttpRequest) -> Queue | None:
    """The chosen queue, if this agent sees it; none: as the mail's address says."""
    value = request.POST.get("queue", "")
    return visible_queues(agent_of(request)).filter(pk=int(value)).first() if value.isdigit() else None
