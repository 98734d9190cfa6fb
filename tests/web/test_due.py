"""The due clock in rows and in the head of a ticket, and the service level on its side."""

from datetime import datetime, timedelta

import pytest
from django.test import Client

from postvak.models import Agent, Calendar, Channel, Lease, Mailbox, Sla, Status, Ticket
from postvak.tickets.aftermath import follow_changes
from postvak.tickets.answer import Answer, answer
from postvak.tickets.change import set_status
from postvak.tickets.sla.rules import ALWAYS
from postvak.web.due import DueClock, due_clock, duration, service_level
from tests.clock import Clock
from tests.mails import mail
from tests.tickets.sla.conftest import OFFICE
from tests.web.test_desk import page, receive

pytestmark = pytest.mark.django_db


@pytest.fixture
def gold(db: None) -> Sla:
    always = Calendar.objects.create(name="Always", hours=ALWAYS, time_zone="UTC")
    return Sla.objects.create(name="Gold", calendar=always, first_answer=60, next_answer=120, solution=1440)


@pytest.fixture
def ticket(clock: Clock, gold: Sla, mailbox: Mailbox, bob: Agent) -> Ticket:
    row = receive(mailbox, mail())
    follow()
    return fresh(row)


def follow() -> None:
    for _round in range(3):
        Lease.objects.all().delete()
        follow_changes("test:1:x")


def fresh(ticket: Ticket) -> Ticket:
    return Ticket.objects.select_related("sla__calendar", "status").get(pk=ticket.pk)


def shown(ticket: Ticket) -> DueClock:
    clock = due_clock(fresh(ticket))
    assert clock is not None
    return clock


def states(ticket: Ticket) -> list[tuple[str, str]]:
    return [(line.label, line.state) for line in service_level(fresh(ticket))]


def test_a_clock_is_calm_until_little_time_is_left_and_late_with_a_minus(clock: Clock, ticket: Ticket) -> None:
    assert (shown(ticket).text, shown(ticket).words, shown(ticket).tone) == ("1h", "in 1h", "")
    clock.advance(minutes=44)
    assert shown(ticket).tone == ""
    clock.advance(minutes=2)
    assert (shown(ticket).text, shown(ticket).tone) == ("14m", "warn")
    assert shown(ticket).sentence.startswith("The first answer is due at")
    clock.advance(minutes=94)
    assert (shown(ticket).text, shown(ticket).words, shown(ticket).tone) == ("−1h 20m", "1h 20m late", "alert")
    assert shown(ticket).sentence.startswith("The first answer was due at")


def test_the_colour_goes_by_business_time_not_by_the_clock_on_the_wall(clock: Clock, ticket: Ticket) -> None:
    """Ten minutes before closing on Friday with four hours to go: on Monday morning nearly all of them are left."""
    clock.now = datetime.fromisoformat("2026-11-23T09:05:00+01:00")
    office = Calendar.objects.create(name="Office", time_zone="Europe/Amsterdam", hours=OFFICE)
    due = datetime.fromisoformat("2026-11-23T12:50:00+01:00")
    Sla.objects.update(calendar=office, first_answer=240)
    Ticket.objects.update(created_at=clock.now - timedelta(days=3), first_due_at=due, due_at=due)
    assert shown(ticket).tone == ""
    clock.now = due - timedelta(minutes=59)
    assert shown(ticket).tone == "warn"


def test_rows_and_head_show_the_clock_without_a_query_more(
    client: Client, clock: Clock, ticket: Ticket, bob: Agent, django_assert_max_num_queries
) -> None:
    client.force_login(bob)
    clock.advance(minutes=80)
    for url in ("/list/open/", f"/tickets/{ticket.number}/"):
        html = page(client, url)
        assert 'class="due" data-tone="alert"' in html
        assert "The first answer was due at" in html
    assert "20m late" in html
    rows = [fresh(ticket)]
    with django_assert_max_num_queries(0):
        assert [due_clock(row) for row in rows]


def test_the_side_shows_each_target_as_it_stands(
    client: Client, clock: Clock, ticket: Ticket, bob: Agent, channel: Channel, mailbox: Mailbox
) -> None:
    client.force_login(bob)
    assert states(ticket) == [("First answer", "in 1h"), ("Solved", "in 1d")]
    assert "within 1 hour" in page(client, f"/tickets/{ticket.number}/side/")
    clock.advance(minutes=20)
    sent = answer(ticket, Answer(to=("ann@customer.example",), text="Hi", status_key="open"), by=bob)
    follow()
    assert states(ticket) == [
        ("First answer", "Answered in time"), ("Next answer", "Nobody waits for one"), ("Solved", "in 23h 40m"),
    ]  # fmt: skip
    clock.advance(minutes=20)
    receive(mailbox, mail(message_id="m2@customer.example", in_reply_to=f"<{sent.message_id}>"))
    follow()
    clock.advance(hours=3)
    assert states(ticket)[1] == ("Next answer", "1h late")
    set_status(fresh(ticket), Status.objects.get(key="customer"), by=bob)
    follow()
    assert states(ticket)[2] == ("Solved", "The clock stands still")
    set_status(fresh(ticket), Status.objects.get(key="closed"), by=bob)
    follow()
    assert states(ticket) == [("First answer", "Answered in time"), ("Solved", "Solved in time")]


def test_an_answer_is_judged_without_the_time_that_the_ticket_waited_before_it(
    clock: Clock, ticket: Ticket, bob: Agent, channel: Channel
) -> None:
    clock.advance(minutes=30)
    for key, hours in (("customer", 5), ("open", 0)):
        set_status(fresh(ticket), Status.objects.get(key=key), by=bob)
        follow()
        clock.advance(hours=hours)
    clock.advance(minutes=29)
    answer(fresh(ticket), Answer(to=("ann@customer.example",), text="Hi"), by=bob)
    follow()
    assert states(ticket)[0] == ("First answer", "Answered in time")
    earlier = ticket.created_at - timedelta(minutes=2)
    Ticket.objects.update(created_at=earlier, waited=99 * 3600)  # what it waited later doesn't count
    assert states(ticket)[0] == ("First answer", "Answered late")


def test_a_ticket_without_a_level_has_neither_clock_nor_block(client: Client, mailbox: Mailbox, bob: Agent) -> None:
    ticket = receive(mailbox, mail())
    client.force_login(bob)
    assert due_clock(ticket) is None
    assert 'class="due"' not in page(client, f"/tickets/{ticket.number}/")
    assert "Service level" not in page(client, f"/tickets/{ticket.number}/side/")


@pytest.mark.parametrize(
    ("minutes", "day", "words"),
    [
        (30, 480, "30 minutes"),
        (60, 480, "1 hour"),
        (480, 480, "1 business day"),
        (960, 480, "2 business days"),
        (1440, 1440, "1 business day"),
    ],
)
def test_durations_are_said_in_the_largest_unit_that_fits(minutes: int, day: int, words: str) -> None:
    assert duration(minutes, day) == words
