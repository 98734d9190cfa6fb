"""What the ledger's page shows of each line: the words of its state, why, and where it leads; and the sums above them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from postvak.log.ledger.numbers import (
    IN,
    IN_PROGRESS,
    OUT,
    STATES,
    Counted,
    count_lines,
    totals,
    totals_lately,
)
from postvak.log.ledger.rows import RELATED, Lines, Page, narrow, page_of
from postvak.log.ledger.wanted import SPANS, Wanted
from postvak.log.sentences import TRACE, trace_line
from postvak.models import Agent, Delivery, LedgerEntry, Receipt, Trace
from postvak.tickets.access import ledger_parts, visible_ledger
from postvak.tickets.search.find import find
from postvak.web.desk.deliveries import standing

FOUND_IN_TEXTS = 10
Outcome, State = Receipt.Outcome, Delivery.State

# Icon and tone by state; those that aren't here have none.
LOOKS: Mapping[str, tuple[str, str]] = {
    IN_PROGRESS: ("clock", ""),
    Outcome.NEW_TICKET: ("plus", ""),
    Outcome.FOLLOW_UP: ("reply", ""),
    Outcome.GROUPED: ("reply", ""),
    Outcome.NEW_TICKET_INSTEAD: ("branch", ""),
    Outcome.REJECTED: ("x", ""),
    Outcome.DELIVERY_REPORT: ("bounce", ""),
    Outcome.IGNORED: ("minus", ""),
    Outcome.DUPLICATE: ("copy", ""),
    Outcome.BEFORE_START: ("clock", ""),
    Outcome.HELD: ("hand", "warn"),
    State.QUEUED: ("clock", ""),
    State.SENDING: ("send", ""),
    State.DEFERRED: ("clock", "warn"),
    State.ACCEPTED: ("tick", ""),
    State.DELIVERED: ("ticks", ""),
    State.BOUNCED: ("mailx", "alert"),
    State.BLOCKED: ("mailx", "alert"),
    State.COMPLAINED: ("mailx", "alert"),
    State.FAILED: ("mailx", "alert"),
    State.CANCELLED: ("x", ""),
    State.IN_DOUBT: ("warn", "warn"),
}
TELL_WHY = {
    Outcome.HELD,
    Outcome.IGNORED,
    Outcome.DUPLICATE,
    Outcome.REJECTED,
    Outcome.BEFORE_START,
    Outcome.NEW_TICKET_INSTEAD,
    Outcome.DELIVERY_REPORT,
}


@dataclass(frozen=True, slots=True)
class Row:
    """`words`: the state; `why`: one sentence where the state alone doesn't say it; `account`: name of mailbox or channel."""

    line: LedgerEntry
    url: str
    words: str
    icon: str
    tone: str
    why: str
    account: str


@dataclass(frozen=True, slots=True)
class Slot:
    state: str
    words: str
    number: int
    tone: str
    query: str


@dataclass(frozen=True, slots=True)
class Sums:
    """Of one direction: `total` is the sum of the slots, each of which leads to its lines. `counted_at`: if that was a while ago."""

    direction: str
    total: int
    slots: list[Slot]
    query: str
    counted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """`sums_later`: they take a moment; the page asks for them when it is there."""

    rows: list[Row]
    in_texts: list[Row]
    page: Page
    sums: list[Sums]
    sums_later: bool = False


def shown(wanted: Wanted, agent: Agent, now: datetime, *, with_sums: bool = False) -> Shown:
    """One page. The number of queries doesn't grow with the lines. `with_sums`: also those of long periods."""
    lines = narrow(visible_ledger(agent), wanted, now)
    page = page_of(lines, wanted, parts=ledger_parts(agent))
    also = in_texts(lines, wanted, agent, page.lines) if wanted.text and not wanted.after else []
    rows = make_rows([*page.lines, *also])
    here = len(page.lines)
    is_now = with_sums or wanted.is_short
    sums = sums_of(wanted, agent, now) if is_now and not wanted.after else []
    return Shown(rows[:here], rows[here:], page, sums, sums_later=not is_now and not wanted.after and agent.is_admin)


def in_texts(lines: Lines, wanted: Wanted, agent: Agent, known: Sequence[LedgerEntry]) -> list[LedgerEntry]:
    """Mails whose text has the words, as the search of messages finds them; one of each ticket."""
    hits = find(wanted.text, by=agent, size=FOUND_IN_TEXTS).hits
    messages = [hit.message.pk for hit in hits if hit.message]
    if not messages:
        return []
    found = lines.filter(message__in=messages).exclude(pk__in=[line.pk for line in known])
    return list(found.order_by("-pk").select_related(*RELATED)[:FOUND_IN_TEXTS])


# -- lines ---------------------------------------------------------------------------------


def make_rows(lines: Sequence[LedgerEntry]) -> list[Row]:
    told = [line.receipt_id for line in lines if line.receipt_id and line.state in TELL_WHY]
    traces = dict(Trace.objects.filter(receipt__in=told).values_list("pk", "entries")) if told else {}
    return [make_row(line, traces.get(line.receipt_id or 0, [])) for line in lines]


def make_row(line: LedgerEntry, entries: Sequence[list[object]]) -> Row:
    icon, tone = LOOKS.get(line.state, ("info", ""))
    account = line.mailbox if line.direction == IN else line.channel
    return Row(
        line=line,
        url=address_of(line),
        words=words_of(line.direction, line.state),
        icon=icon,
        tone=tone,
        why=standing(line.delivery) if line.delivery else turning_point(entries),
        account=account.name if account else "",
    )


def address_of(line: LedgerEntry) -> str:
    """Incoming mails have a page of their own; lines without one (any more) are shown as such."""
    if line.receipt_id and line.receipt:
        return reverse("receipt", args=[line.receipt_id])
    return reverse("ledger-line", args=[line.pk])


def words_of(direction: str, state: str) -> str:
    """As agents say it."""
    if state == IN_PROGRESS:
        return _("in progress")
    labels: Mapping[Any, Any] = dict(Outcome.choices if direction == IN else State.choices)
    return str(labels.get(state, state))


def turning_point(entries: Sequence[list[object]]) -> str:
    """The last reason of a trace that decided something."""
    for entry in reversed(entries):
        sentence = TRACE.get(str(entry[1]))
        if sentence is None or sentence.tone in ("key", "warn"):
            return trace_line(entry).title
    return trace_line(entries[-1]).title if entries else ""


# -- sums ----------------------------------------------------------------------------------


def sums_of(wanted: Wanted, agent: Agent, now: datetime) -> list[Sums]:
    """None while something is searched. Administrators: of all mails, from the tallies. Where these know too little (a queue;
    what an agent may see), lines are counted, of a short period only."""
    if wanted.text:
        return []
    directions = [wanted.direction] if wanted.direction else [*STATES]
    if wanted.mailbox and not wanted.direction:
        directions = [IN.value]
    if wanted.channel and not wanted.direction:
        directions = [OUT.value]
    found = numbers_of(wanted, agent, now, directions)
    return [sums_in(wanted, direction, found[direction]) for direction in directions if direction in found]


def numbers_of(wanted: Wanted, agent: Agent, now: datetime, directions: Sequence[str]) -> Mapping[str, Counted]:
    if agent.is_admin and not wanted.queue:
        since, until = wanted.span(now)
        accounts = {IN.value: wanted.mailbox, OUT.value: wanted.channel}
        add_up = add_up_now if wanted.is_short else totals_lately
        return {one: add_up(one, since, until, accounts[one] or None) for one in directions}
    if wanted.span_name not in SPANS:
        return {}
    lines = count_lines(narrow(visible_ledger(agent), wanted, now, with_state=False))
    return {direction: Counted(numbers) for direction, numbers in lines.items()}


def add_up_now(direction: str, since: datetime | None, until: datetime | None, account: int | None) -> Counted:
    return Counted(totals(direction, since, until, account))


def sums_in(wanted: Wanted, direction: str, counted: Counted) -> Sums:
    numbers = counted.numbers
    slots = [
        Slot(
            state=state,
            words=words_of(direction, state),
            number=numbers.get(state, 0),
            tone=LOOKS[state][1] if numbers.get(state) else "",
            query=wanted.query(direction=direction, state=state),
        )
        for state in STATES[direction]
    ]
    query = wanted.query(direction=direction, state="")
    return Sums(direction, sum(numbers.values()), slots, query, counted.at)
