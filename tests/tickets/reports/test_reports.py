"""Figures of reports: days on the reader's clock, business hours, rights, and what counts as work."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import timezone

from postvak.models import Agent, Calendar, Message, Queue, Rating, Sla, Status, Ticket
from postvak.tickets.change import set_status
from postvak.tickets.ratings import rate
from postvak.tickets.reports import standing, times, traffic
from postvak.tickets.reports.asked import Asked
from tests.clock import Clock

pytestmark = pytest.mark.django_db

MONDAY = date(2026, 11, 16)
Receive = Callable[..., Ticket]


@pytest.fixture
def asked(admin: Agent) -> Asked:
    """Monday to Sunday, everything."""
    return Asked(admin, MONDAY, MONDAY + timedelta(days=6))


@pytest.fixture
def at(clock: Clock) -> Callable[[datetime], None]:
    def moved(moment: datetime) -> None:
        clock.advance(seconds=(moment - timezone.now()).total_seconds())

    return moved


def test_days_are_those_of_the_readers_clock(receive: Receive, asked: Asked, at: Callable[[datetime], None]) -> None:
    at(datetime(2026, 11, 16, 22, 30, tzinfo=UTC))  # 23:30 in Amsterdam
    receive()
    at(datetime(2026, 11, 16, 23, 30, tzinfo=UTC))  # Tuesday there
    receive()
    receive()
    days = {day.day: day.mails_in for day in traffic.per_day(asked)}
    assert [days[MONDAY + timedelta(days=number)] for number in range(3)] == [1, 2, 0]
    assert traffic.busiest(asked) == {(0, 23): 1, (1, 0): 2}
    assert traffic.peak(traffic.busiest(asked)) == (1, 0)


def test_the_backlog_ends_with_what_is_open_now(
    receive: Receive, asked: Asked, at: Callable[[datetime], None], bob: Agent
) -> None:
    at(datetime(2026, 11, 10, 9, tzinfo=UTC))
    old = receive()
    at(datetime(2026, 11, 16, 9, tzinfo=UTC))
    receive()
    at(datetime(2026, 11, 18, 9, tzinfo=UTC))
    set_status(old, Status.objects.get(key="closed"), by=bob)
    days = traffic.per_day(asked)
    assert [day.backlog for day in days] == [2, 2, 1, 1, 1, 1, 1]
    assert [(day.opened, day.closed) for day in days[:3]] == [(1, 0), (0, 0), (0, 1)]


def test_spam_trash_and_tickets_of_other_queues_are_no_work_of_ours(
    receive: Receive, asked: Asked, cas: Agent, at: Callable[[datetime], None]
) -> None:
    at(datetime(2026, 11, 16, 9, tzinfo=UTC))
    first, second = receive(), receive()
    Ticket.objects.filter(pk=first.pk).update(is_spam=True)
    Ticket.objects.filter(pk=second.pk).update(status=Status.objects.get(key="trash"), is_open=False)
    third = receive()
    assert sum(queue.number for queue in standing.open_by_queue(asked)) == 1
    theirs = Asked(cas, asked.first, asked.last)
    assert standing.open_by_queue(theirs) == []
    assert traffic.total(traffic.per_day(theirs), "mails_in") == 0
    Ticket.objects.filter(pk=third.pk).update(queue=Queue.objects.get(name="Sales"), is_private=True)
    assert standing.open_by_queue(theirs) == [], "a private ticket of somebody else"


def test_the_first_answer_is_measured_in_business_hours(
    receive: Receive, asked: Asked, at: Callable[[datetime], None]
) -> None:
    hours = {str(day): [["09:00", "17:00"]] for day in range(5)}
    calendar = Calendar.objects.create(name="Office", hours=hours)
    sla = Sla.objects.create(name="Usual", calendar=calendar, first_answer=60)
    for minutes, start in ((30, 16), (90, 17)):
        at(datetime(2026, 11, start, 15, 45, tzinfo=UTC))  # 15 minutes before closing
        ticket = receive()
        answered = datetime(2026, 11, start + 1, 8, tzinfo=UTC) + timedelta(minutes=minutes - 15)
        Ticket.objects.filter(pk=ticket.pk).update(first_answered_at=answered, sla=sla)
    found = times.first_answers(asked, times.clocks())
    assert (found.number, found.median, found.p90) == (2, 30 * 60, 90 * 60)
    assert (found.with_target, found.in_time) == (2, 1)
    assert [monday for monday, _times in times.weekly_first_answers(asked, times.clocks())] == [MONDAY]


@pytest.mark.parametrize(
    ("lengths", "percent", "wanted"),
    [([], 50, None), ([7], 50, 7), ([7], 90, 7), ([1, 2, 3, 4], 50, 2), (list(range(1, 11)), 90, 9), ([1, 9], 90, 9)],
)
def test_percentiles_are_values_that_occurred(lengths: list[int], percent: int, wanted: int | None) -> None:
    assert times.percentile(lengths, percent) == wanted


def test_reopened_tickets_are_counted_once(
    receive: Receive, asked: Asked, bob: Agent, at: Callable[[datetime], None]
) -> None:
    at(datetime(2026, 11, 16, 9, tzinfo=UTC))
    first, second = receive(), receive()
    closed, opened = Status.objects.get(key="closed"), Status.objects.get(key="open")
    for ticket in (first, second):
        set_status(ticket, closed, by=bob)
    for status in (opened, closed, opened):
        set_status(first, status, by=bob)
    assert standing.reopened(asked) == standing.Share(1, 2)
    assert standing.reopened(asked).percent == 50


def test_ratings_of_the_period_are_averaged_and_the_last_one_of_a_ticket_counts(
    receive: Receive, asked: Asked, at: Callable[[datetime], None]
) -> None:
    at(datetime(2026, 11, 16, 9, tzinfo=UTC))
    first, second = receive(), receive()
    rate(first, Rating.Value.BAD, "")
    rate(first, Rating.Value.GOOD, "better now")
    rate(second, Rating.Value.FAIR, "")
    found = standing.satisfaction(asked)
    assert (found.number, found.average, found.by_value) == (2, 2.5, {1: 0, 2: 1, 3: 1})
    with pytest.raises(ValueError, match="9"):
        rate(first, 9, "")


def test_notes_and_internal_mails_are_neither_in_nor_out(
    receive: Receive, asked: Asked, bob: Agent, at: Callable[[datetime], None]
) -> None:
    at(datetime(2026, 11, 16, 9, tzinfo=UTC))
    ticket = receive()
    Message.objects.create(ticket=ticket, kind="note", agent=bob, created_at=timezone.now(), text="Note")
    day = traffic.per_day(asked)[0]
    assert (day.mails_in, day.answers_out) == (1, 0)
