"""The score card of a target: how often classification was right about tickets that people decided. Spec 08.

From what was said of each ticket when it came (models.Prediction), in a fixed number of queries over the newest MOST of them; while fewer
than FEWEST are decided, from the measurement of the active version's training. Where something was done by itself, only the share that
people decide without seeing it counts, each as TIMES tickets: of the others only the wrong ones would be known.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from postvak.learn.values import ACTED, AUDIT, HAM, PRIORITY, SPAM, SPAM_TARGET
from postvak.learn.versions import names_of
from postvak.models import Classifier, Prediction, Priority

MOST = 20_000  # rows that are read
FEWEST = 100  # decided tickets below which the training's own measurement is shown
TIMES = 20  # 1 / classify.model.AUDITED
BINS = 15
LARGEST = 12  # labels of the table of mix-ups
WEEKS = 53
Engine = Prediction.Engine


@dataclass(frozen=True, slots=True)
class LabelLine:
    """`tickets` belong to it, it was `said` of so many; `acted`: said surely enough to act. `threshold`: from which probability on,
    null: unknown or never."""

    label: str
    name: str
    tickets: int = 0
    said: int = 0
    right: int = 0
    acted: int = 0
    acted_right: int = 0
    threshold: float | None = None


@dataclass(frozen=True, slots=True)
class Bin:
    """Of tickets with about this probability: how many, and which share was right."""

    mails: int
    probability: float
    right: float


@dataclass(frozen=True, slots=True)
class Week:
    """`tickets` that came and were decided; for so many it was sure enough, and `right` of these."""

    monday: date
    tickets: int
    acted: int
    right: int


@dataclass(frozen=True, slots=True)
class Confusion:
    """rows[belongs to][said], of the largest labels."""

    names: tuple[str, ...] = ()
    rows: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Figures:
    """Shares from 0 to 1, null where there is nothing to divide by. `coverage`: for which it was sure enough, `precision`: of these."""

    tickets: int = 0
    accuracy: float | None = None
    coverage: float | None = None
    precision: float | None = None


@dataclass(frozen=True, slots=True)
class Card:
    """`is_live`: measured on tickets as they came; else by the active version's training. `majority`: what always saying the commonest
    label would reach. `curve`: (tickets learned, share right since the last point). `own`, `service`: both on tickets that both were
    asked about; null: there are none."""

    tickets: int = 0
    is_live: bool = False
    accuracy: float | None = None
    majority: float | None = None
    coverage: float | None = None
    precision: float | None = None
    labels: tuple[LabelLine, ...] = ()
    bins: tuple[Bin, ...] = ()
    curve: tuple[tuple[int, float], ...] = ()
    confusion: Confusion = field(default_factory=Confusion)
    weeks: tuple[Week, ...] = ()
    own: Figures | None = None
    service: Figures | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """`weight`: for how many tickets it stands."""

    ticket: int
    wanted: str
    said: str
    probability: float
    is_sure: bool
    made_at: datetime
    weight: int

    @property
    def is_right(self) -> bool:
        return self.wanted == self.said


def card(classifier: Classifier, since: datetime | None = None) -> Card:
    """`since`: only tickets that came later."""
    active = classifier.models.filter(is_active=True).first()
    rows = rows_of(classifier, Engine.OWN, since)
    service_rows = rows_of(classifier, Engine.SERVICE, since)
    own, service = compared(rows, service_rows)
    score: Mapping[str, Any] = active.score if active else {}
    curve = tuple((int(tickets), float(share)) for tickets, share in score.get("curve", ()))
    beside: dict[str, Any] = {"curve": curve, "own": own, "service": service}
    if len(rows) < FEWEST and score.get("judged"):
        return of_training(classifier, score, beside)
    names = shown_names(classifier.target)
    thresholds = {label: one.get("threshold") for label, one in score.get("labels", {}).items()}
    found = figures(rows)
    return Card(
        tickets=found.tickets,
        is_live=True,
        accuracy=found.accuracy,
        majority=majority(rows),
        coverage=found.coverage,
        precision=found.precision,
        labels=lines(rows, names, thresholds),
        bins=bins(rows),
        confusion=confusion(Counter((row.wanted, row.said) for row in rows), names),
        weeks=weeks(rows),
        **beside,
    )


def rows_of(classifier: Classifier, engine: str, since: datetime | None) -> list[Row]:
    """Decided ones, the newest last. Of those on which was acted only the wrong ones are known, so they count for nothing here."""
    rows = Prediction.objects.filter(target=classifier.target, engine=engine).exclude(wanted="").exclude(role=ACTED)
    rows = rows.filter(made_at__gte=since) if since else rows
    found = rows.order_by("-decided_at").values_list(
        "ticket", "wanted", "label", "probability", "would_act", "made_at", "role"
    )
    return [
        Row(ticket, wanted, said, probability, is_sure, made_at, TIMES if role == AUDIT else 1)
        for ticket, wanted, said, probability, is_sure, made_at, role in found[:MOST]
    ][::-1]


def figures(rows: Sequence[Row]) -> Figures:
    whole = sum(row.weight for row in rows)
    sure = [row for row in rows if row.is_sure]
    acted = sum(row.weight for row in sure)
    return Figures(
        tickets=len(rows),
        accuracy=share(sum(row.weight for row in rows if row.is_right), whole),
        coverage=share(acted, whole),
        precision=share(sum(row.weight for row in sure if row.is_right), acted),
    )


def share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def majority(rows: Sequence[Row]) -> float | None:
    counted: Counter[str] = Counter()
    for row in rows:
        counted[row.wanted] += row.weight
    return share(max(counted.values(), default=0), counted.total())


def lines(
    rows: Sequence[Row], names: Mapping[str, str], thresholds: Mapping[str, float | None]
) -> tuple[LabelLine, ...]:
    tickets, said, right, acted, acted_right = (Counter[str]() for _each in range(5))
    for row in rows:
        tickets[row.wanted] += row.weight
        said[row.said] += row.weight
        right[row.wanted] += row.weight * row.is_right
        acted[row.said] += row.weight * row.is_sure
        acted_right[row.said] += row.weight * (row.is_sure and row.is_right)
    return tuple(
        LabelLine(
            label=label,
            name=names.get(label, label),
            tickets=tickets[label],
            said=said[label],
            right=right[label],
            acted=acted[label],
            acted_right=acted_right[label],
            threshold=reachable(thresholds.get(label)),
        )
        for label in sorted({*tickets, *said} & set(names) or {*tickets, *said}, key=lambda one: (-tickets[one], one))
    )


def reachable(threshold: float | None) -> float | None:
    return threshold if threshold is not None and threshold <= 1 else None


def bins(rows: Sequence[Row]) -> tuple[Bin, ...]:
    inside: dict[int, list[Row]] = {}
    for row in rows:
        inside.setdefault(min(int(row.probability * BINS), BINS - 1), []).append(row)
    return tuple(
        Bin(
            len(found),
            sum(row.probability for row in found) / len(found),
            sum(row.is_right for row in found) / len(found),
        )
        for _place, found in sorted(inside.items())
    )


def confusion(counted: Mapping[tuple[str, str], int], names: Mapping[str, str]) -> Confusion:
    sizes: Counter[str] = Counter()
    for (wanted, _said), number in counted.items():
        sizes[wanted] += number
    largest = [label for label, _number in sizes.most_common() if label in names][:LARGEST]
    rows = tuple(tuple(counted.get((wanted, said), 0) for said in largest) for wanted in largest)
    return Confusion(tuple(names[label] for label in largest), rows)


def weeks(rows: Iterable[Row]) -> tuple[Week, ...]:
    tickets, acted, right = Counter[date](), Counter[date](), Counter[date]()
    for row in rows:
        day = timezone.localdate(row.made_at)
        monday = day - timedelta(days=day.weekday())
        tickets[monday] += row.weight
        acted[monday] += row.weight * row.is_sure
        right[monday] += row.weight * (row.is_sure and row.is_right)
    found = [Week(monday, tickets[monday], acted[monday], right[monday]) for monday in sorted(tickets)]
    return tuple(found[-WEEKS:])


def compared(own: Sequence[Row], service: Sequence[Row]) -> tuple[Figures | None, Figures | None]:
    """On the same tickets."""
    both = {row.ticket for row in own} & {row.ticket for row in service}
    if not both:
        return None, figures(service) if service else None
    return figures([row for row in own if row.ticket in both]), figures([row for row in service if row.ticket in both])


def of_training(classifier: Classifier, score: Mapping[str, Any], beside: Mapping[str, Any]) -> Card:
    """What the active version said of the tickets that it learned, one by one, before it learned them."""
    names = shown_names(classifier.target)
    found = sorted(score["labels"].values(), key=lambda one: -one["mails"])
    return Card(
        tickets=score["judged"],
        accuracy=score["accuracy"],
        majority=score["majority"],
        coverage=score["coverage"],
        precision=score["precision"] if score["coverage"] else None,
        labels=tuple(
            LabelLine(
                label=one["label"],
                name=names[one["label"]],
                tickets=one["mails"],
                said=one["said"],
                right=one["right"],
                acted=one["acted"],
                acted_right=one["acted_right"],
                threshold=reachable(one["threshold"]),
            )
            for one in found
            if one["label"] in names
        ),
        bins=tuple(Bin(*one) for one in score["bins"]),
        confusion=confusion({(wanted, said): number for wanted, said, number in score["confusion"]}, names),
        **beside,
    )


def shown_names(target: str) -> dict[str, str]:
    """In the reader's language, of what can be proposed."""
    if target == PRIORITY:
        return {str(row.level): str(row) for row in Priority.objects.all()}
    return {SPAM: _("Spam"), HAM: _("No spam")} if target == SPAM_TARGET else names_of(target)
