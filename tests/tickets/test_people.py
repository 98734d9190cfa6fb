"""Roles and teams: what is in effect follows from what was given, whatever was changed and in which order."""

from collections.abc import Iterable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postvak.models import Agent, Membership, Queue, QueueTeam, Role, Team
from postvak.tickets import people
from postvak.tickets.people import RIGHTS

pytestmark = pytest.mark.django_db


def role(key: str) -> Role:
    return Role.objects.get(key=key)


def rights_of(agent: Agent, queue: Queue) -> set[str] | None:
    row = Membership.objects.filter(agent=agent, queue=queue).first()
    return {name for name in RIGHTS if getattr(row, name)} if row else None


def test_a_role_gives_its_rights_and_a_team_adds_to_them(support: Queue, bob: Agent) -> None:
    people.give(support, bob, "reader")
    assert rights_of(bob, support) == set()
    people.save_team(Team(name="Service"), [bob], {support.pk: role("agent").pk})
    assert rights_of(bob, support) == {"may_answer", "may_move", "may_close", "may_delete"}
    people.take_away(support, bob)
    assert rights_of(bob, support) == {"may_answer", "may_move", "may_close", "may_delete"}
    people.set_teams_of(bob, [])
    assert rights_of(bob, support) is None


def test_a_team_that_is_made_invalid_gives_nothing(support: Queue, sales: Queue, bob: Agent) -> None:
    team = Team(name="Service")
    people.save_team(team, [bob], {sales.pk: role("agent").pk})
    assert rights_of(bob, sales)
    team.is_valid = False
    people.save_team(team, [bob], {sales.pk: role("agent").pk})
    assert rights_of(bob, sales) is None
    assert rights_of(bob, support), "his own role elsewhere stays"


def test_who_was_made_a_member_in_another_way_stays_one(support: Queue, bob: Agent, cas: Agent) -> None:
    """A configuration file, or an installation that was there before roles."""
    Membership.objects.create(queue=support, agent=cas, is_lead=True)
    people.set_teams(support, {})
    given_roles = dict(Membership.objects.filter(queue=support).values_list("agent__name", "own_role__key"))
    assert given_roles == {"Bob Baker": "agent", "Cas de Vries": "lead"}
    assert rights_of(cas, support) == {"may_answer", "may_move", "may_close", "may_delete", "is_lead"}


def test_a_changed_role_holds_at_once_for_all_who_have_it(support: Queue, sales: Queue, bob: Agent, cas: Agent) -> None:
    people.give(support, bob)
    people.give(sales, cas)
    agent = role("agent")
    agent.may_delete = False
    people.save_role(agent)
    assert all(not row.may_delete for row in Membership.objects.all())


def test_whose_turn_it_is_is_kept(support: Queue, bob: Agent) -> None:
    Membership.objects.update(assigned_at="2026-01-01T00:00:00Z")
    people.give(support, bob, "lead")
    assert Membership.objects.get(agent=bob).assigned_at is not None


def test_settling_costs_a_few_queries_however_many_there_are(support: Queue, sales: Queue) -> None:
    def cost(number: int) -> int:
        made = [Agent(email=f"{number}-{at}@example.org", name=f"A{at}") for at in range(number)]
        team = Team.objects.create(name=f"Team of {number}")
        team.members.set(Agent.objects.bulk_create(made))
        QueueTeam.objects.create(team=team, queue=sales, role=role("agent"))
        with CaptureQueriesContext(connection) as queries:
            people.settle(queues=[support.pk, sales.pk])
        return len(queries)

    assert cost(2) == cost(40) <= 8


# -- against a plain reference ----------------------------------------------------------------------------

KEYS = ("agent", "lead", "reader", "administrator")
AGENTS, QUEUES, TEAMS = range(3), range(3), range(2)
PLACES = st.dictionaries(st.tuples(st.sampled_from(QUEUES), st.sampled_from(AGENTS)), st.sampled_from(KEYS))
WORKS = st.dictionaries(st.tuples(st.sampled_from(QUEUES), st.sampled_from(TEAMS)), st.sampled_from(KEYS))
IN = st.sets(st.tuples(st.sampled_from(TEAMS), st.sampled_from(AGENTS)))


def plainly(own: dict[tuple[int, int], str], works: dict[tuple[int, int], str], members: Iterable[tuple[int, int]], valid: set[int]) -> dict[tuple[int, int], set[str]]:  # fmt: skip
    """What everybody may do, worked out one by one."""
    found: dict[tuple[int, int], set[str]] = {}
    for queue in QUEUES:
        for agent in AGENTS:
            keys = [own[queue, agent]] if (queue, agent) in own else []
            keys += [works[queue, team] for team, member in members if member == agent and team in valid and (queue, team) in works]  # fmt: skip
            if keys:
                found[queue, agent] = {name for key in keys for name in RIGHTS if getattr(role(key), name)}
    return found


@given(before=PLACES, own=PLACES, works=WORKS, members=IN, valid=st.sets(st.sampled_from(TEAMS)))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_in_effect_is_what_a_plain_reckoning_gives(brand, before, own, works, members, valid) -> None:  # type: ignore[no-untyped-def]
    for model in (Membership, Team, Queue):
        model.objects.exclude(pk__in=Queue.objects.filter(is_default=True) if model is Queue else []).delete()
    Agent.objects.all().delete()
    queues = [Queue.objects.create(name=f"Q{at}", brand=brand) for at in QUEUES]
    agents = [Agent.objects.create(email=f"a{at}@example.org", name=f"A{at}") for at in AGENTS]
    teams = [Team.objects.create(name=f"T{at}", is_valid=at in valid) for at in TEAMS]
    for (queue, agent), key in before.items():
        people.give(queues[queue], agents[agent], key)
    for team, agent in members:
        teams[team].members.add(agents[agent])
    for (queue, team), key in works.items():
        QueueTeam.objects.create(queue=queues[queue], team=teams[team], role=role(key))
    for at, agent in enumerate(agents):
        mine = {queues[queue].pk: role(key).pk for (queue, whose), key in own.items() if whose == at}
        people.set_queues(agent, mine)
    wanted = plainly(own, works, members, valid)
    assert {place: rights_of(agents[place[1]], queues[place[0]]) for place in wanted} == wanted
    assert Membership.objects.count() == len(wanted)
