"""The ledger: "where is that mail?" One page for every mail in and out, a page for a line, and its export. Spec 07."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from postvak.log.audit import exported
from postvak.log.ledger.numbers import STATES
from postvak.log.ledger.rows import Page, narrow, page_of
from postvak.log.ledger.wanted import PERIODS, Wanted
from postvak.mail.addresses import normalise
from postvak.models import Address, Agent, Channel, LedgerEntry, Mailbox, OutgoingMail, Receipt, Suppression, Trace
from postvak.send.by_hand import TRIED_AGAIN
from postvak.tickets.access import ledger_parts, visible_ledger, visible_queues
from postvak.web.admin.access import admin_only
from postvak.web.desk import cards
from postvak.web.desk.caused import caused_by, written_as
from postvak.web.desk.deliveries import story_of
from postvak.web.desk.ledger_rows import Shown, make_row, shown, sums_of, words_of
from postvak.web.desk.lists import DEFAULT
from postvak.web.desk.reports import written
from postvak.web.later import spoken
from postvak.web.pages import render
from postvak.web.session import agent_of, asking, is_htmx
from postvak.web.stale import Asker, asker_of, may_be_stale

LOOK = 10  # seconds between two looks at the first page
EXPORTED_AT_ONCE = 500
REPORTS_SHOWN = 20
LINES_LOOKED_AT = 1000


@require_GET
@may_be_stale
def show(request: HttpRequest) -> HttpResponse:
    """htmx asks for the lines and sums alone, again and again; and for the sums of a long period, once."""
    wanted, agent, now = Wanted.of(request.GET), agent_of(request), timezone.now()
    with_sums = "sums" in request.GET
    if with_sums and is_htmx(request):
        only_sums = Shown([], [], Page([]), sums_of(wanted, agent, now))
        return render(request, "desk/_ledger_sums.html", {"wanted": wanted, "shown": only_sums})
    context = {"wanted": wanted, "shown": shown(wanted, agent, now, with_sums=with_sums), "look": LOOK}
    if is_htmx(request):
        return render(request, "desk/_ledger_rows.html", context)
    return render(request, "desk/ledger.html", context | choices(wanted, agent))


def choices(wanted: Wanted, agent: Agent) -> dict[str, object]:
    directions = [wanted.direction] if wanted.direction else [*STATES]
    mailboxes, channels = accounts_of(agent)
    return {
        "states": [(one, [(state, words_of(one, state)) for state in STATES[one]]) for one in directions],
        "periods": list(PERIODS.items()),
        "queues": list(visible_queues(agent).order_by("name").only("name")),
        "mailboxes": list(mailboxes.order_by("name").only("name")) if wanted.direction != "out" else [],
        "channels": list(channels.order_by("name").only("name")) if wanted.direction != "in" else [],
    }


def accounts_of(agent: Agent) -> tuple[QuerySet[Mailbox], QuerySet[Channel]]:
    """To choose from. Agents: those whose mails they may read, as the newest lines of their queues show, and as is set up now."""
    if agent.is_admin:
        return Mailbox.objects.all(), Channel.objects.all()
    queues = visible_queues(agent)
    seen = newest_of(visible_ledger(agent), ledger_parts(agent))
    mailboxes = Mailbox.objects.filter(Q(pk__in={mailbox for mailbox, _channel in seen}) | Q(queue__in=queues))
    used = Address.objects.filter(queue__in=queues).order_by().values("channel")
    return mailboxes, Channel.objects.filter(Q(pk__in={channel for _mailbox, channel in seen}) | Q(pk__in=used))


def newest_of(lines: QuerySet[LedgerEntry], parts: Sequence[Q]) -> set[tuple[int | None, int | None]]:
    """(mailbox, channel) of some of the newest lines of each part."""
    each = Q(pk__in=[])
    for part in parts:
        each |= Q(pk__in=lines.filter(part).order_by("-pk").values("pk")[: LINES_LOOKED_AT // len(parts)])
    return set(LedgerEntry.objects.filter(each).order_by().values_list("mailbox", "channel").distinct())


@require_GET
def line(request: HttpRequest, pk: int) -> HttpResponse:
    """One mail to one recipient. Incoming mails have their own page; of mails that are gone, what the ledger kept is shown."""
    rows = visible_ledger(agent_of(request)).select_related("ticket__queue", "mailbox", "channel", "receipt")
    found = get_object_or_404(rows.select_related("delivery__outgoing__blob"), pk=pk)
    if found.receipt_id and found.receipt:
        return redirect("receipt", pk=found.receipt_id)
    context = {"row": make_row(found, []), "line": found, **story(found), **of_rules(found)}
    return render(request, "desk/ledger_line.html", context)


def of_rules(found: LedgerEntry) -> dict[str, object]:
    """Which rule wrote the mail, and which automatic mails it caused itself."""
    outgoing = found.delivery.outgoing_id if found.delivery else None
    return {
        "written_as": written_as(found.message_id, outgoing),
        "letters": caused_by(found.message_id) if found.message_id else [],
    }


def story(found: LedgerEntry) -> dict[str, object]:
    """What happened to the delivery, with all that was said."""
    delivery = found.delivery
    if delivery is None:
        return {}
    row = type(delivery)._default_manager.prefetch_related("events__agent").get(pk=delivery.pk)
    return {
        "story": story_of([row]),
        "card": cards.one(found.message) if found.message else Notice(delivery.outgoing),
        "can_retry": delivery.state in TRIED_AGAIN,
        "list_id": DEFAULT,
        "outgoing": delivery.outgoing,
        "suppression": Suppression.objects.filter(address=normalise(delivery.recipient)).first(),
        "reports": reports_about(found),
    }


@dataclass(frozen=True, slots=True)
class Notice:
    """A mail to an agent, where others have the card of a message."""

    outgoing: OutgoingMail


def reports_about(found: LedgerEntry) -> list[Receipt]:
    """Delivery reports of other servers on its ticket that name the recipient."""
    if found.ticket_id is None:
        return []
    receipts = Receipt.objects.filter(ticket=found.ticket_id, outcome=Receipt.Outcome.DELIVERY_REPORT).order_by("-pk")
    near = list(receipts[:REPORTS_SHOWN])
    traces = dict(Trace.objects.filter(receipt__in=near).values_list("pk", "entries"))
    wanted = found.recipients.lower()
    return [row for row in near if any(wanted == recipient_of(entry) for entry in traces.get(row.pk, []))]


def recipient_of(entry: Sequence[object]) -> str:
    parameters = entry[2] if len(entry) > 2 and isinstance(entry[2], dict) else {}
    return str(parameters.get("recipient", "")).lower()


# -- export --------------------------------------------------------------------------------


@admin_only
@require_GET
def export(request: HttpRequest) -> StreamingHttpResponse:
    """The filtered lines as CSV, all of them, written while they are read."""
    wanted, agent, now = Wanted.of(request.GET), agent_of(request), timezone.now()
    name = f"postvak-ledger-{timezone.localdate(now)}.csv"
    exported(asking(request), "ledger", wanted.query())
    return StreamingHttpResponse(
        spoken(written(table(wanted, agent, asker_of(request)))),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def table(wanted: Wanted, agent: Agent, ask: Asker) -> Iterator[list[str | int | float]]:
    yield [
        _("Time"), _("Direction"), _("From"), _("To"), _("Subject"), _("What happened"), _("Ticket"), _("Queue"),
        _("Mailbox or channel"), _("Message-ID and server's numbers"),
    ]  # fmt: skip
    lines, now, parts = visible_ledger(agent), timezone.now(), ledger_parts(agent)
    lines = narrow(lines, wanted, now)
    wanted = replace(wanted, after="")
    while True:
        rows, after = ask(partial(page_of_table, lines, wanted, parts))
        yield from rows
        if not after:
            return
        wanted = replace(wanted, after=after)


def page_of_table(
    lines: QuerySet[LedgerEntry], wanted: Wanted, parts: Sequence[Q]
) -> tuple[list[list[str | int | float]], str]:
    """(rows, where the next ones begin)"""
    page = page_of(lines, wanted, parts=parts, size=EXPORTED_AT_ONCE)
    return [cells(entry) for entry in page.lines], page.after


def cells(entry: LedgerEntry) -> list[str | int | float]:
    row = make_row(entry, [])
    queue = entry.ticket.queue.name if entry.ticket else ""
    return [
        timezone.localtime(entry.at).isoformat(sep=" ", timespec="seconds"),
        entry.get_direction_display(),
        entry.sender,
        entry.recipients,
        entry.subject,
        row.words,
        entry.ticket.number if entry.ticket else "",
        queue,
        row.account,
        entry.numbers,
    ]
