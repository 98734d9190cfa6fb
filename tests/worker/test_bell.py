"""New work wakes the worker: in its own process by itself, on PostgreSQL from anywhere. Spec 11."""

import threading
from collections.abc import Iterator

import pytest
from django.db import connection, transaction

from postvak.jobs.queue import enqueue
from postvak.models import Job
from postvak.worker import bell as bells
from postvak.worker.bell import Bell
from tests.servers import wait_until

COMMITS = pytest.mark.django_db(transaction=True, serialized_rollback=True)
FOREVER = 60.0  # seconds; nobody who is rung for waits as long


@pytest.fixture
def bell() -> Iterator[Bell]:
    stopping = threading.Event()
    bell = Bell(stopping)
    yield bell
    stopping.set()


@pytest.fixture
def listening(bell: Bell, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bell]:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite tells nobody; its one machine looks twice a second")
    monkeypatch.setattr(bells, "AGAIN", 0.05)
    monkeypatch.setattr(bells, "CHECK", 0.05)
    thread = threading.Thread(target=bell.listen_loop)
    thread.start()
    wait_until(lambda: bell.is_listening, seconds=10, what="listening")
    yield bell
    bell.stopping.set()
    thread.join(10)
    assert not thread.is_alive()


def test_each_loop_has_a_rope_of_its_own(bell: Bell) -> None:
    one, other, elsewhere = bell.rope("receipt"), bell.rope("receipt"), bell.rope("job")
    bell.ring("receipt")
    bell.wait(one, FOREVER)
    assert (one.is_set(), other.is_set(), elsewhere.is_set()) == (False, True, False)


def test_who_stops_waits_for_nothing(bell: Bell) -> None:
    rope = bell.rope("job")
    bell.stopping.set()
    bell.ring_all()
    bell.wait(rope, FOREVER)
    bell.wait(rope, FOREVER)


@COMMITS
def test_a_row_that_was_written_elsewhere_rings_and_only_when_it_is_there(listening: Bell) -> None:
    rope = listening.rope("job")
    rope.clear()
    with transaction.atomic():
        enqueue("backup", {}, by=None)
        assert not rope.wait(0.3), "not before the commit"
    assert rope.wait(FOREVER)
    assert Job.objects.count() == 1


@COMMITS
def test_a_lost_connection_is_made_anew(listening: Bell, caplog: pytest.LogCaptureFixture) -> None:
    rope = listening.rope("job")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE query LIKE 'LISTEN %' AND datname = current_database()"
        )
    wait_until(lambda: "no wake-ups" in caplog.text, seconds=10, what="the loss")
    assert rope.wait(FOREVER), "it rings for whatever was missed"
    rope.clear()
    enqueue("backup", {}, by=None)
    assert rope.wait(FOREVER)
