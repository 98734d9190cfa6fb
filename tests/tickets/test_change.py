"""The verbs on a ticket: each change with its line of history, or nothing at all."""

from datetime import timedelta

import pytest
from django.utils import timezone

from postvak.models import Agent, History, Mailbox, Priority, Queue, Status, Ticket
from postvak.process.run import process_due
from postvak.receive.accept import Arrived, accept
from postvak.tickets.change import assign, mark_read, move, note, set_priority, set_status
from tests.clock import Clock
from tests.mails import mail

pytestmark = pytest.mark.django_db


@pytest.fixture
def ticket(mailbox: Mailbox, support: Queue) -> Ticket:
    accept(mailbox, [Arrived("change/1", mail())])
    process_due("test:1:x")
    return Ticket.objects.get()


def level(number: int) -> Priority:
    return Priority.objects.get(level=number)


def status(key: str) -> Status:
    return Status.objects.get(key=key)


def history(ticket: Ticket) -> list[tuple[str, str, dict[str, object]]]:
    """Code, agent and parameters of what people did."""
    rows = History.objects.filter(ticket=ticket).exclude(agent=None)
    return list(rows.values_list("code", "agent__name", "parameters"))


def test_closing_writes_history_and_ends_the_waiting(ticket: Ticket, bob: Agent, clock: Clock) -> None:
    clock.advance(hours=1)
    set_status(ticket, status("closed"), by=bob)
    ticket.refresh_from_db()
    assert (ticket.status.key, ticket.is_open, ticket.waiting_since) == ("closed", False, None)
    assert ticket.changed_at == clock.now
    assert history(ticket) == [("status", "Bob Baker", {"old": "new", "new": "closed"})]


@pytest.mark.parametrize(
    ("key", "is_open", "waits"),
    [
        ("open", True, True),
        ("clarify", True, True),
        ("customer", True, False),
        ("internal", True, False),
        ("trash", False, False),
    ],
)
def test_a_status_says_whether_the_ticket_is_open_and_the_customer_waits(
    ticket: Ticket, bob: Agent, key: str, is_open: bool, waits: bool
) -> None:
    set_status(ticket, status(key), by=bob)
    ticket.refresh_from_db()
    assert (ticket.is_open, ticket.waiting_since is not None) == (is_open, waits)


def test_reopening_does_not_start_the_waiting(ticket: Ticket, bob: Agent) -> None:
    set_status(ticket, status("closed"), by=bob)
    set_status(ticket, status("open"), by=bob)
    ticket.refresh_from_db()
    assert (ticket.is_open, ticket.waiting_since) == (True, None)


def test_a_status_with_a_name_of_its_own_is_called_so_in_the_history(ticket: Ticket, bob: Agent) -> None:
    Status.objects.filter(key="closed").update(name="Ready")
    set_status(ticket, status("closed"), by=bob)
    assert history(ticket)[0][2] == {"old": "new", "new": "Ready"}


def test_a_priority_is_written_with_history(ticket: Ticket, bob: Agent) -> None:
    set_priority(ticket, level(5), by=bob)
    ticket.refresh_from_db()
    assert ticket.priority == level(5)
    assert history(ticket) == [("priority", "Bob Baker", {"old": 3, "new": 5})]


def test_a_priority_with_a_name_of_its_own_is_called_so_in_the_history(ticket: Ticket, bob: Agent) -> None:
    Priority.objects.filter(level=5).update(name="Now!")
    set_priority(ticket, level(5), by=bob)
    assert history(ticket)[0][2] == {"old": 3, "new": "Now!"}


def test_assigning_and_giving_back_are_written_with_names(ticket: Ticket, bob: Agent, admin: Agent) -> None:
    assign(ticket, bob, by=admin)
    ticket.refresh_from_db()
    assert ticket.assignee == bob
    assign(ticket, None, by=bob)
    ticket.refresh_from_db()
    assert ticket.assignee is None
    assert history(ticket) == [
        ("assignee", "Eva Admin", {"old": "–", "new": "Bob Baker"}),
        ("assignee", "Bob Baker", {"old": "Bob Baker", "new": "–"}),
    ]


def test_who_may_not_read_the_queue_can_not_get_its_ticket(ticket: Ticket, bob: Agent, cas: Agent) -> None:
    with pytest.raises(ValueError, match="Cas de Vries doesn't work in queue Support"):
        assign(ticket, cas, by=bob)
    ticket.refresh_from_db()
    assert (ticket.assignee, history(ticket)) == (None, [])


def test_an_agent_who_left_can_not_get_a_ticket(ticket: Ticket, bob: Agent, admin: Agent) -> None:
    Agent.objects.filter(pk=bob.pk).update(is_active=False)
    with pytest.raises(ValueError, match="Bob Baker"):
        assign(ticket, bob, by=admin)


def test_an_administrator_can_get_any_ticket(ticket: Ticket, bob: Agent, admin: Agent) -> None:
    assign(ticket, admin, by=bob)
    ticket.refresh_from_db()
    assert ticket.assignee == admin


def test_a_move_keeps_an_assignee_who_may_read_the_new_queue(ticket: Ticket, bob: Agent, sales: Queue) -> None:
    sales.members.add(bob)
    assign(ticket, bob, by=bob)
    move(ticket, sales, by=bob)
    ticket.refresh_from_db()
    assert (ticket.queue, ticket.assignee) == (sales, bob)
    assert history(ticket)[-1] == ("queue", "Bob Baker", {"old": "Support", "new": "Sales"})


def test_a_move_takes_the_ticket_from_an_assignee_who_may_not_read_the_new_queue(
    ticket: Ticket, bob: Agent, sales: Queue
) -> None:
    assign(ticket, bob, by=bob)
    move(ticket, sales, by=bob)
    ticket.refresh_from_db()
    assert (ticket.queue, ticket.assignee) == (sales, None)


def test_what_changes_nothing_writes_nothing(ticket: Ticket, bob: Agent, support: Queue) -> None:
    before = Ticket.objects.values().get()
    set_status(ticket, ticket.status, by=bob)
    set_priority(ticket, ticket.priority, by=bob)
    assign(ticket, None, by=bob)
    move(ticket, support, by=bob)
    assert history(ticket) == []
    assert Ticket.objects.values().get() == before


def test_a_note_is_counted_and_ends_nothing(ticket: Ticket, bob: Agent) -> None:
    message = note(ticket, "  She called, too.\n", by=bob)
    assert (message.kind, message.text, message.agent, message.blob) == ("note", "She called, too.", bob, None)
    ticket.refresh_from_db()
    assert ticket.message_count == 2
    assert ticket.preview == "Hello, my lamp flickers."
    assert ticket.waiting_since is not None
    assert history(ticket) == [("noted", "Bob Baker", {})]


@pytest.mark.parametrize("text", ["", " \n\t "])
def test_a_note_without_text_is_refused(ticket: Ticket, bob: Agent, text: str) -> None:
    with pytest.raises(ValueError, match="text"):
        note(ticket, text, by=bob)
    assert ticket.messages.count() == 1


def test_a_note_counts_what_arrived_meanwhile(ticket: Ticket, bob: Agent, mailbox: Mailbox) -> None:
    """The page that Bob writes on is older than the newest mail."""
    accept(mailbox, [Arrived("change/2", mail(message_id="m2@x.example", in_reply_to="<m1@customer.example>"))])
    process_due("test:1:x")
    note(ticket, "Too late.", by=bob)
    ticket.refresh_from_db()
    assert ticket.message_count == 3


def test_reading_a_ticket_does_not_change_its_place_in_the_list(ticket: Ticket) -> None:
    changed_at = ticket.changed_at
    assert ticket.is_unread
    mark_read(ticket)
    ticket.refresh_from_db()
    assert (ticket.is_unread, ticket.changed_at) == (False, changed_at)


def test_a_ticket_read_already_is_not_written_to(
    ticket: Ticket, django_assert_num_queries: pytest.FixtureRequest
) -> None:
    Ticket.objects.update(is_unread=False)
    ticket.refresh_from_db()
    with django_assert_num_queries(0):  # type: ignore[operator]
        mark_read(ticket)


def test_a_change_does_not_undo_what_another_changed_meanwhile(ticket: Ticket, bob: Agent) -> None:
    stale = Ticket.objects.get()
    set_priority(ticket, level(5), by=bob)
    set_status(stale, status("closed"), by=bob)
    ticket.refresh_from_db()
    assert (ticket.priority_id, ticket.status.key) == (5, "closed")


def test_the_history_is_in_the_order_of_the_changes(ticket: Ticket, bob: Agent, clock: Clock) -> None:
    for priority in (4, 5, 1):
        clock.advance(seconds=1)
        set_priority(ticket, level(priority), by=bob)
    assert [line[2]["new"] for line in history(ticket)] == [4, 5, 1]
    last = ticket.history.last()
    assert last is not None
    assert timezone.now() - last.at < timedelta(seconds=1)
