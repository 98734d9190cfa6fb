"""Every row is written exactly once, whatever crashes, however many workers there are; or the ticket says why not."""

import os
import subprocess
from pathlib import Path

import pytest
from django.db import connection

from postvak.blobs import store
from postvak.log.sentences import history_line
from postvak.mail.compose import Draft, compose
from postvak.models import Agent, AutomaticMail, Blob, Channel, Message, OutgoingMail, Queue, Ticket
from postvak.notify import automatic
from postvak.notify.automatic import claim, settle, write_due
from postvak.tickets.merge import merge
from postvak.worker.identity import free_claims_of_the_dead
from tests.clock import Clock
from tests.killing import ENGINES, Victims
from tests.mails import mail
from tests.notify.conftest import WORKER
from tests.notify.desk import ANN, Desk

OTHER = "second:1:b"
committing = pytest.mark.django_db(transaction=True, serialized_rollback=True)


class Killed(BaseException):
    """The process ends here: nothing catches this."""


def counts() -> tuple[int, int]:
    return Message.objects.filter(kind="outgoing").count(), OutgoingMail.objects.count()


# -- crashes -----------------------------------------------------------------------------


@committing
@pytest.mark.parametrize(
    "step",
    ["read_original", "compose", "lock", "record_files", "freeze", "count_message", "refresh_answer", "finish"],
)
def test_a_crash_at_any_step_means_that_the_mail_is_written_once(
    desk: Desk, clock: Clock, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def die(*args: object, **named: object) -> None:
        raise Killed

    row = desk.plan("forward", "lia@accounting.example")
    with monkeypatch.context() as broken:
        broken.setattr(automatic, step, die)
        with pytest.raises(Killed):
            write_due(WORKER)
    assert counts() == (0, 0)
    assert Ticket.objects.get().message_count == 1
    assert not desk.ticket.history.exists()
    assert write_due(OTHER) == 0  # the dead worker's lease holds
    clock.advance(minutes=6)
    assert write_due(OTHER) == 1
    assert write_due(OTHER) == 0
    row.refresh_from_db()
    assert (row.state, counts(), Ticket.objects.get().message_count) == ("written", (1, 1), 2)


@committing
def test_a_crash_right_after_the_commit_writes_nothing_again(
    desk: Desk, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_and_die(*args: object) -> None:
        write(*args)  # type: ignore[arg-type]
        raise Killed

    write = automatic.write
    desk.plan("rejection")
    with monkeypatch.context() as broken:
        broken.setattr(automatic, "write", write_and_die)
        with pytest.raises(Killed):
            write_due(WORKER)
    clock.advance(minutes=6)
    assert (write_due(OTHER), counts()) == (0, (1, 1))


@committing
def test_a_worker_that_lost_its_lease_writes_nothing(desk: Desk, clock: Clock) -> None:
    desk.plan("rejection")
    (mine,) = claim(WORKER)
    clock.advance(minutes=6)
    assert write_due(OTHER) == 1
    settle(mine, WORKER)
    assert counts() == (1, 1)
    assert desk.ticket.history.count() == 1


@committing
def test_claims_of_a_dead_process_end_when_a_worker_starts(desk: Desk) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    desk.plan("rejection")
    claim(f"{os.uname().nodename[:40]}:{gone.pid}:x")
    assert write_due(OTHER) == 0
    free_claims_of_the_dead()
    assert write_due(OTHER) == 1


WRITER = "tests.notify.one_writer"


@pytest.mark.servers
@ENGINES
def test_several_processes_that_are_killed_again_and_again_write_every_mail_once(
    request: pytest.FixtureRequest, tmp_path: Path, engine: str
) -> None:
    victims = Victims.on(engine, WRITER, request, tmp_path)
    victims.make(80)
    victims.kill_again_and_again("write")
    assert victims.run("count").split() == ["80"] * 6


@committing
def test_a_mail_follows_its_ticket_into_another_one(closed_desk: Desk, support: Queue, bob: Agent) -> None:
    target = Desk.opened(support).ticket
    row = closed_desk.plan("forward", "lia@accounting.example")
    merge(closed_desk.ticket, target, by=bob)
    write_due(WORKER)
    row.refresh_from_db()
    assert (row.state, row.ticket, row.message.ticket) == ("written", target, target)
    assert target.history.filter(code="forward_written").exists()
    assert row.message.subject.endswith(f"[#{target.number}]")


@committing
def test_a_merge_while_the_mail_is_composed_is_noticed(
    closed_desk: Desk, support: Queue, bob: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    def compose_while_merging(draft: Draft) -> bytes:
        merge(closed_desk.ticket, target, by=bob)
        return compose(draft)

    target = Desk.opened(support).ticket
    row = closed_desk.plan("forward", "lia@accounting.example")
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(automatic, "compose", compose_while_merging)
        write_due(WORKER)
    assert counts() == (0, 0)
    write_due(WORKER)
    row.refresh_from_db()
    assert (row.state, row.message.ticket, row.attempts) == ("written", target, 0)


# -- the worker's loop ---------------------------------------------------------------------


def test_the_send_job_of_a_worker_writes_the_mails_and_sends_them(tmp_path: Path) -> None:
    process = Victims(WRITER, tmp_path, f"sqlite://{tmp_path}/db.sqlite3")
    process.make(3)
    assert process.run("work") == "accepted accepted accepted"


# -- failures ----------------------------------------------------------------------------


@pytest.mark.django_db
def test_without_a_channel_it_is_tried_three_times_and_then_the_ticket_says_so(
    desk: Desk, clock: Clock, channel: Channel
) -> None:
    channel.delete()
    row = desk.plan("rejection")
    for minutes in (1, 10):
        assert write_due(WORKER) == 1
        row.refresh_from_db()
        assert (row.state, row.claimed_by, desk.ticket.history.count()) == ("pending", "", 0)
        assert write_due(WORKER) == 0
        clock.advance(minutes=minutes)
    assert write_due(WORKER) == 1
    row.refresh_from_db()
    assert (row.state, row.reason, row.attempts) == ("skipped", "failed", 3)
    assert "CannotAnswer" in row.error
    (line,) = desk.ticket.history.all()
    said = history_line(line.code, line.parameters)
    assert said.startswith(f"Nothing was sent to {ANN}: the mail couldn't be written")
    assert "There is no valid sending channel" in said
    clock.advance(days=1)
    assert (write_due(WORKER), counts()) == (0, (0, 0))


@pytest.mark.django_db
def test_a_cause_that_is_mended_in_time_lets_the_mail_go_out(desk: Desk, clock: Clock, channel: Channel) -> None:
    Channel.objects.update(is_valid=False)
    row = desk.plan("rejection")
    write_due(WORKER)
    Channel.objects.update(is_valid=True)
    clock.advance(minutes=1)
    write_due(WORKER)
    row.refresh_from_db()
    assert (row.state, row.error) == ("written", "")


@pytest.mark.django_db
def test_a_row_that_fails_stops_no_other(desk: Desk, bob: Agent) -> None:
    bad = desk.plan("relay", trigger=None, agent=bob)
    good = desk.plan("rejection")
    assert write_due(WORKER) == 2
    states = dict(AutomaticMail.objects.values_list("pk", "state"))
    assert states == {bad.pk: "pending", good.pk: "written"}


@pytest.mark.django_db
def test_an_original_whose_bytes_are_gone_is_not_forwarded(desk: Desk, clock: Clock) -> None:
    row = desk.plan("forward", "lia@accounting.example")
    Blob.objects.filter(pk=row.trigger.blob_id).update(content=None)
    for _ in range(3):
        write_due(WORKER)
        clock.advance(minutes=10)
    row.refresh_from_db()
    assert (row.state, row.reason, counts()) == ("skipped", "failed", (0, 0))


@pytest.mark.django_db
def test_while_the_storage_is_away_a_mail_waits_for_as_long_as_it_takes(
    desk: Desk, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(contents: object) -> None:
        raise store.VaultUnreachable("The bucket can't be reached.")

    row = desk.plan("rejection")
    with monkeypatch.context() as broken:
        broken.setattr(store, "prepare", unreachable)
        for _ in range(10):
            assert write_due(WORKER) == 1
            clock.advance(minutes=1)
    row.refresh_from_db()
    assert (row.state, row.attempts) == ("pending", 0)
    assert "The bucket can't be reached." in row.error
    write_due(WORKER)
    row.refresh_from_db()
    assert (row.state, row.error) == ("written", "")


@pytest.mark.django_db
def test_composing_and_storing_happen_outside_of_any_transaction(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Storage may be on the network; nobody waits for it with a lock in his hand."""
    depth = len(connection.savepoint_ids)
    seen: list[int] = []
    for module, name in ((store, "prepare"), (store, "get"), (automatic, "compose")):
        real = getattr(module, name)
        monkeypatch.setattr(
            module, name, lambda *args, real=real: (seen.append(len(connection.savepoint_ids)), real(*args))[1]
        )
    desk.plan("forward", "lia@accounting.example", raw=mail(message_id="m3@customer.example"))
    seen.clear()
    write_due(WORKER)
    assert seen == [depth] * 3
