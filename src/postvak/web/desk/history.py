"""What is looked at now and then on the right side of a ticket: its history, and the facts of its mails."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from postvak.log.audit import exported
from postvak.log.sentences import history_line
from postvak.mail.addresses import normalise
from postvak.models import Address, Agent, History, Message, Receipt, Ticket
from postvak.web.desk.found import came_from, find
from postvak.web.desk.outbox_rows import as_key
from postvak.web.desk.reports import written
from postvak.web.pages import render
from postvak.web.session import asking, is_htmx

PAGE = 50
LOOKED_AT = 50  # mails; the newest ones
POSTVAK = "0"

WHAT: Mapping[str, tuple[str | Promise, tuple[str, ...]]] = {
    "mail": (
        _("Mails and notes"),
        (
            "new_ticket", "new_ticket_instead", "follow_up", "grouped", "rejected", "answered", "answered_later", "forwarded",
            "forwarded_later", "redirected", "redirected_later", "side_mail", "side_mail_later", "sent_again", "first_mail", "first_mail_later", "taken_back",
            "noted", "call_noted",
        ),
    ),
    "delivery": (
        _("Delivery"),
        (
            "delivery_report", "delivery_failed", "delivery_in_doubt", "sending_cancelled", "sending_retried",
            "recipient_corrected", "suppressed_bounced", "suppressed_complained", "suppression_released",
        ),
    ),
    "property": (
        _("Properties"),
        (
            "status", "queue", "assignee", "priority", "type", "title", "field", "tagged", "untagged", "spam", "no_spam",
            "pending", "pending_ended", "imported_status", "imported_queue", "imported_priority", "imported_type",
            "imported_title", "imported_assignee",
        ),
    ),
    "people": (
        _("People"),
        ("customer", "customers_merged", "participant_added", "participant_removed", "followed", "unfollowed"),
    ),
    "link": (
        _("Links, merging, moving"),
        (
            "linked", "unlinked", "part_of", "has_part", "record_linked", "record_unlinked", "merged_into", "merged_from",
            "unmerged", "unmerged_from", "message_moved_to", "message_moved_from", "split_to", "split_from",
        ),
    ),
}  # fmt: skip


@require_GET
def show(request: HttpRequest, number: int) -> HttpResponse:
    """Newest first. `who`: key of an agent, 0 for what Postvak did by itself; `what`: of WHAT; `before`: the page's end."""
    ticket = find(request, number)
    who, what = request.GET.get("who", ""), request.GET.get("what", "")
    before = as_key(request.GET.get("before", ""))
    rows = narrowed(ticket, who, what)
    found = list((rows.filter(pk__lt=before) if before else rows)[: PAGE + 1])
    context = {
        "ticket": ticket,
        "list_id": came_from(request),
        "lines": [(row, history_line(row.code, row.parameters)) for row in found[:PAGE]],
        "older": found[PAGE - 1].pk if len(found) > PAGE else 0,
        "who": who,
        "what": what,
        "people": people_of(ticket),
        "kinds": [(key, words) for key, (words, _codes) in WHAT.items()],
    }
    return part_or_page(request, "history", context)


@require_GET
def table(request: HttpRequest, number: int) -> StreamingHttpResponse:
    """All that the same filters show, oldest first, as CSV (RFC 4180, UTF-8 with a mark so that spreadsheets see it)."""
    ticket = find(request, number)
    rows = narrowed(ticket, request.GET.get("who", ""), request.GET.get("what", "")).order_by("pk")
    exported(asking(request), "history", str(ticket), ticket.pk)
    return StreamingHttpResponse(
        written(list(cells(list(rows)))),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{ticket.number}-history.csv"'},
    )


def cells(rows: Sequence[History]) -> Iterator[tuple[str, ...]]:
    """Made at once, in the reader's language: a ticket has hundreds of them at most."""
    yield (gettext("Time (UTC)"), gettext("Who"), gettext("What"))
    for row in rows:
        who = row.agent.name if row.agent else "Postvak"
        yield (f"{row.at:%Y-%m-%d %H:%M:%S}", who, history_line(row.code, row.parameters))


def narrowed(ticket: Ticket, who: str, what: str) -> Any:
    rows = History.objects.filter(ticket=ticket).select_related("agent").order_by("-pk")
    if who == POSTVAK:
        rows = rows.filter(agent=None)
    elif as_key(who):
        rows = rows.filter(agent=as_key(who))
    return rows.filter(code__in=WHAT[what][1]) if what in WHAT else rows


def people_of(ticket: Ticket) -> list[Agent]:
    keys = History.objects.filter(ticket=ticket).exclude(agent=None).values("agent")
    return list(Agent.objects.filter(pk__in=keys).order_by("name"))


@require_GET
def mail_facts(request: HttpRequest, number: int) -> HttpResponse:
    ticket = find(request, number)
    receipts = Receipt.objects.filter(ticket=ticket, first=None).select_related("mailbox").order_by("pk")
    numbers = {
        "incoming": ticket.messages.filter(kind=Message.Kind.INCOMING).count(),
        "outgoing": ticket.messages.filter(kind=Message.Kind.OUTGOING).count(),
    }
    context = {
        "ticket": ticket,
        "list_id": came_from(request),
        "receipt": receipts.first(),
        "also_sent_to": also_sent_to(ticket),
        **numbers,
    }
    return part_or_page(request, "mail_facts", context)


def also_sent_to(ticket: Ticket) -> list[str]:
    """Other addresses of ours that the newest mails of customers went to: one mail, one ticket, and everybody may know."""
    incoming = ticket.messages.filter(kind=Message.Kind.INCOMING).order_by("-created_at").values_list("to", "cc")
    recipients = {normalise(email) for to, cc in incoming[:LOOKED_AT] for _name, email in (*to, *cc)}
    ours = Address.objects.filter(email__in=recipients).exclude(Q(pk=ticket.reply_address_id or 0))
    return list(ours.values_list("email", flat=True))


def part_or_page(request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
    if is_htmx(request):
        return render(request, f"desk/_{name}.html", context)
    return render(request, "desk/side_part.html", context | {"part": f"desk/_{name}.html", "name": name})
