"""A calendar that is always open, so that business time is plain time, and a worker that follows what changed."""

from collections.abc import Callable

import pytest
from django.db.models import Max

from postvak.models import Calendar, Change, Lease, Queue, Sla, Ticket
from postvak.tickets.aftermath import follow_changes
from tests.tickets.conftest import Receive

ALWAYS = {str(day): [["00:00", "24:00"]] for day in range(7)}
OFFICE = {str(day): [["09:00", "17:00"]] for day in range(5)}
Follow = Callable[[], int]


@pytest.fixture
def always(db: None) -> Calendar:
    return Calendar.objects.create(name="Always", time_zone="UTC", hours=ALWAYS)


@pytest.fixture
def office(db: None) -> Calendar:
    return Calendar.objects.create(name="Office", time_zone="Europe/Amsterdam", hours=OFFICE, country="NL")


@pytest.fixture
def gold(always: Calendar) -> Sla:
    """First answer within an hour, further ones within two, solved within a day. For all tickets."""
    return Sla.objects.create(name="Gold", calendar=always, first_answer=60, next_answer=120, solution=1440)


@pytest.fixture
def follow() -> Follow:
    """Let the worker follow all changes; returns how many rounds changed something."""

    def until_quiet() -> int:
        rounds = 0
        while Change.objects.filter(is_followed=False).exists():
            Lease.objects.all().delete()
            newest = Change.objects.aggregate(newest=Max("pk"))["newest"]
            follow_changes("test:1:x")
            rounds += Change.objects.filter(pk__gt=newest).exists()
            assert rounds < 10, "the step writes again and again"
        return rounds

    return until_quiet


@pytest.fixture
def ticket(receive: Receive) -> Ticket:
    """Ann wrote."""
    return receive()


def fresh(ticket: Ticket) -> Ticket:
    return Ticket.objects.select_related("status", "queue", "sla").get(pk=ticket.pk)


__all__ = ["Follow", "Queue", "Receive", "fresh"]
