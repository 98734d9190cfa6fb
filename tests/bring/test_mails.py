"""Archives of mails become tickets: threads, dates, ours and theirs, and nothing twice."""

import gzip
import tarfile
import zipfile
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
import zstandard
from django.utils import timezone

from postvak.bring.work import KIND, do_import
from postvak.jobs import queue as jobs
from postvak.jobs.run import work_due
from postvak.models import (
    Agent,
    AutomaticMail,
    Change,
    Imported,
    Job,
    Mailbox,
    Message,
    Notification,
    OutgoingMail,
    Queue,
    Receipt,
    Ticket,
)
from postvak.process.run import process_due
from postvak.receive.accept import Arrived, accept
from postvak.tickets.aftermath import follow_changes

pytestmark = pytest.mark.django_db
LONG_AGO = datetime(2021, 3, 4, 10, 30, tzinfo=UTC)


def letter(
    name: str,
    subject: str,
    *,
    author: str = "Ann Smit <ann@customer.example>",
    to: str = "support@example.org",
    answers: str = "",
    at: datetime = LONG_AGO,
    text: str = "Hello there",
) -> bytes:
    lines = [
        f"From: {author}",
        f"To: {to}",
        f"Subject: {subject}",
        f"Date: {format_datetime(at)}",
        f"Message-ID: <{name}@mail.example>",
        *([f"In-Reply-To: <{answers}@mail.example>", f"References: <{answers}@mail.example>"] if answers else []),
        "",
        text,
        "",
    ]
    return "\r\n".join(lines).encode()


THREAD = [
    letter("1", "Broken lamp"),
    letter(
        "2", "Re: Broken lamp", author="Support <support@example.org>", to="ann@customer.example", answers="1",
        at=LONG_AGO + timedelta(hours=2),
    ),
    letter("3", "Re: Broken lamp", answers="2", at=LONG_AGO + timedelta(hours=5)),
    letter("4", "Another matter", author="dee@third.example", at=LONG_AGO + timedelta(days=1)),
]  # fmt: skip


def as_mbox(mails: list[bytes]) -> bytes:
    return b"".join(
        b"From x@example.org Thu Mar  4 10:30:00 2021\n" + mail.replace(b"\r\n", b"\n") + b"\n" for mail in mails
    )


@pytest.fixture
def mbox(tmp_path: Path) -> Path:
    path = tmp_path / "archive.mbox"
    path.write_bytes(as_mbox(THREAD))
    return path


def bring(path: Path, queue: Queue | None = None, **options: object) -> Job:
    asked = {"kind": "mails", "path": str(path), "queue": queue.pk if queue else None, **options}
    job = jobs.enqueue(KIND, asked, by=None)
    work_due("test:1:x", {KIND: do_import})
    job.refresh_from_db()
    assert job.state == Job.State.DONE, job.said
    return job


def test_mails_of_one_thread_are_one_ticket_with_the_dates_of_the_mails(mbox: Path, support: Queue) -> None:
    job = bring(mbox, support)
    ticket = Ticket.objects.get(subject="Broken lamp")
    assert list(ticket.messages.values_list("kind", flat=True)) == ["incoming", "outgoing", "incoming"]
    assert (ticket.created_at, ticket.changed_at) == (LONG_AGO, LONG_AGO + timedelta(hours=5))
    assert ticket.first_answered_at == LONG_AGO + timedelta(hours=2)
    assert (ticket.status.key, ticket.is_open, ticket.is_unread, ticket.queue) == ("closed", False, False, support)
    assert ticket.number.startswith("20210304")
    assert job.counts == {"tickets": 2, "incoming": 3, "outgoing": 1}
    assert (job.done, job.total) == (mbox.stat().st_size,) * 2


def test_an_import_sends_tells_and_changes_nothing_else(mbox: Path, support: Queue, bob: Agent) -> None:
    Queue.objects.update(auto_assign="round_robin")
    bring(mbox, support, open_days=36500)
    follow_changes("test:1:x")
    assert not Change.objects.exists()
    assert not OutgoingMail.objects.exists()
    assert not AutomaticMail.objects.exists()
    assert not Notification.objects.exists()
    assert not Ticket.objects.exclude(assignee=None).exists()


def test_a_second_import_doubles_nothing_and_brings_what_is_new(mbox: Path, support: Queue) -> None:
    bring(mbox, support)
    mbox.write_bytes(as_mbox([*THREAD, letter("5", "Re: Broken lamp", answers="3", at=LONG_AGO + timedelta(days=2))]))
    job = bring(mbox, support)
    assert (Ticket.objects.count(), Message.objects.count()) == (2, 5)
    assert Ticket.objects.get(subject="Broken lamp").message_count == 4
    assert job.counts == {"again": 4, "incoming": 1}


def test_a_mail_that_a_mailbox_brings_later_is_known(mbox: Path, support: Queue, mailbox: Mailbox) -> None:
    bring(mbox, support)
    accept(mailbox, [Arrived("imap/1", THREAD[0])])
    process_due("test:1:x")
    receipt = Receipt.objects.get(source="imap/1")
    assert receipt.outcome == Receipt.Outcome.DUPLICATE
    assert receipt.first is not None
    assert receipt.first.ticket == Ticket.objects.get(subject="Broken lamp")


def test_a_mail_that_a_mailbox_brought_before_is_left_out_and_said(
    mbox: Path, support: Queue, mailbox: Mailbox, channel: object
) -> None:
    accept(mailbox, [Arrived("imap/1", THREAD[3])])
    process_due("test:1:x")
    job = bring(mbox, support)
    assert job.result["reasons"] == {"mail:copy": 1}
    assert Ticket.objects.filter(subject="Another matter").count() == 1
    report = jobs.file_of(job)
    assert report is not None
    assert "Another matter" in report.read_text("utf-8-sig")


def test_later_mail_of_the_customer_joins_the_imported_ticket(mbox: Path, support: Queue, mailbox: Mailbox) -> None:
    bring(mbox, support)
    accept(mailbox, [Arrived("imap/9", letter("9", "Re: Broken lamp", answers="2", at=timezone.now()))])
    process_due("test:1:x")
    assert Ticket.objects.get(subject="Broken lamp").message_count == 4


def test_what_is_no_mail_is_said_and_stops_nothing(tmp_path: Path, support: Queue) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.eml").write_bytes(THREAD[0])
    (tmp_path / "a" / "2.txt").write_bytes(b"\0\xff shopping list")
    (tmp_path / "a" / "3.eml").write_bytes(
        b"From: nul\0 <n\0ul@example.net>\r\nSubject: =?utf-8?q?=00=ff?=\r\n\r\n\0\xff\xfe"
    )
    job = bring(tmp_path / "a", support)
    assert job.counts["tickets"] == 2
    assert job.result["reasons"] == {"mail:no_mail": 1}
    assert Imported.objects.get(row_key=0).foreign_key == "2.txt"


@pytest.mark.parametrize("form", ["maildir", "zip", "tar.gz", "mbox.gz", "tar.zst"])
def test_every_form_of_archive_gives_the_same(form: str, tmp_path: Path, support: Queue) -> None:
    bring(archive(form, tmp_path), support)
    assert (Ticket.objects.count(), Message.objects.count()) == (2, 4)


def archive(form: str, at: Path) -> Path:
    box = at / "box"
    (box / "cur").mkdir(parents=True)
    (box / "tmp").mkdir()
    (box / "tmp" / "half").write_bytes(b"From: half")
    (box / "dovecot-uidlist").write_text("3 V1")
    for number, mail in enumerate(THREAD):
        (box / "cur" / f"{number}.host:2,S").write_bytes(mail)
    path = at / f"mails.{form}"
    if form == "maildir":
        return box
    if form == "zip":
        with zipfile.ZipFile(path, "w") as packed:
            packed.writestr("in/archive.mbox", as_mbox(THREAD))
    elif form == "tar.gz":
        with tarfile.open(path, "w:gz") as tar:
            tar.add(box, "box")
    elif form == "mbox.gz":
        path.write_bytes(gzip.compress(as_mbox(THREAD)))
    else:
        with tarfile.open(at / "plain.tar", "w") as tar:
            tar.add(box, "box")
        path.write_bytes(zstandard.ZstdCompressor().compress((at / "plain.tar").read_bytes()))
    return path


def test_a_trial_writes_nothing_and_says_what_would_come(
    mbox: Path, support: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("postvak.bring.mails.BATCH", 2)
    mbox.write_bytes(as_mbox([*THREAD, b"shopping list"]))
    job = bring(mbox, support, is_dry=True)
    assert job.counts == {"tickets": 2, "incoming": 3, "outgoing": 1}
    assert job.result["reasons"] == {"mail:no_mail": 1}
    assert (Ticket.objects.count(), Receipt.objects.count(), Imported.objects.count()) == (0, 0, 0)


def test_what_is_younger_than_the_given_days_stays_open(mbox: Path, support: Queue) -> None:
    yesterday = timezone.now().replace(microsecond=0) - timedelta(days=1)
    mbox.write_bytes(as_mbox([*THREAD, letter("8", "Fresh", at=yesterday)]))
    bring(mbox, support, open_days=7)
    fresh = Ticket.objects.get(subject="Fresh")
    assert (fresh.status.key, fresh.is_open, fresh.waiting_since) == ("new", True, yesterday)
    assert not Ticket.objects.get(subject="Broken lamp").is_open


def test_an_answer_before_its_question_is_the_same_ticket(mbox: Path, support: Queue) -> None:
    mbox.write_bytes(as_mbox([THREAD[2], THREAD[1], THREAD[0]]))
    bring(mbox, support)
    ticket = Ticket.objects.get()
    assert (ticket.subject, ticket.message_count, ticket.created_at) == ("Broken lamp", 3, LONG_AGO)


def test_a_stopped_import_goes_on_where_it_was(mbox: Path, support: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postvak.bring.mails.BATCH", 2)
    asked = {"kind": "mails", "path": str(mbox), "queue": support.pk}
    job = jobs.enqueue(KIND, asked, by=None)
    rounds = iter([False, True, True])
    work_due("test:1:x", {KIND: do_import}, lambda: next(rounds))
    job.refresh_from_db()
    assert (job.state, job.counts) == (Job.State.WAITING, {"tickets": 1, "incoming": 1, "outgoing": 1})
    work_due("test:2:x", {KIND: do_import})
    job.refresh_from_db()
    assert job.counts == {"tickets": 2, "incoming": 3, "outgoing": 1}
    assert Message.objects.count() == 4
