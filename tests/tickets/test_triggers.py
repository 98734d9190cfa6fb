"""Triggers that keep the numbers of open tickets and tell what changed: every way of changing a ticket is noticed."""

import random
from collections import Counter

import pytest
from django.db import connection
from django.db.models import F

from postvak.models import Agent, Change, Mailbox, Queue, Status, Tally, TallyDelta, Ticket
from postvak.models.ledger_triggers import ledger_triggers
from postvak.models.talk_triggers import talk_triggers
from postvak.models.triggers import ticket_triggers
from postvak.process.run import process_due
from postvak.receive.accept import Arrived, accept
from postvak.tickets.tally import fold, recount
from tests.mails import mail

pytestmark = pytest.mark.django_db


@pytest.fixture
def ticket(mailbox: Mailbox, support: Queue) -> Ticket:
    accept(mailbox, [Arrived("triggers/1", mail())])
    process_due("test:1:x")
    return Ticket.objects.get()


def counted() -> Counter[tuple[int, int, int, bool]]:
    """By looking at every ticket."""
    tickets = Ticket.objects.filter(is_open=True, is_spam=False, merged_into=None)
    return Counter((t.queue_id, t.assignee_id or 0, t.status_id, t.is_private) for t in tickets)


def kept() -> Counter[tuple[int, int, int, bool]]:
    """By the numbers that are kept."""
    numbers: Counter[tuple[int, int, int, bool]] = Counter()
    for model in (Tally, TallyDelta):
        for row in model._default_manager.all():
            numbers[row.queue_id, row.assignee_id, row.status_id, row.is_private] += row.number
    return +numbers


def test_every_migration_leaves_the_triggers_there() -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal")
        else:
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        there = {name for (name,) in cursor.fetchall()}
    for wanted in (ticket_triggers, ledger_triggers, talk_triggers):
        assert {f"postvak_{name}" for name, *_rest in wanted(connection.vendor)} <= there


def test_numbers_are_right_after_any_changes(ticket: Ticket, support: Queue, bob: Agent) -> None:
    chance = random.Random(5)
    statuses, columns = list(Status.objects.all()), ("is_spam", "is_private", "assignee", "status", "subject")
    for number in range(60):
        if number % 6 == 0:
            Ticket.objects.bulk_create([copy_of(ticket, number)])
        row = chance.choice(list(Ticket.objects.all()))
        column = chance.choice(columns)
        if column == "status":
            row.status = chance.choice(statuses)
            row.is_open = row.status.is_open
        elif column == "assignee":
            row.assignee = chance.choice([None, bob])
        elif column == "subject":
            row.subject += "!"
        else:
            setattr(row, column, not getattr(row, column))
        row.save()
        if number % 7 == 0:
            fold()
        assert kept() == counted()
    Ticket.objects.filter(pk__gt=ticket.pk).delete()
    assert kept() == counted()
    while fold():
        pass
    assert not TallyDelta.objects.exists()
    assert kept() == counted()


def test_counting_anew_mends_wrong_numbers(ticket: Ticket) -> None:
    fold()
    Tally.objects.update(number=F("number") + 5)
    assert kept() != counted()
    recount()
    assert kept() == counted()


def test_a_change_is_told_with_who_got_the_ticket(ticket: Ticket, bob: Agent) -> None:
    Change.objects.all().delete()
    Ticket.objects.filter(pk=ticket.pk).update(assignee=bob)
    Ticket.objects.filter(pk=ticket.pk).update(preview="nobody looks at this")
    assert list(Change.objects.values_list("kind", "ticket_id", "assignee_id")) == [("changed", ticket.pk, bob.pk)]


def copy_of(ticket: Ticket, number: int) -> Ticket:
    return Ticket(
        number=f"copy-{number}",
        subject="Copy",
        queue=ticket.queue,
        status=ticket.status,
        created_at=ticket.created_at,
        changed_at=ticket.changed_at,
    )
