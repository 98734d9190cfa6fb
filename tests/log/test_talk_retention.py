"""How long the communication log is kept, and that mail comes in while it is deleted."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from postvak.log import talk_retention
from postvak.log.talk_retention import forget_old_talks
from postvak.models import Communication, CommunicationEntry, CommunicationObject, Lease, Options
from tests.cli.program import Program

pytestmark = pytest.mark.django_db
NOW = timezone.now()
WORKER = "test:1:retention"


def made(days: float, state: str = "successful", *, priority: int = 20) -> Communication:
    at = NOW - timedelta(days=days)
    talk = Communication.objects.create(direction="in", transport="imap", state=state, started_at=at, ended_at=at)
    about = talk.objects_of.create(kind="connection", state=state, started_at=at)
    about.entries.create(at=at, priority=priority, module="test", code="kept_open", parameters={"host": "x"})
    return talk


def left() -> list[int]:
    return list(Communication.objects.order_by("pk").values_list("pk", flat=True))


def test_what_went_well_goes_after_its_days_and_what_failed_after_more() -> None:
    kept = [made(6.9), made(6.9, "warning"), made(30.9, "failed"), made(0.9, "running")]
    for talk in (made(7.1), made(7.1, "warning"), made(31.1, "failed")):
        assert talk.pk
    assert forget_old_talks(NOW, worker=WORKER) > 0
    assert left() == [talk.pk for talk in kept]
    assert CommunicationEntry.objects.count() == CommunicationObject.objects.count() == 4


def test_the_days_are_those_of_the_options() -> None:
    Options.objects.update(log_days=1, failed_log_days=2)
    kept = [made(0.9), made(1.9, "failed")]
    made(1.1)
    made(2.1, "failed")
    forget_old_talks(NOW, worker=WORKER)
    assert left() == [talk.pk for talk in kept]


def test_debug_entries_go_after_a_day_and_their_talk_stays() -> None:
    old, young = made(1.1, priority=10), made(0.9, priority=10)
    forget_old_talks(NOW, worker=WORKER)
    assert left() == [old.pk, young.pk]
    assert CommunicationEntry.objects.get().about.communication == young


def test_a_talk_that_runs_for_more_than_a_day_is_ended_before_it_can_go() -> None:
    old = made(40, "running")
    forget_old_talks(NOW, worker=WORKER)
    assert left() == []
    assert old.pk


def test_a_second_worker_leaves_it_to_the_first() -> None:
    made(8)
    Lease.objects.take(talk_retention.LEASE, "other:1:x")
    assert forget_old_talks(NOW, worker=WORKER) == 0
    assert len(left()) == 1


def many(talks: int, entries: int) -> None:
    at = NOW - timedelta(days=9)
    rows = Communication.objects.bulk_create(
        Communication(direction="in", transport="imap", state="successful", started_at=at) for _ in range(talks)
    )
    about = CommunicationObject.objects.bulk_create(
        CommunicationObject(communication=row, kind="connection", state="successful", started_at=at) for row in rows
    )
    for one in about:
        CommunicationEntry.objects.bulk_create(
            CommunicationEntry(about=one, at=at, module="test", code="kept_open", parameters={"host": f"h{n}"})
            for n in range(entries)
        )


def test_a_round_that_has_no_time_left_goes_on_with_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(talk_retention, "TALKS", 2)
    monkeypatch.setattr(talk_retention, "ROWS", 10)
    many(5, 8)
    rounds = 0
    while forget_old_talks(NOW, worker=WORKER, seconds=0):
        rounds += 1
    assert rounds > 5
    assert (left(), CommunicationObject.objects.count(), CommunicationEntry.objects.count()) == ([], 0, 0)


MEANWHILE = """
import threading, time
from django.utils import timezone
from postvak.log.talk_retention import forget_old_talks
from postvak.models import CommunicationEntry, Mailbox, Receipt
from postvak.receive.accept import Arrived, accept
from tests.log.test_talk_retention import many
from tests.mails import mail

mailbox = Mailbox.objects.get(kind="local")
many(100, 300)
done = threading.Event()

def delete():
    while forget_old_talks(timezone.now(), worker="test:1:r"):
        continue
    done.set()

threading.Thread(target=delete).start()
taken = []
while not done.is_set():
    began = time.monotonic()
    accept(mailbox, [Arrived(f"meanwhile/{len(taken)}", mail(message_id=f"w{len(taken)}@x.example"))])
    taken.append(time.monotonic() - began)
    time.sleep(0.02)
print(CommunicationEntry.objects.count(), Receipt.objects.count() == len(taken), len(taken), max(taken))
"""


def test_mail_comes_in_while_it_deletes_and_it_finishes(tmp_path: Path) -> None:
    """In a process of its own, on a database in a file: two threads, as in a worker."""
    program = Program(tmp_path / "data")
    program.ok("config", "export")  # makes the tables
    left_over, all_are_there, mails, longest = program.python(MEANWHILE).split()
    assert (left_over, all_are_there) == ("0", "True")
    assert int(mails) > 5, longest
    assert float(longest) < 5, f"a mail waited {longest} s"
