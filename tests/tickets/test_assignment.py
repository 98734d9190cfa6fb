"""Assignment in turn: who gets the tickets that come in."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from postvak.log.sentences import history_line
from postvak.models import Agent, Change, Membership, Queue, Status, Ticket
from postvak.tickets import change
from postvak.tickets.aftermath import follow_changes
from postvak.tickets.assignment import assign_in_turn
from postvak.tickets.properties import set_spam
from tests.tickets.conftest import Receive

pytestmark = pytest.mark.django_db
Mode = Queue.AutoAssign


@pytest.fixture
def team(support: Queue, bob: Agent) -> list[Agent]:
    """Bob, Dee and Ed work in Support, which gives tickets in turn."""
    others = [Agent.objects.create_user(f"{name}@example.org", "correct horse battery", name=name.title()) for name in ("dee", "ed")]  # fmt: skip
    support.members.add(*others)
    Queue.objects.filter(pk=support.pk).update(auto_assign=Mode.ROUND_ROBIN)
    return [bob, *others]


def follow() -> None:
    while follow_changes("test:1:x"):
        pass


def assignees() -> list[str]:
    return [ticket.assignee.name.split()[0] if ticket.assignee else "–" for ticket in Ticket.objects.order_by("pk")]


def test_new_tickets_go_round(receive: Receive, team: list[Agent]) -> None:
    for _ in range(3):
        receive()
        receive()
        follow()
    assert assignees() == ["Bob", "Dee", "Ed", "Bob", "Dee", "Ed"]


def test_the_history_says_why(receive: Receive, team: list[Agent]) -> None:
    ticket = receive()
    follow()
    line = ticket.history.get(code="assigned_in_turn")
    assert line.agent is None
    assert history_line(line.code, line.parameters) == (
        "Given to Bob Baker, whose turn it was among those who are in, in queue “Support”"
    )


def test_whoever_has_the_fewest_open_tickets_gets_the_next(receive: Receive, team: list[Agent], sales: Queue) -> None:
    bob, dee, _ed = team
    Queue.objects.update(auto_assign=Mode.NONE)
    for assignee in (bob, bob, dee, dee):
        change.assign(receive(), assignee, by=bob)
    change.set_status(Ticket.objects.filter(assignee=dee).earliest("pk"), Status.objects.get(key="closed"), by=dee)
    follow()
    Queue.objects.update(auto_assign=Mode.LEAST_OPEN)
    for _ in range(5):
        receive()
    follow()
    assert assignees()[4:] == ["Ed", "Dee", "Ed", "Bob", "Dee"]
    line = Ticket.objects.latest("pk").history.get(code="assigned_fewest")
    assert history_line(line.code, line.parameters) == (
        "Given to Dee, who had the fewest open tickets (2) of those who are in, in queue “Support”"
    )


def test_members_who_are_away_or_invalid_are_passed_over_and_administrators_are_no_members(
    receive: Receive, team: list[Agent], admin: Agent
) -> None:
    bob, dee, _ed = team
    Agent.objects.filter(pk=bob.pk).update(away_until=timezone.now() + timedelta(days=2))
    Agent.objects.filter(pk=dee.pk).update(is_active=False)
    receive()
    receive()
    follow()
    assert assignees() == ["Ed", "Ed"]


def test_with_nobody_in_the_ticket_waits_for_a_person(receive: Receive, team: list[Agent]) -> None:
    Agent.objects.update(away_from=timezone.now() - timedelta(days=2))
    receive()
    follow()
    assert assignees() == ["–"]


def test_a_queue_without_the_setting_gives_nothing(receive: Receive, team: list[Agent]) -> None:
    Queue.objects.update(auto_assign=Mode.NONE)
    receive()
    follow()
    assert assignees() == ["–"]


def test_spam_and_closed_and_merged_tickets_stay_with_nobody(receive: Receive, team: list[Agent]) -> None:
    bob = team[0]
    spam, closed, merged, target = receive(), receive(), receive(), receive()
    set_spam(spam, True, by=bob)
    change.set_status(closed, Status.objects.get(key="closed"), by=bob)
    Ticket.objects.filter(pk=merged.pk).update(merged_into=target)
    follow()
    assert assignees() == ["–", "–", "–", "Bob"]


def test_nobody_is_overruled(receive: Receive, team: list[Agent]) -> None:
    """Neither whoever was chosen before the worker came, nor who gave the ticket back to nobody."""
    bob, _dee, ed = team
    first, second = receive(), receive()
    change.assign(first, ed, by=bob)
    change.assign(second, ed, by=bob)
    change.assign(second, None, by=bob)
    follow()
    assert assignees() == ["Ed", "–"]
    third = receive()
    follow()
    third.refresh_from_db()
    change.assign(third, None, by=bob)
    change.note(third, "Nobody, please.", by=bob)
    follow()
    assert assignees() == ["Ed", "–", "–"]


def test_a_ticket_moved_into_the_queue_without_an_assignee_is_given(
    receive: Receive, team: list[Agent], sales: Queue, support: Queue, admin: Agent
) -> None:
    ticket = receive(to="sales@example.org")
    follow()
    assert assignees() == ["–"]
    change.move(ticket, support, by=admin)
    follow()
    assert assignees() == ["Bob"]


def test_a_ticket_that_was_there_before_the_setting_is_left_alone(receive: Receive, team: list[Agent]) -> None:
    Queue.objects.update(auto_assign=Mode.NONE)
    ticket = receive()
    follow()
    Queue.objects.update(auto_assign=Mode.ROUND_ROBIN)
    change.note(ticket, "Still nobody's.", by=team[0])
    follow()
    assert assignees() == ["–"]


def test_a_step_that_is_repeated_gives_nothing_twice(receive: Receive, team: list[Agent]) -> None:
    receive()
    changes = list(Change.objects.all())
    assign_in_turn(changes)
    moment = Membership.objects.exclude(assigned_at=None).get().assigned_at
    assign_in_turn(changes)
    assert assignees() == ["Bob"]
    assert Membership.objects.exclude(assigned_at=None).get().assigned_at == moment
    assert Ticket.objects.get().history.filter(code="assigned_in_turn").count() == 1


def test_many_tickets_cost_no_more_queries_than_one(receive: Receive, team: list[Agent]) -> None:
    def cost(number: int) -> int:
        for _ in range(number):
            receive()
        changes = list(Change.objects.filter(is_followed=False))
        with CaptureQueriesContext(connection) as queries:
            assign_in_turn(changes)
        Change.objects.update(is_followed=True)
        return len(queries)

    one = cost(1)
    assert cost(9) <= one
    assert Counter(assignees()) == {"Bob": 4, "Dee": 3, "Ed": 3}


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_two_workers_at_once_give_each_ticket_once(receive: Receive, team: list[Agent]) -> None:
    """A lease that ran out while its worker was stuck: both have the same changes in hand."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite in memory has one writer; its transactions wait for each other")
    for _ in range(6):
        receive()
    changes = list(Change.objects.all())
    start = threading.Barrier(2)

    def work(_number: int) -> None:
        start.wait()
        try:
            assign_in_turn(changes)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, range(2)))
    for ticket in Ticket.objects.all():
        assert ticket.assignee is not None
        assert ticket.history.filter(code="assigned_in_turn").count() == 1
