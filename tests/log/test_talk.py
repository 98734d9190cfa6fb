"""The recorder itself: states, what is written when, and that nothing of it ever harms the work."""

import threading
from datetime import timedelta

import pytest
from django.db import IntegrityError, OperationalError
from django.db.models import Model
from django.utils import timezone

from postvak.log import talk_notes, talk_writing
from postvak.log.talk import Direction, talk, written_beside
from postvak.log.talk_ends import end_forgotten_talks, end_talks_of
from postvak.log.talk_writing import DESK
from postvak.models import Communication, CommunicationEntry, Mailbox, Receipt
from postvak.receive.accept import Arrived, accept
from postvak.worker.identity import free_claims_of_the_dead, own_name
from tests.log.talks import codes, connection_of, last, mails_of
from tests.mails import mail

pytestmark = pytest.mark.django_db


def recorded(**settings: object):  # type: ignore[no-untyped-def]
    return talk(Direction.IN, "imap", module="test", **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("connection", "message", "state"),
    [
        ("info", "info", "successful"),
        ("notice", "notice", "successful"),
        ("info", "warning", "warning"),
        ("info", "error", "warning"),
        ("warning", "info", "warning"),
        ("error", "info", "failed"),
    ],
)
def test_the_connection_decides_and_single_mails_only_warn(connection: str, message: str, state: str) -> None:
    with recorded() as communication:
        getattr(communication.connection("mail.example"), connection)("kept_open", host="x")
        getattr(communication.message("one"), message)("stored", size=1)
    assert last().state == state


def test_an_exception_fails_the_talk_says_what_it_was_and_goes_on() -> None:
    def breaking() -> None:
        with recorded() as communication:
            communication.connection("mail.example").info("kept_open", host="x")
            raise ZeroDivisionError("division by zero")

    with pytest.raises(ZeroDivisionError):
        breaking()
    assert last().state == "failed"
    assert codes(connection_of(last())) == ["kept_open", "unexpected"]


def test_nothing_is_written_before_the_end_of_a_quick_talk() -> None:
    with recorded() as communication:
        connection = communication.connection("mail.example")
        for _ in range(50):
            connection.debug("kept_open", host="x")
        assert not Communication.objects.exists()
    assert CommunicationEntry.objects.count() == 50


def test_a_long_talk_is_shown_while_it_runs_and_lets_go_of_what_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(talk_notes, "MANY", 10)
    with recorded() as communication:
        for number in range(25):
            topic = communication.message(str(number))
            topic.info("stored", size=number)
            topic.end()
        assert last().state == "running"
        assert CommunicationEntry.objects.count() == 20
        assert len(communication.topics) < 10
    assert (last().state, last().mails, CommunicationEntry.objects.count()) == ("successful", 25, 25)
    assert [one.state for one in mails_of(last())] == ["successful"] * 25


def test_what_was_written_as_running_gets_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(talk_notes, "MANY", 1)
    with recorded() as communication:
        connection = communication.connection("mail.example")
        connection.info("kept_open", host="x")
        assert connection_of(last()).state == "running"
        connection.error("unexpected", said="y")
    assert (last().state, connection_of(last()).state) == ("failed", "failed")
    assert connection_of(last()).ended_at is not None


def test_a_receipt_is_found_by_its_source(mailbox: Mailbox) -> None:
    with recorded(mailbox=mailbox) as communication:
        communication.message("a", source="test/1")
        communication.message("b", source="test/2")
        accept(mailbox, [Arrived("test/1", mail())])
    assert [one.receipt for one in mails_of(last())] == [Receipt.objects.get(), None]


def test_texts_that_no_database_takes_are_written_as_far_as_they_go() -> None:
    with recorded() as communication:
        communication.connection("a\0b\ud800" + "x" * 300).error("unexpected", said="\0\udfff" + "y" * 5000)
    assert connection_of(last()).name.startswith("ab")
    assert len(connection_of(last()).entries.get().parameters["said"]) <= talk_notes.LONGEST


# -- written beside ------------------------------------------------------------------------


@pytest.fixture
def beside(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if a thread wrote the talks: a test calls DESK.look() in its place."""
    monkeypatch.setattr(DESK, "thread", threading.current_thread())


def test_in_a_worker_all_talks_are_written_together_by_its_thread(beside: None) -> None:
    for _ in range(3):
        with recorded() as communication:
            communication.connection("mail.example").info("kept_open", host="x")
    assert not Communication.objects.exists()
    DESK.look()
    assert Communication.objects.filter(state="successful").count() == 3


def test_a_talk_that_lasts_is_shown_by_the_thread_even_if_nothing_happens_in_it(
    beside: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with recorded() as communication:
        communication.connection("mail.example")
        DESK.look()
        assert not Communication.objects.exists()
        communication.began -= 1.1  # seconds ago
        DESK.look()
        assert last().state == "running"
    DESK.look()
    assert last().state == "successful"


def test_while_the_database_is_away_talks_wait_and_are_written_later(
    beside: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(*_: object, **__: object) -> None:
        raise OperationalError("the database is away")

    with recorded() as communication:
        communication.connection("mail.example").info("kept_open", host="x")
    with monkeypatch.context() as now:
        now.setattr("postvak.log.talk_writing.CommunicationEntry.objects.bulk_create", away)
        DESK.look()
    assert "the database is away" in caplog.text
    assert not Communication.objects.exists()
    DESK.look()
    assert codes(connection_of(last())) == ["kept_open"]


def test_a_talk_that_the_database_refuses_keeps_no_other_from_being_written(
    beside: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for transport in ("imap", "x" * 50, "pop3"):
        with recorded() as communication:
            communication.row.transport = transport
    real = talk_writing.put

    def picky(parts: list[talk_writing.Part], created: list[Model]) -> None:
        real(parts, created)
        if any(len(talk.row.transport) > 20 for talk, _taken in parts):
            raise IntegrityError("a value is too long")

    monkeypatch.setattr(talk_writing, "put", picky)
    DESK.look()
    assert list(Communication.objects.values_list("transport", flat=True)) == ["imap", "pop3"]
    assert "too long" in caplog.text


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_what_is_left_is_written_when_the_worker_stops() -> None:
    with written_beside(), written_beside():
        for _ in range(120):
            with recorded() as communication:
                communication.connection("mail.example").info("kept_open", host="x")
        with recorded() as forgotten:
            forgotten.forget()
    assert Communication.objects.filter(state="successful").count() == 120
    assert DESK.thread is None


# -- loose ends ----------------------------------------------------------------------------


def running(worker: str, hours: float = 0) -> Communication:
    began = timezone.now() - timedelta(hours=hours)
    talk = Communication.objects.create(direction="in", transport="imap", started_at=began, worker=worker)
    talk.objects_of.create(kind="connection", name="x", started_at=began)
    return talk


def test_talks_of_dead_workers_of_this_machine_are_ended_and_those_of_living_ones_are_not() -> None:
    host, own = own_name().partition(":")[0], own_name()
    dead, mine, elsewhere = running(f"{host}:999999999:a"), running(own), running("elsewhere:1:a")
    free_claims_of_the_dead(own)
    assert [Communication.objects.get(pk=one.pk).state for one in (dead, mine, elsewhere)] == [
        "failed",
        "running",
        "running",
    ]
    assert codes(connection_of(dead)) == ["worker_died"]


def test_a_talk_without_end_for_a_day_has_failed() -> None:
    old, young = running("elsewhere:1:a", hours=25), running("elsewhere:1:a", hours=23)
    assert end_forgotten_talks(timezone.now()) == 1
    assert [Communication.objects.get(pk=one.pk).state for one in (old, young)] == ["failed", "running"]
    assert codes(connection_of(old)) == ["no_end"]


def test_ending_the_talks_of_nobody_ends_nothing() -> None:
    running("elsewhere:1:a")
    assert end_talks_of([], timezone.now()) == 0
