"""Notices: who is told of what, and of what he is not."""

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from postvak.models import Agent, Change, Channel, Delivery, Notification, OutgoingMail, Queue, Rule, Ticket
from postvak.send.record import refresh_answer
from postvak.tickets import change
from postvak.tickets.aftermath import follow_changes
from postvak.tickets.answer import Answer, answer
from postvak.tickets.notices import forget, mark_read
from postvak.tickets.properties import set_following, set_pending, set_spam
from postvak.tickets.rules.telling import tell_changes, tell_late, tell_reminded
from tests.tickets.conftest import Receive

pytestmark = pytest.mark.django_db
NOW = timezone.now()
Told = set[tuple[str, str]]


@pytest.fixture(autouse=True)
def no_bell_for_new_tickets(db: None) -> None:
    """All members would hear of each; tests/tickets/rules are about that."""
    Rule.objects.filter(key="opened").update(is_on=False)


@pytest.fixture
def dee(support: Queue) -> Agent:
    agent = Agent.objects.create_user("dee@example.org", "correct horse battery", name="Dee Dahl")
    support.members.add(agent)
    return agent


@pytest.fixture
def ticket(receive: Receive, bob: Agent) -> Ticket:
    """Bob's, and nobody was told anything yet."""
    ticket = receive()
    change.assign(ticket, bob, by=bob)
    settle()
    return ticket


def settle() -> None:
    """All is followed up and read."""
    follow()
    Notification.objects.all().delete()


def follow() -> None:
    while follow_changes("test:1:x"):
        pass


def told() -> Told:
    """(first name, kind) of what is unread, after the worker came by."""
    follow()
    rows = Notification.objects.filter(read_at=None).select_related("agent")
    return {(row.agent.name.split()[0], row.kind) for row in rows}


def write_again(receive: Receive, ticket: Ticket, **headers: str) -> None:
    first = ticket.messages.order_by("pk")[0]
    receive(in_reply_to=f"<{first.message_id}>", **headers)


# ---- who is told what ------------------------------------------------------------


def test_a_ticket_that_somebody_gives_you_rings_and_one_that_you_take_does_not(
    receive: Receive, bob: Agent, dee: Agent
) -> None:
    change.assign(receive(), dee, by=bob)
    change.assign(receive(), bob, by=bob)
    assert told() == {("Dee", "assigned")}
    assert Notification.objects.get().by == bob


def test_a_ticket_given_in_turn_rings_once(receive: Receive, bob: Agent) -> None:
    Queue.objects.update(auto_assign=Queue.AutoAssign.ROUND_ROBIN)
    receive()
    assert follow_changes("test:1:x")
    first = Notification.objects.get()
    assert told() == {("Bob", "assigned")}
    assert Notification.objects.get() == first


def test_a_customer_who_writes_again_is_told_to_assignee_and_followers(
    receive: Receive, ticket: Ticket, dee: Agent
) -> None:
    set_following(ticket, dee, True)
    write_again(receive, ticket)
    assert told() == {("Bob", "answered"), ("Dee", "followed")}
    assert {row.by for row in Notification.objects.all()} == {None}


def test_what_a_machine_writes_rings_for_nobody(receive: Receive, ticket: Ticket) -> None:
    write_again(receive, ticket, auto_submitted="auto-replied")
    assert ticket.messages.count() == 2
    assert told() == set()


def test_a_note_rings_for_assignee_followers_and_mentioned_but_never_its_author(
    ticket: Ticket, bob: Agent, dee: Agent, admin: Agent
) -> None:
    set_following(ticket, admin, True)
    change.note(ticket, "Look, @Dee Dahl", by=bob)
    assert told() == {("Eva", "followed"), ("Dee", "mentioned")}
    settle()
    change.note(ticket, "Seen.", by=dee)
    assert told() == {("Eva", "followed"), ("Bob", "noted")}


def test_one_note_is_told_by_its_strongest_reason(ticket: Ticket, bob: Agent, dee: Agent) -> None:
    set_following(ticket, bob, True)
    change.note(ticket, "@Bob Baker, please", by=dee)
    assert told() == {("Bob", "mentioned")}


def test_an_answer_of_a_colleague_is_news_for_followers(
    ticket: Ticket, dee: Agent, admin: Agent, channel: Channel
) -> None:
    set_following(ticket, admin, True)
    set_following(ticket, dee, True)
    answer(ticket, Answer(to=("ann@customer.example",), text="Hi"), by=dee)
    assert told() == {("Eva", "followed")}


def undeliver(at: datetime) -> None:
    Delivery.objects.update(state=Delivery.State.FAILED, changed_at=at)
    Ticket.objects.update(changed_at=at)
    refresh_answer(OutgoingMail.objects.get().message.ticket_id)


def test_an_answer_that_is_not_delivered_rings_for_assignee_and_writer_as_often_as_it_fails(
    ticket: Ticket, bob: Agent, dee: Agent, channel: Channel
) -> None:
    answer(ticket, Answer(to=("ann@customer.example",), text="Hi"), by=dee)
    settle()
    failed_at = timezone.now()
    undeliver(failed_at)
    assert told() == {("Bob", "undelivered"), ("Dee", "undelivered")}
    mark_read(bob)
    change.note(ticket, "I will call her.", by=bob)
    assert told() == {("Dee", "undelivered")}
    undeliver(failed_at + timedelta(minutes=5))
    assert told() == {("Bob", "undelivered"), ("Dee", "undelivered")}


def test_a_late_ticket_is_told_to_its_assignee_or_to_the_leads(
    receive: Receive, ticket: Ticket, dee: Agent, support: Queue
) -> None:
    support.membership_set.filter(agent=dee).update(is_lead=True)
    alone = receive(subject="Nobody's")
    settle()
    Ticket.objects.update(due_at=NOW)
    tell_late(Ticket.objects.all())
    tell_late(Ticket.objects.all())
    rows = Notification.objects.all()
    assert {(row.agent.name, row.ticket_id) for row in rows} == {("Bob Baker", ticket.pk), ("Dee Dahl", alone.pk)}
    mark_read(dee)
    tell_late(Ticket.objects.all())
    assert told() == {("Bob", "late")}
    Ticket.objects.update(due_at=NOW + timedelta(hours=1))
    tell_late(Ticket.objects.all())
    assert told() == {("Bob", "late"), ("Dee", "late")}


def test_a_reminder_is_told_to_the_assignee_or_to_who_set_it(receive: Receive, ticket: Ticket, dee: Agent) -> None:
    alone = receive(subject="Nobody's")
    for one in (ticket, alone):
        set_pending(one, NOW, by=dee)
    settle()
    tell_reminded(Ticket.objects.all())
    tell_reminded(Ticket.objects.all())
    assert told() == {("Bob", "reminded"), ("Dee", "reminded")}


# ---- who is not ------------------------------------------------------------


def test_who_may_not_read_the_ticket_hears_nothing(receive: Receive, ticket: Ticket, cas: Agent, dee: Agent) -> None:
    ticket.followers.add(cas, dee)
    Ticket.objects.update(is_private=True)
    write_again(receive, ticket)
    assert told() == {("Bob", "answered")}


def test_spam_rings_for_nobody(receive: Receive, ticket: Ticket, bob: Agent) -> None:
    set_spam(ticket, True, by=bob)
    write_again(receive, ticket)
    assert told() == set()


# ---- out of office ------------------------------------------------------------


def test_the_substitute_hears_what_the_absent_colleague_would(
    receive: Receive, ticket: Ticket, bob: Agent, dee: Agent, admin: Agent
) -> None:
    Agent.objects.filter(pk=bob.pk).update(away_until=NOW + timedelta(days=3), substitute=dee)
    write_again(receive, ticket)
    assert told() == {("Bob", "answered"), ("Dee", "answered")}
    settle()
    change.note(ticket, "Done for Bob.", by=dee)
    assert told() == {("Bob", "noted")}
    settle()
    other = receive(subject="Another")
    change.assign(other, bob, by=admin)
    assert told() == {("Bob", "assigned"), ("Dee", "assigned")}


def test_a_substitute_of_somebody_who_is_in_hears_nothing(
    receive: Receive, ticket: Ticket, bob: Agent, dee: Agent
) -> None:
    Agent.objects.filter(pk=bob.pk).update(substitute=dee)
    write_again(receive, ticket)
    assert told() == {("Bob", "answered")}


# ---- once ------------------------------------------------------------


def test_a_step_that_is_repeated_does_not_ring_twice_read_or_not(
    receive: Receive, ticket: Ticket, bob: Agent, dee: Agent
) -> None:
    """A worker is killed after writing and before marking; meanwhile the agent reads his notice."""
    write_again(receive, ticket)
    change.note(ticket, "@Bob Baker!", by=dee)
    change.assign(ticket, dee, by=bob)
    change.assign(ticket, bob, by=dee)
    changes = list(Change.objects.filter(is_followed=False))
    tell_changes(changes)
    before = list(Notification.objects.order_by("pk").values_list("pk", "kind"))
    assert {kind for _pk, kind in before} == {"answered", "mentioned", "assigned"}
    tell_changes(changes)
    assert list(Notification.objects.order_by("pk").values_list("pk", "kind")) == before
    mark_read(bob)
    tell_changes(changes)
    tell_changes(changes[:1])
    assert list(Notification.objects.order_by("pk").values_list("pk", "kind")) == before


def test_of_one_kind_and_ticket_only_the_newest_is_unread(receive: Receive, ticket: Ticket, bob: Agent) -> None:
    write_again(receive, ticket)
    follow()
    first = Notification.objects.get()
    write_again(receive, ticket, text="And another thing")
    follow()
    second = Notification.objects.get()
    assert second.pk > first.pk
    assert second.message == ticket.messages.latest("pk")
    mark_read(bob)
    write_again(receive, ticket, text="And a third")
    follow()
    assert Notification.objects.filter(read_at=None).count() == 1
    assert Notification.objects.count() == 2


def test_many_changes_cost_no_more_queries_than_a_few(receive: Receive, bob: Agent, dee: Agent) -> None:
    def cost(number: int) -> int:
        tickets = [receive() for _ in range(number)]
        for one in tickets:
            change.assign(one, bob, by=dee)
            change.note(one, "@Bob Baker", by=dee)
        changes = list(Change.objects.filter(is_followed=False))
        with CaptureQueriesContext(connection) as queries:
            tell_changes(changes)
        Change.objects.update(is_followed=True)
        return len(queries)

    few = cost(1)
    assert cost(8) <= few <= 26


def test_an_empty_batch_asks_nothing(db: None) -> None:
    with CaptureQueriesContext(connection) as queries:
        tell_changes([])
    assert len(queries) == 0


def test_old_notices_go_read_ones_first(receive: Receive, ticket: Ticket, bob: Agent) -> None:
    write_again(receive, ticket)
    follow()
    assert forget(NOW + timedelta(days=179)) == 0, "nobody read it yet"
    assert forget(NOW + timedelta(days=181)) == 1
    write_again(receive, ticket)
    follow()
    mark_read(bob)
    assert forget(NOW + timedelta(days=29)) == 0
    assert forget(NOW + timedelta(days=31)) == 1
