"""The worker follows changes: once, in order, at no cost while nothing happens, and whatever goes wrong with one of them."""

from collections.abc import Callable, Sequence

import pytest
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext

from postvak.models import Change, Lease, TallyDelta, Ticket
from postvak.tickets import aftermath
from postvak.tickets.aftermath import LEASE, follow_changes
from tests.tickets.conftest import Receive

pytestmark = pytest.mark.django_db

WORKER, OTHER = "test:1:x", "test:2:y"


@pytest.fixture
def ticket(receive: Receive) -> Ticket:
    return receive()


def use(monkeypatch: pytest.MonkeyPatch, step: Callable[[Sequence[Change]], None]) -> None:
    monkeypatch.setattr(aftermath, "STEPS", (step,))


def test_each_change_is_followed_once_and_an_idle_round_writes_nothing(
    ticket: Ticket, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    use(monkeypatch, lambda changes: seen.extend(change.pk for change in changes))
    while follow_changes(WORKER):
        pass
    assert seen == sorted(seen)
    assert len(seen) == Change.objects.count() == len(set(seen))
    assert not TallyDelta.objects.exists()
    with CaptureQueriesContext(connection) as queries:
        assert follow_changes(WORKER) == 0
    assert [query["sql"].split()[0] for query in queries] == ["SELECT", "SELECT"]


def test_the_lease_is_given_back_after_each_batch_and_another_worker_s_is_respected(ticket: Ticket) -> None:
    Lease.objects.take(LEASE, OTHER)
    assert follow_changes(WORKER) == 0
    assert Change.objects.filter(is_followed=False).exists()
    Lease.objects.give_back(LEASE, OTHER)
    assert follow_changes(WORKER)
    assert Lease.objects.take(LEASE, OTHER)


def test_a_change_that_can_t_be_followed_keeps_up_no_other(ticket: Ticket, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = list(Change.objects.order_by("pk").values_list("pk", flat=True))
    bad, seen = keys[0], set[int]()

    def step(changes: Sequence[Change]) -> None:
        if bad in {change.pk for change in changes}:
            raise ValueError("a fault of ours")
        seen.update(change.pk for change in changes)

    use(monkeypatch, step)
    while follow_changes(WORKER):
        pass
    assert seen == set(keys) - {bad}
    assert not Change.objects.filter(is_followed=False).exists()


def test_a_database_that_fails_leaves_the_changes_for_the_next_time(
    ticket: Ticket, monkeypatch: pytest.MonkeyPatch
) -> None:
    def step(_changes: Sequence[Change]) -> None:
        raise DatabaseError("no space left")

    use(monkeypatch, step)
    with pytest.raises(DatabaseError):
        follow_changes(WORKER)
    assert not Change.objects.filter(is_followed=True).exists()
    assert Lease.objects.take(LEASE, OTHER)
