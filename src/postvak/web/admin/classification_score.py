"""The score card of a classification: figures, and plots as numbers (web.charts). Every plot has its table beside it. Spec 08."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from babel.dates import format_date
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from postvak.learn.cards import Card, Figures, LabelLine, card
from postvak.models import Classifier, Priority, Target
from postvak.tickets.queue_tree import parts_of
from postvak.web.admin.access import admin_only
from postvak.web.admin.classification import classifier_page
from postvak.web.admin.searching import Column, listed_here
from postvak.web.charts import Frame, Plot, Series, plot
from postvak.web.formats import locale, number

PERIODS = {"30": 30, "90": 90, "365": 365}  # days; else all that was measured
SMALL = Frame(372, 172, left=48, right=84)
BAR = 100.0
LEVELS = 6  # of shades in the table of mix-ups
COLUMNS = {
    "name": Column(gettext_lazy("Name"), lambda row: row.name),
    "tickets": Column(gettext_lazy("Tickets"), lambda row: row.tickets),
    "coverage": Column(gettext_lazy("Brought there by itself"), lambda row: row.coverage),
    "precision": Column(gettext_lazy("Of these right"), lambda row: row.precision),
    "recall": Column(gettext_lazy("First guess right"), lambda row: row.recall),
    "threshold": Column(gettext_lazy("Acts from"), lambda row: row.threshold),
}
SPAM: Mapping[str, str | Promise] = {"spam": gettext_lazy("spam"), "ham": gettext_lazy("no spam")}


@dataclass(frozen=True, slots=True)
class Line:
    """One queue or priority. Shares from 0 to 1, null where there is nothing to divide by. `threshold`: the probability from which on
    it acts, null: it doesn't."""

    name: str
    tickets: int
    coverage: float | None
    precision: float | None
    recall: float | None
    threshold: float | None


@dataclass(frozen=True, slots=True)
class Opinion:
    """A row of the comparison."""

    words: str
    accuracy: float | None
    coverage: float | None
    precision: float | None


@require_GET
@admin_only
def show(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(Classifier, pk=pk)
    period = request.GET.get("period", "")
    since = timezone.now() - timedelta(days=PERIODS[period]) if period in PERIODS else None
    found, named = card(row, since=since), shown_names(row.target)
    context: dict[str, Any] = {
        "period": period if period in PERIODS else "",
        "periods": [("", _("all")), *((key, _("%(number)s days") % {"number": key}) for key in PERIODS)],
        "card": found,
    }
    if found.tickets:
        context |= plots(found) | {
            "names": [named(name) for name in found.confusion.names],
            "list": listed_lines(request, found.labels, named),
            "opinions": opinions(found),
        }
    return classifier_page(request, "classifier_score.html", row, context)


def shown_names(target: str) -> Callable[[str], str]:
    """From the name of a label as learn.cards has it to what people call it."""
    if target == Target.QUEUE:
        return lambda name: " › ".join(parts_of(name))
    if target == Target.SPAM:
        return lambda name: str(SPAM.get(name, name))
    shipped = {row.name or str(row.level): str(row) for row in Priority.objects.all()}
    return lambda name: shipped.get(name, name)


def plots(found: Card) -> dict[str, Any]:
    return {
        "calibration": calibration(found),
        "curve": curve(found),
        "weekly": weekly(found),
        "mixed_up": shaded(found.confusion.rows),
    }


def percents(shares: Sequence[float | None]) -> list[float | None]:
    return [None if share is None else 100 * share for share in shares]


def in_percent(value: float) -> str:
    return f"{number(round(value))} %"


def calibration(found: Card) -> Plot:
    """What it said against what was right: honest figures lie on each other."""
    labels = [in_percent(100 * one.probability) for one in found.bins]
    lines = [
        Series(_("right"), percents([one.right for one in found.bins])),
        Series(_("said"), percents([one.probability for one in found.bins])),
    ]
    return plot(lines, labels, SMALL, words=in_percent)


def curve(found: Card) -> Plot:
    labels = [number(tickets) for tickets, _share in found.curve]
    return plot(
        [Series(_("right"), percents([share for _tickets, share in found.curve]))], labels, SMALL, words=in_percent
    )


def weekly(found: Card) -> Plot:
    """Share of the tickets for which it was sure enough, and of these what was right."""
    labels = [format_date(week.monday, "d MMM", locale=locale()) for week in found.weeks]
    lines = [
        Series(_("right"), percents([divided(week.right, week.acted) for week in found.weeks])),
        Series(_("sure enough"), percents([divided(week.acted, week.tickets) for week in found.weeks])),
    ]
    return plot(lines, labels, SMALL, words=in_percent)


def divided(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def shaded(rows: Sequence[Sequence[int]]) -> list[list[tuple[int, int]]]:
    """(tickets, shade from 0 to LEVELS), darkest where a row has all its tickets."""
    return [[(count, -(-count * LEVELS // max(sum(row), 1))) for count in row] for row in rows]


def listed_lines(request: HttpRequest, labels: Sequence[LabelLine], named: Callable[[str], str]) -> object:
    lines = [
        Line(
            name=named(one.name),
            tickets=one.tickets,
            coverage=divided(one.acted_right, one.tickets),
            precision=divided(one.acted_right, one.acted),
            recall=divided(one.right, one.tickets),
            threshold=one.threshold,
        )
        for one in sorted(labels, key=lambda one: -one.tickets)
    ]
    return listed_here(request, lines, lambda line: line.name, COLUMNS, usual="-tickets")


def opinions(found: Card) -> list[Opinion]:
    rows = [
        Opinion(_("Your own classification"), found.accuracy, found.coverage, found.precision),
        Opinion(_("Always the largest one"), found.majority, None, None),
    ]
    if found.own is not None:
        rows.append(opinion(_("Yours, where the language model was asked, too"), found.own))
    if found.service is not None:
        rows.append(opinion(_("The language model"), found.service))
    return rows


def opinion(words: str, figures: Figures) -> Opinion:
    return Opinion(words, figures.accuracy, figures.coverage, figures.precision)
