"""Backups: complete, shared contents copied once, nothing half is taken for whole, and a way back that sends nothing."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from postvak.jobs.run import work_due
from postvak.keep import keys, places, source, work
from postvak.keep.backup import back_up
from postvak.keep.calm import calm
from postvak.keep.daily import ask_for_daily_backup
from postvak.keep.download import streamed
from postvak.keep.manifest import BadBackup
from postvak.keep.prune import prune
from postvak.keep.work import BACKUP
from postvak.models import (
    Agent,
    AutomaticMail,
    Channel,
    Delivery,
    Job,
    Mailbox,
    Options,
    OutgoingMail,
    Queue,
    Receipt,
    Ticket,
)
from postvak.notify.health.backups import backups as check_backups
from postvak.process.run import process_due
from postvak.receive.accept import Arrived, accept
from postvak.tickets.answer import Answer, answer
from tests.mails import mail

real = pytest.mark.django_db(transaction=True, serialized_rollback=True)


def quiet(done: int, total: int) -> None:
    return None


def random_bytes(size: int, seed: int) -> bytes:
    return b"".join((seed * 7919 + number * 104729).to_bytes(8, "big") for number in range(size // 8))


@pytest.fixture
def whole(tmp_path: Path, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A backup in a folder, of two tickets; one has a large mail."""
    monkeypatch.setattr("postvak.blobs.store.INLINE_LIMIT", 500)
    accept(
        mailbox,
        [Arrived("b/1", mail()), Arrived("b/2", mail(message_id="l@x.example", text=random_bytes(4000, 3).hex()))],
    )
    process_due("test:1:x")
    return back_up(tmp_path / "kept").path


@pytest.fixture
def outgoing(mailbox: Mailbox, support: Queue, bob: Agent, channel: Channel) -> OutgoingMail:
    """Bob's answer, which still waits in the outbox."""
    accept(mailbox, [Arrived("o/1", mail())])
    process_due("test:1:x")
    answer(Ticket.objects.get(), Answer(to=("ann@customer.example",), text="Hi"), by=bob)
    AutomaticMail.objects.all().delete()
    return OutgoingMail.objects.get()


def verify(path: Path) -> source.Backup:
    with source.opened(path) as found:
        source.verify(found, quiet)
        return found


@real
def test_it_says_what_is_in_it_and_every_byte_is_checked(whole: Path) -> None:
    found = verify(whole)
    assert found.manifest.counts["ticket"] == Ticket.objects.count() == 2
    assert (found.manifest.contents, found.manifest.has_keys) == (1, False)


@real
def test_contents_that_are_there_are_not_copied_again(whole: Path, mailbox: Mailbox) -> None:
    assert back_up(whole.parent / "tar" / "x.tar").copied == 1
    accept(mailbox, [Arrived("b/3", mail(message_id="m@x.example", text=random_bytes(4000, 5).hex()))])
    again = back_up(whole.parent)
    assert (again.manifest.contents, again.copied) == (2, 1)


@real
@pytest.mark.parametrize("spoilt", ["manifest.json", "database.zst", "contents.txt", "blob"])
def test_one_changed_byte_is_found(whole: Path, spoilt: str) -> None:
    path = next((whole.parent / "blobs").glob("??/*")) if spoilt == "blob" else whole / spoilt
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    with pytest.raises(BadBackup):
        verify(whole)


@real
def test_a_tar_file_that_is_cut_off_anywhere_is_no_backup(whole: Path) -> None:
    tar = back_up(whole.parent / "t.tar").path
    raw = tar.read_bytes()
    verify(tar)
    for length in range(0, len(raw) - 10_240, len(raw) // 12):
        tar.write_bytes(raw[:length])
        with pytest.raises(BadBackup):
            verify(tar)


@real
def test_what_the_page_gives_away_can_be_verified(whole: Path, tmp_path: Path) -> None:
    tar = tmp_path / "downloaded.tar"
    tar.write_bytes(b"".join(streamed(whole)))
    assert verify(tar).manifest == verify(whole).manifest


@real
def test_old_ones_go_and_what_others_need_stays(whole: Path) -> None:
    newer = whole.parent / "2099-01-01T000000Z"
    shutil.copytree(whole, newer)
    (whole.parent / "blobs" / "ab").mkdir()
    (whole.parent / "blobs" / "ab" / ("ab" * 32)).write_bytes(b"of an older one")
    assert prune(whole.parent, 1) == 1
    assert not whole.exists()
    assert len(list((whole.parent / "blobs").glob("??/*"))) == 1
    verify(newer)


@real
def test_a_second_one_to_the_same_place_is_refused_meanwhile(tmp_path: Path) -> None:
    with places.opened(tmp_path / "one", timezone.now()), pytest.raises(places.Busy):
        back_up(tmp_path / "one")


def test_what_was_not_finished_leaves_nothing(tmp_path: Path) -> None:
    with places.opened(tmp_path / "one", timezone.now()) as place:
        (place.scratch / "database").write_bytes(b"half")
    assert [path.name for path in (tmp_path / "one").iterdir()] == [".lock"]


def test_keys_come_back_only_with_their_passphrase(tmp_path: Path) -> None:
    for name in keys.NAMES:
        (tmp_path / name).write_text(f"secret of {name}")
    locked = keys.lock(tmp_path, "correct horse battery")
    assert b"secret of" not in locked
    assert keys.unlock(locked, "correct horse battery") == {name: f"secret of {name}" for name in keys.NAMES}
    for wrong in (b"", b"{}", b"[1]", locked[:-30]):
        with pytest.raises(keys.WrongPassphrase):
            keys.unlock(wrong, "correct horse battery")
    with pytest.raises(keys.WrongPassphrase):
        keys.unlock(locked, "wrong horse battery")


# -- after a restore ----------------------------------------------------------------------------


@pytest.mark.django_db
def test_mails_that_waited_are_in_doubt_and_mailboxes_only_look(outgoing: OutgoingMail, mailbox: Mailbox) -> None:
    box = Mailbox.objects.create(name="Fetched", kind="imap", host="mail.example.org")
    accept(box, [Arrived("f/1", mail(message_id="f@x.example"))])
    ticket = outgoing.message.ticket if outgoing.message else None
    assert ticket is not None
    AutomaticMail.objects.create(ticket=ticket, kind="relay", created_at=timezone.now(), next_attempt_at=timezone.now())
    done = calm(looks_only=True)
    assert (done.mails, done.automatic, done.mailboxes) == (1, 1, 1)
    assert Delivery.objects.get().state == Delivery.State.IN_DOUBT
    assert not OutgoingMail.objects.exclude(next_attempt_at=None).exists()
    ticket.refresh_from_db()
    assert ticket.answer == Ticket.Answer.IN_DOUBT
    assert process_due("test:1:x") == 0
    assert Receipt.objects.get(mailbox=box).state == Receipt.State.RECEIVED
    assert calm(looks_only=True).mails == 0


# -- each day ----------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_daily_one_is_asked_for_once_from_its_hour_on() -> None:
    """The installation's clock is an hour ahead of UTC in winter."""
    night = datetime(2026, 11, 22, 0, 59, tzinfo=UTC)
    assert ask_for_daily_backup(night, "test:1:a") == 0
    Options.objects.update(backup_hour=2)
    asked = [ask_for_daily_backup(night + timedelta(minutes=30 * step), f"test:1:{step}") for step in range(48)]
    assert [step for step, one in enumerate(asked) if one] == [1]
    assert ask_for_daily_backup(night + timedelta(days=1, minutes=2), "test:1:a") == 1


@pytest.mark.django_db
def test_a_failed_one_is_an_alarm_until_one_succeeds() -> None:
    now = timezone.now()
    assert not list(check_backups(now))
    made = {"kind": BACKUP, "created_at": now, "next_attempt_at": now}
    failed = Job.objects.create(**made, state="failed", said="No room.", finished_at=now)
    (finding,) = check_backups(now)
    assert (finding.code, finding.parameters["said"]) == ("backup_failed", "No room.")
    Job.objects.create(**made, state="done", finished_at=failed.finished_at + timedelta(minutes=1))  # type: ignore[operator]
    assert not list(check_backups(now))
    Options.objects.update(backup_hour=2)
    assert [one.code for one in check_backups(now + timedelta(days=3))] == ["backup_old"]


@real
def test_the_job_makes_verifies_and_drops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mailbox: Mailbox) -> None:
    monkeypatch.setattr(work, "backups_folder", lambda: tmp_path)
    Job.objects.create(kind=BACKUP, created_at=timezone.now(), next_attempt_at=timezone.now())
    assert work_due("test:1:a", {BACKUP: work.make_backup})
    job = Job.objects.get()
    assert (job.state, job.said) == (Job.State.DONE, "")
    assert job.result["name"] in {path.name for path in tmp_path.iterdir()}
