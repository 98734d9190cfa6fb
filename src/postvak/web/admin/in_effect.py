"""What an agent may do in his queues, and through what: his own role there, and the roles of his teams."""

from dataclasses import dataclass

from django.db.models import Field
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from postvak.models import Agent, Membership, Queue, QueueTeam, Role
from postvak.tickets.people import RIGHTS


@dataclass(frozen=True, slots=True)
class InEffect:
    """`rights`: their words; `through`: sentences."""

    queue: Queue
    rights: list[str | Promise]
    through: list[str]


def in_effect_of(agent: Agent) -> list[InEffect]:
    """Three queries; by the queues' names."""
    rows = Membership.objects.filter(agent=agent).select_related("queue", "own_role").order_by("queue__name")
    by_queue: dict[int, list[QueueTeam]] = {}
    teams = QueueTeam.objects.filter(team__is_valid=True, team__members=agent).select_related("team", "role")
    for given in teams.order_by("team__name"):
        by_queue.setdefault(given.queue_id, []).append(given)
    return [InEffect(row.queue, rights_of(row), through(row, by_queue.get(row.queue_id, []))) for row in rows]


def rights_of(row: Membership) -> list[str | Promise]:
    return [words_of(name) for name in RIGHTS if getattr(row, name)]


def words_of(right: str) -> str | Promise:
    """The label of its column."""
    field = Role._meta.get_field(right)
    return field.verbose_name if isinstance(field, Field) else right


def through(row: Membership, teams: list[QueueTeam]) -> list[str]:
    own = [_("own role: %(role)s") % {"role": row.own_role}] if row.own_role else []
    return own + [_("by team %(team)s: %(role)s") % {"team": one.team, "role": one.role} for one in teams]
