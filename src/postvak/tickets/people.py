"""Who works in which queue: roles given to agents and to teams, and what follows from them. Spec 10.

Membership is what is in effect: the rights of the agent's own role in the queue and of the roles that his valid teams have
there, together. Everything that changes roles, teams or members is a function here, which settles that in the same
transaction. Who was made a member in another way (`Queue.members`) gets the role that his rights are like first.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from postvak.models import Agent, Membership, Queue, QueueTeam, Role, Team

RIGHTS = ("may_answer", "may_move", "may_close", "may_delete", "may_administer", "is_lead")
USUAL, LEAD = "agent", "lead"
Held = tuple[bool, ...]  # in the order of RIGHTS
Place = tuple[int, int]  # (queue, agent)
Keys = Collection[int] | None  # None: all


def settle(*, queues: Keys = None, agents: Keys = None) -> None:
    """Bring Membership in line with roles and teams, in these queues for these agents. A member without a role of his own
    and without a team there is none any more. `assigned_at` stays."""
    with transaction.atomic():
        roles = {role.pk: held_by(role) for role in one_at_a_time()}
        rows = {(row.queue_id, row.agent_id): row for row in within(Membership.objects.all(), queues, agents)}
        wanted = in_effect(roles, rows, by_teams(queues, agents))
        Membership.objects.filter(pk__in=[row.pk for place, row in rows.items() if place not in wanted]).delete()
        give_rights({place: rights for place, rights in wanted.items() if place in rows}, rows)
        Membership.objects.bulk_create(
            (made(place, rights) for place, rights in wanted.items() if place not in rows), ignore_conflicts=True
        )


def one_at_a_time() -> QuerySet[Role]:
    """Whoever settles waits here for others who do."""
    return Role.objects.select_for_update(no_key=True).order_by("pk")


def held_by(row: Role | Membership) -> Held:
    return tuple(getattr(row, name) for name in RIGHTS)


def within(rows: QuerySet[Membership], queues: Keys, agents: Keys) -> QuerySet[Membership]:
    rows = rows if queues is None else rows.filter(queue__in=queues)
    return rows if agents is None else rows.filter(agent__in=agents)


def by_teams(queues: Keys, agents: Keys) -> list[tuple[int, int, int]]:
    """(queue, agent, role), of valid teams."""
    rows = QueueTeam.objects.filter(team__is_valid=True, team__members__isnull=False)
    rows = rows if queues is None else rows.filter(queue__in=queues)
    rows = rows if agents is None else rows.filter(team__members__in=agents)
    return list(rows.values_list("queue", "team__members", "role"))


def in_effect(
    roles: Mapping[int, Held], rows: Mapping[Place, Membership], teams: Collection[tuple[int, int, int]]
) -> dict[Place, Held]:
    given = [(place, row.own_role_id) for place, row in rows.items() if row.own_role_id is not None]
    given += [((queue, agent), role) for queue, agent, role in teams]
    found: dict[Place, Held] = {}
    for place, role in given:
        before = found.get(place, (False,) * len(RIGHTS))
        found[place] = tuple(one or other for one, other in zip(before, roles[role], strict=True))
    return found


def give_rights(wanted: Mapping[Place, Held], rows: Mapping[Place, Membership]) -> None:
    """One statement for each set of rights that somebody hasn't got yet."""
    changed: dict[Held, list[int]] = {}
    for place, rights in wanted.items():
        if held_by(rows[place]) != rights:
            changed.setdefault(rights, []).append(rows[place].pk)
    for rights, keys in changed.items():
        Membership.objects.filter(pk__in=keys).update(**dict(zip(RIGHTS, rights, strict=True)))


def made(place: Place, rights: Held) -> Membership:
    return Membership(queue_id=place[0], agent_id=place[1], **dict(zip(RIGHTS, rights, strict=True)))


def without_a_role(rows: QuerySet[Membership]) -> QuerySet[Membership]:
    """Of these members, those whom nobody gave a role, and who are in no team there."""
    teams = QueueTeam.objects.filter(team__is_valid=True, queue=OuterRef("queue"), team__members=OuterRef("agent"))
    return rows.filter(~Exists(teams), own_role=None)


def own_roles(rows: QuerySet[Membership]) -> list[tuple[Membership, int]]:
    """Those of these members who are so themselves, with their own roles; or those that adopt() would give them."""
    usual = dict(Role.objects.filter(key__in=[USUAL, LEAD]).values_list("key", "pk"))
    adopted = set(without_a_role(rows).values_list("pk", flat=True))
    found = []
    for row in rows:
        role = row.own_role_id
        if role is None and row.pk in adopted:
            role = usual[LEAD if row.is_lead else USUAL]
        if role is not None:
            found.append((row, role))
    return found


def adopt(*, queues: Keys = None, agents: Keys = None) -> None:
    """Members whom nobody gave a role, and who are in no team there, get the one that their rights are like."""
    rows = without_a_role(within(Membership.objects.all(), queues, agents))
    if rows.exists():
        rows.filter(is_lead=True).update(own_role=Role.objects.get(key=LEAD))
        rows.update(own_role=Role.objects.get(key=USUAL))


@contextmanager
def changing(*, queues: Keys = None, agents: Keys = None) -> Iterator[None]:
    """Around a change of roles, teams or members: what is in effect follows, in one transaction."""
    with transaction.atomic():
        list(one_at_a_time())
        adopt(queues=queues, agents=agents)
        yield
        settle(queues=queues, agents=agents)


# -- what is given ----------------------------------------------------------------------------


def give(queue: Queue, agent: Agent, role_key: str = USUAL) -> None:
    """The agent has this role in the queue, himself. `role_key`: of a shipped role. Raises Role.DoesNotExist."""
    role = Role.objects.get(key=role_key)
    with changing(queues=[queue.pk], agents=[agent.pk]):
        Membership.objects.update_or_create(queue=queue, agent=agent, defaults={"own_role": role})


def take_away(queue: Queue, agent: Agent) -> None:
    """He has no role of his own there; what he has by teams stays."""
    with changing(queues=[queue.pk], agents=[agent.pk]):
        Membership.objects.filter(queue=queue, agent=agent).update(own_role=None)


def set_members(queue: Queue, roles: Mapping[int, int]) -> None:
    """`roles`: key of the agent -> key of his own role; the others have none of their own there."""
    with changing(queues=[queue.pk]):
        write_own({(queue.pk, agent): role for agent, role in roles.items()}, Q(queue=queue))


def set_queues(agent: Agent, roles: Mapping[int, int]) -> None:
    """`roles`: key of the queue -> key of the agent's own role in it."""
    with changing(agents=[agent.pk]):
        write_own({(queue, agent.pk): role for queue, role in roles.items()}, Q(agent=agent))


def write_own(roles: Mapping[Place, int], among: Q) -> None:
    """Own roles of these rows, and of no others among them."""
    rows = {(row.queue_id, row.agent_id): row for row in Membership.objects.filter(among)}
    for place, row in rows.items():
        row.own_role_id = roles.get(place)
    Membership.objects.bulk_update(rows.values(), ["own_role"], batch_size=200)
    Membership.objects.bulk_create(
        Membership(queue_id=queue, agent_id=agent, own_role_id=role)
        for (queue, agent), role in roles.items()
        if (queue, agent) not in rows
    )


def set_teams(queue: Queue, roles: Mapping[int, int]) -> None:
    """`roles`: key of the team -> key of its role in the queue."""
    with changing(queues=[queue.pk]):
        write_teams({(queue.pk, team): role for team, role in roles.items()}, Q(queue=queue))


def set_teams_of(agent: Agent, teams: Collection[Team]) -> None:
    """The agent is in these teams and in no others."""
    with changing(agents=[agent.pk]):
        rows = Team.members.through._default_manager.filter(agent=agent)
        rows.exclude(team__in=teams).delete()
        there = set(rows.values_list("team", flat=True))
        for team in teams:
            if team.pk not in there:
                team.members.add(agent)


def save_team(team: Team, members: Collection[Agent], roles: Mapping[int, int]) -> None:
    """The team with who is in it, and its roles: key of the queue -> key of the role."""
    with changing(agents={*members_of(team), *(agent.pk for agent in members)}):
        team.save()
        team.members.set(members)
        write_teams({(queue, team.pk): role for queue, role in roles.items()}, Q(team=team))


def delete_team(team: Team) -> None:
    with changing(agents=members_of(team)):
        team.delete()


def members_of(team: Team) -> set[int]:
    return set(team.members.values_list("pk", flat=True)) if team.pk else set()


def save_role(role: Role) -> None:
    """Whoever has it, has its new rights."""
    with changing():
        role.save()


def write_teams(roles: Mapping[Place, int], among: Q) -> None:
    """`roles`: (queue, team) -> role."""
    QueueTeam.objects.filter(among).exclude(
        pk__in=[row.pk for row in QueueTeam.objects.filter(among) if roles.get((row.queue_id, row.team_id))]
    ).delete()
    QueueTeam.objects.bulk_create(
        [QueueTeam(queue_id=queue, team_id=team, role_id=role) for (queue, team), role in roles.items()],
        update_conflicts=True,
        unique_fields=["queue", "team"],
        update_fields=["role"],
    )
