"""The upper half of the communication log: accounts, numbers, charts. What is counted is said in log.talk_figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from babel.dates import format_date, format_time
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from postvak.log.talk_figures import (
    DAY,
    FINISHED,
    HOUR,
    AccountStatus,
    PerAccount,
    Totals,
    account_status,
    per_account,
    percentiles,
    running,
    totals,
)
from postvak.models import Communication, CommunicationEntry, Mailbox
from postvak.web.admin.communication_rows import Wanted
from postvak.web.admin.communication_words import HEALTH, STATES, Step, health_words, length_of, step_of
from postvak.web.charts import Frame, Plot, Series, bars, plot
from postvak.web.formats import locale, number

WIDE = Frame(1100, 170, right=90)
BAR = 168.0
MOST_BARS = 10
ADDING_UP = [(state.value, state.label) for state in (*FINISHED, Communication.State.RUNNING)]


@dataclass(frozen=True, slots=True)
class AccountRow:
    """`url`: its page of the administration; `trouble`: the last step of its last failed communication that says why."""

    status: AccountStatus
    url: str
    words: str
    trouble: Step | None


def figures_of(wanted: Wanted) -> dict[str, Any]:
    span = wanted.span
    counted, statuses, accounts = totals(span), account_status(span.since), per_account(span)
    return {
        "wanted": wanted,
        "totals": counted,
        "percentiles": percentiles(span),
        "running": running(),
        "statuses": with_trouble(statuses),
        "health": [(state, *HEALTH[state], health_words(state), number_in(statuses, state)) for state in HEALTH],
        "chart": chart(counted),
        "step": {DAY: _("per day"), HOUR: _("per hour")}.get(span.step, _("per five minutes")),
        "per_account": with_bars(accounts[:MOST_BARS]),
        "accounts_left": len(accounts[MOST_BARS:]),
        "adding_up": ADDING_UP,
        "marks": STATES,
        "marks_of_health": HEALTH,
        "length_of": length_of,
    }


def number_in(statuses: Sequence[AccountStatus], state: str) -> int:
    return sum(one.state == state for one in statuses)


def with_trouble(statuses: Sequence[AccountStatus]) -> list[AccountRow]:
    """One query for the troubles of all."""
    keys = [one.failed for one in statuses if one.failed and one.state in {"failed", "warning"}]
    entries = CommunicationEntry.objects.filter(
        about__communication__in=keys, priority__gte=CommunicationEntry.Priority.WARNING
    ).select_related("about")
    last = {entry.about.communication_id: entry for entry in entries.order_by("priority", "pk")}
    rows = []
    for one in statuses:
        noun = "admin_mailbox" if isinstance(one.account, Mailbox) else "admin_channel"
        entry = last.get(one.failed or 0)
        url = reverse(noun, args=[one.account.pk])
        rows.append(AccountRow(one, url, health_words(one.state), step_of(entry) if entry else None))
    return rows


def chart(counted: Totals) -> Plot:
    lines = [
        Series(_("incoming"), [slot.incoming for slot in counted.slots]),
        Series(_("outgoing"), [slot.outgoing for slot in counted.slots]),
        Series(_("failed"), [slot.failed for slot in counted.slots]),
    ]
    return plot(lines, labels(counted), WIDE, words=number)


def labels(counted: Totals) -> list[str]:
    """Times of a day, or dates where the chart is longer."""
    starts = [slot.at for slot in counted.slots]
    is_long = bool(starts) and starts[-1] - starts[0] > 2 * DAY
    return [label(at, is_long=is_long) for at in starts]


def label(at: datetime, *, is_long: bool) -> str:
    here = timezone.localtime(at)
    return format_date(here, "d MMM", locale=locale()) if is_long else format_time(here, "short", locale=locale())


def with_bars(accounts: Sequence[PerAccount]) -> list[tuple[PerAccount, list[tuple[float, float]]]]:
    """Parts of a bar: what went well, with warnings, failed; what runs still counts as well."""
    longest = max((row.number for row in accounts), default=0)
    return [
        (row, bars((row.number - row.warnings - row.failed, row.warnings, row.failed), longest, BAR))
        for row in accounts
    ]
