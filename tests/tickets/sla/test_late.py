"""Late tickets are told once; an edited service level or calendar is reckoned anew, in batches that survive a kill."""

from datetime import datetime, timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection

from postvak.log.sentences import history_line
from postvak.models import Agent, Calendar, Change, Lease, Notification, Queue, Sla, Status, Ticket
from postvak.tickets import aftermath
from postvak.tickets.change import set_status
from postvak.tickets.sla.again import after_calendar, after_edit, reckon_again
from postvak.tickets.sla.late import tell_late_ones
from tests.clock import Clock
from tests.tickets.conftest import Receive
from tests.tickets.sla.conftest import Follow, fresh

pytestmark = pytest.mark.django_db


def late_lines(ticket: Ticket) -> list[str]:
    return list(ticket.history.filter(code__startswith="late").values_list("code", flat=True))


def test_a_late_ticket_is_told_once_for_each_target(
    clock: Clock, gold: Sla, ticket: Ticket, follow: Follow, bob: Agent
) -> None:
    Ticket.objects.update(assignee=bob)
    follow()
    assert tell_late_ones(clock.now) == 0
    clock.advance(minutes=60)
    assert [tell_late_ones(clock.now) for _again in range(2)] == [1, 0]
    follow()
    assert tell_late_ones(clock.now) == 0
    assert late_lines(ticket) == ["late_first"]
    assert Notification.objects.get(kind="late").agent == bob
    clock.advance(hours=24)
    assert tell_late_ones(clock.now) == 0  # the first answer is still what is due
    line = ticket.history.get(code="late_first")
    assert "first answer was due at" in history_line(line.code, line.parameters)


def test_what_is_no_longer_due_is_forgotten_and_a_later_target_is_told_again(
    clock: Clock, gold: Sla, ticket: Ticket, follow: Follow, bob: Agent
) -> None:
    follow()
    clock.advance(hours=2)
    tell_late_ones(clock.now)
    set_status(fresh(ticket), Status.objects.get(key="customer"), by=bob)
    follow()
    assert fresh(ticket).late_told_at is None
    assert tell_late_ones(clock.now) == 0
    Sla.objects.update(first_answer=None)
    set_status(fresh(ticket), Status.objects.get(key="open"), by=bob)
    follow()
    clock.advance(hours=30)
    assert tell_late_ones(clock.now) == 1
    assert late_lines(ticket) == ["late_first", "late_solution"]


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time anyway")
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_two_workers_tell_it_once_together(gold: Sla, receive: Receive) -> None:
    past = datetime.fromisoformat("2026-01-01T10:00:00+00:00")
    for _number in range(4):
        Ticket.objects.filter(pk=receive().pk).update(due_at=past, first_due_at=past)
    together, told = Barrier(2), []

    def work() -> None:
        together.wait()
        told.append(tell_late_ones(past + timedelta(hours=1)))
        connection.close()

    threads = [Thread(target=work) for _number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(told) <= 4
    tell_late_ones(past + timedelta(hours=1))
    assert all(late_lines(ticket) == ["late_first"] for ticket in Ticket.objects.all())


# ---- reckoning anew ------------------------------------------------------------


def tickets(queue: Queue, count: int) -> list[Ticket]:
    now, opened = datetime.fromisoformat("2026-11-20T10:00:00+00:00"), Status.objects.get(key="open")
    return Ticket.objects.bulk_create(
        Ticket(number=f"{queue.pk}-{n}", subject="x", queue=queue, status=opened, created_at=now, changed_at=now)
        for n in range(count)
    )


def test_an_edited_target_moves_all_open_tickets_also_over_many_batches(
    gold: Sla, support: Queue, follow: Follow
) -> None:
    rows = tickets(support, 450)
    follow()
    Sla.objects.update(solution=60)
    assert after_edit(Sla.objects.get(), queues_before=set()) == 450
    follow()
    assert {ticket.solution_due_at for ticket in Ticket.objects.all()} == {rows[0].created_at + timedelta(hours=1)}


def test_a_worker_that_is_killed_leaves_the_rest_to_the_next(
    gold: Sla, support: Queue, follow: Follow, monkeypatch: pytest.MonkeyPatch
) -> None:
    tickets(support, 450)
    follow()
    Sla.objects.update(solution=60)
    reckon_again()
    aftermath.follow_changes("test:1:x")

    def killed(_changes: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(aftermath, "STEPS", (*aftermath.STEPS, killed))
        with pytest.raises(KeyboardInterrupt):
            aftermath.follow_changes("test:1:x")
    Lease.objects.all().delete()
    follow()
    assert len({ticket.solution_due_at for ticket in Ticket.objects.all()}) == 1


def test_only_tickets_that_an_edit_concerns_are_reckoned(
    gold: Sla, office: Calendar, support: Queue, sales: Queue, follow: Follow
) -> None:
    tickets(support, 3), tickets(sales, 2)
    follow()
    new = Sla.objects.create(name="Sales", calendar=office, position=-0, solution=5)
    new.queues.add(sales)
    assert after_edit(new, queues_before=None) == 2
    assert after_edit(gold, queues_before={support.pk}) == 5  # it is for all queues now
    assert after_calendar(gold.calendar) == 5
    assert after_calendar(office) == 0
    Ticket.objects.filter(queue=sales).update(is_open=False)
    assert reckon_again() == 3
    assert Change.objects.filter(is_followed=False).count() > 0
