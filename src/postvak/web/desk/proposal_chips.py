"""The chips beside the properties of a ticket: what classification proposes, or did. They come with the ticket, without a query of
their own. What is behind them: web.desk.proposals. Spec 08."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Case, CharField, OuterRef, Subquery, Value, When
from django.db.models.functions import Cast
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from postvak.learn.proposals import RIGHTS, fits
from postvak.models import Agent, Prediction, Priority, Target
from postvak.models.json_rows import json_rows
from postvak.tickets.access import may_on, visible_queues
from postvak.tickets.queue_tree import parts_of

Role = Prediction.Role
SPAM: Mapping[str, str | Promise] = {"spam": gettext_lazy("Spam"), "ham": gettext_lazy("No spam")}
COLUMNS = ("pk", "target", "engine", "label", "probability", "is_known", "role", "wanted")


@dataclass(frozen=True, slots=True)
class Chip:
    """One proposal, or with `is_done` what was done without asking. `target`: of models.Target."""

    pk: int
    target: str
    name: str
    percent: int
    is_done: bool


def proposals_beside(agent: Agent) -> Subquery:
    """For annotate() as `proposal_rows`: predictions that may be shown, each with the name of its queue or priority; null: the agent
    doesn't see that queue, or it isn't valid."""
    queues = visible_queues(agent).filter(is_valid=True).annotate(key=Cast("pk", CharField()))
    levels = Priority.objects.filter(is_valid=True).annotate(key=Cast("level", CharField()))
    name = Case(
        When(target=Target.QUEUE, then=Subquery(queues.filter(key=OuterRef("label")).values("name")[:1])),
        When(target=Target.PRIORITY, then=Subquery(levels.filter(key=OuterRef("label")).values("name")[:1])),
        default=Value(""),
    )
    rows = Prediction.objects.filter(role__in=[Role.OFFERED, Role.ACTED]).annotate(name=name)
    return json_rows(rows, "ticket", name="name", **{column: column for column in COLUMNS})


def chips_of(ticket: Any, agent: Agent) -> dict[str, Chip]:
    """By target, of what he may change; our own model goes before the language model. The ticket came with `proposal_rows`."""
    found: dict[str, Chip] = {}
    may = may_on(ticket, agent)
    for columns in sorted(ticket.proposal_rows or [], key=lambda row: (row["engine"], row["pk"])):
        name, target = columns["name"], columns["target"]
        row = Prediction(**{column: columns[column] for column in COLUMNS})
        if name is not None and target not in found and may.allows(RIGHTS[target]) and fits(row, ticket):
            done = row.role == Role.ACTED
            found[target] = Chip(row.pk, target, shown_name(row, name), percent(row.probability), done)
    return {} if ticket.merged_into_id else found


def shown_name(row: Prediction, name: str) -> str:
    if row.target == Target.QUEUE:
        return " › ".join(parts_of(name))
    return (
        str(SPAM.get(row.label, row.label)) if row.target == Target.SPAM else str(Priority(int(row.label), name=name))
    )


def percent(share: float) -> int:
    """Never 100: nothing is that sure."""
    return min(round(100 * share), 99)
