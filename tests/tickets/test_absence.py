"""Out of office: who is away, and for whom one stands in."""

from datetime import timedelta

import pytest
from django.utils import timezone

from postvak.models import Agent, Ticket
from postvak.tickets.absence import away, is_away, substituted_by, substitutes
from postvak.tickets.access import readers, visible_tickets, who_reads
from tests.tickets.conftest import Receive

pytestmark = pytest.mark.django_db

NOW = timezone.now()
BEFORE, AFTER = NOW - timedelta(days=1), NOW + timedelta(days=1)


@pytest.mark.parametrize(
    ("begins", "ends", "expected"),
    [
        (None, None, False),
        (BEFORE, None, True),
        (AFTER, None, False),
        (None, AFTER, True),
        (None, BEFORE, False),
        (BEFORE, AFTER, True),
        (BEFORE - timedelta(days=5), BEFORE, False),
        (AFTER, AFTER + timedelta(days=5), False),
        (NOW, AFTER, True),
        (BEFORE, NOW, False),
    ],
)
def test_the_question_and_the_condition_agree_on_who_is_away(
    bob: Agent, begins: object, ends: object, expected: bool
) -> None:
    Agent.objects.update(away_from=begins, away_until=ends)
    assert is_away(Agent.objects.get(), NOW) is expected
    assert Agent.objects.filter(away(NOW)).exists() is expected
    assert Agent.objects.exclude(away(NOW)).exists() is not expected


def test_one_stands_in_only_while_the_colleague_is_away(bob: Agent, cas: Agent) -> None:
    Agent.objects.filter(pk=bob.pk).update(substitute=cas)
    assert substituted_by(cas, NOW) == []
    Agent.objects.filter(pk=bob.pk).update(away_until=AFTER)
    assert substituted_by(cas, NOW) == [bob]
    assert substituted_by(cas, AFTER) == []
    assert substituted_by(bob, NOW) == []


@pytest.mark.parametrize("change", [{"is_active": False}, {"away_until": AFTER}])
def test_a_substitute_who_is_away_himself_or_invalid_is_told_nothing(bob: Agent, cas: Agent, change: dict[str, object]) -> None:  # fmt: skip
    Agent.objects.filter(pk=bob.pk).update(away_until=AFTER, substitute=cas)
    assert substitutes([bob.pk, cas.pk], NOW) == {bob.pk: cas.pk}
    Agent.objects.filter(pk=cas.pk).update(**change)
    assert substitutes([bob.pk, cas.pk], NOW) == {}


def test_who_reads_a_ticket_is_the_same_asked_from_either_side(
    receive: Receive, bob: Agent, cas: Agent, admin: Agent
) -> None:
    """For members, leads, assignees, administrators, invalid ones and strangers; private or not."""
    open_one, private = receive(subject="Open"), receive(subject="Private")
    lead = Agent.objects.create_user("lia@example.org", "correct horse battery", name="Lia Lead")
    gone = Agent.objects.create_user("gus@example.org", "correct horse battery", name="Gus Gone")
    open_one.queue.members.add(lead, gone)
    open_one.queue.membership_set.filter(agent=lead).update(is_lead=True)
    Agent.objects.filter(pk=gone.pk).update(is_active=False)
    Ticket.objects.filter(pk=private.pk).update(is_private=True)
    for assignee in (None, bob, cas):
        Ticket.objects.update(assignee=assignee)
        tickets, agents = list(Ticket.objects.all()), list(Agent.objects.filter(is_active=True))
        asked = {(one.pk, pk) for one in agents for pk in visible_tickets(one).values_list("pk", flat=True)}
        assert {(one.pk, ticket.pk) for ticket in tickets for one in readers(ticket)} == asked
        assert who_reads([one.pk for one in Agent.objects.all()], tickets) == asked
    assert who_reads([gone.pk], tickets) == set()
