"""Mails whose bytes are missing, damaged or out of reach: each is a failure of its own, said in a sentence."""

import os
import random
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from postvak.blobs.rows import Blob
from postvak.blobs.store import BlobCorrupt, get
from postvak.mail.compose import File
from postvak.models import Agent, Channel, Mailbox, Message, Queue, Receipt, Retention, Ticket, Trace
from postvak.process.preview import preview
from postvak.process.run import process_due
from postvak.receive.accept import Arrived, accept
from postvak.receive.retention import bury, drop_expired
from postvak.tickets.answer import Answer, CannotAnswer, answer
from tests.clock import Clock
from tests.mails import mail

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def data(tmp_path: Path, settings: Settings) -> Path:
    settings.CONFIGURATION = replace(settings.CONFIGURATION, data=tmp_path)
    return tmp_path


def large(number: int) -> bytes:
    noise = random.Random(number).randbytes(100_000).hex()
    return mail(subject=f"Large {number}", message_id=f"l{number}@x.example", text=noise)


def small(number: int) -> bytes:
    return mail(subject=f"Small {number}", message_id=f"s{number}@x.example", text=str(number))


def file_of(receipt: Receipt, data: Path) -> Path:
    return data / "blobs" / str(receipt.blob_id)[:2] / str(receipt.blob_id)


def process_all() -> None:
    while process_due("test:1:x"):
        pass


def test_one_missing_blob_stops_no_other_mail_and_is_held_after_three_attempts(
    mailbox: Mailbox, support: Queue, data: Path, clock: Clock
) -> None:
    raws = [small(1), large(1), small(2), large(2)]
    receipts = accept(mailbox, [Arrived(f"a/{n}", raw) for n, raw in enumerate(raws)])
    path = file_of(receipts[1], data)
    content = path.read_bytes()
    path.unlink()
    process_all()
    assert sorted(Ticket.objects.values_list("subject", flat=True)) == ["Large 2", "Small 1", "Small 2"]
    lost = Receipt.objects.get(source="a/1")
    assert (lost.state, lost.attempts) == ("received", 1)
    for _ in range(2):
        clock.advance(minutes=2)
        process_all()
    lost.refresh_from_db()
    assert (lost.state, lost.outcome, lost.attempts) == ("done", "held", 3)
    ((_step, code, parameters),) = Trace.objects.get(receipt=lost).entries
    assert code == "failed_three_times"
    assert f"{path} is missing. Restore it from your backup" in parameters["error"]
    path.write_bytes(content)
    assert get(str(lost.blob_id)) == large(1)


def test_a_place_that_is_out_of_reach_for_a_moment_is_tried_again(
    mailbox: Mailbox, support: Queue, data: Path, clock: Clock
) -> None:
    (receipt,) = accept(mailbox, [Arrived("a/1", large(1))])
    path = file_of(receipt, data)
    path.rename(path.with_suffix(".aside"))
    path.mkdir()
    process_all()
    receipt.refresh_from_db()
    assert (receipt.state, receipt.attempts) == ("received", 1)
    path.rmdir()
    path.with_suffix(".aside").rename(path)
    clock.advance(minutes=2)
    process_all()
    receipt.refresh_from_db()
    assert receipt.outcome == "new_ticket"


def test_a_damaged_row_is_noticed_and_stops_no_other_mail(mailbox: Mailbox, support: Queue) -> None:
    first, _second = accept(mailbox, [Arrived("a/1", small(1)), Arrived("a/2", small(2))])
    content = bytes(Blob.objects.get(pk=first.blob_id).content)
    for damaged in (content[:-3], b"", content[:20] + bytes([content[20] ^ 255]) + content[21:], os.urandom(50)):
        Blob.objects.filter(pk=first.blob_id).update(content=damaged)
        with pytest.raises(BlobCorrupt, match=f"{first.blob_id} in the database is damaged"):
            get(str(first.blob_id))
    process_all()
    assert list(Ticket.objects.values_list("subject", flat=True)) == ["Small 2"]


def test_the_preview_leaves_out_what_can_not_be_read(mailbox: Mailbox, support: Queue, data: Path) -> None:
    Mailbox.objects.filter(pk=mailbox.pk).update(is_look_only=True)
    receipts = accept(mailbox, [Arrived("a/1", large(1)), Arrived("a/2", small(1))])
    file_of(receipts[0], data).unlink()
    shown = preview(mailbox, start_at=None)
    assert [row.subject for row in shown.rows] == ["Small 1"]
    assert shown.total == 2


@pytest.mark.parametrize(
    ("fault", "status", "said"),
    [
        ("missing", 500, "The original of this mail is missing"),
        ("damaged", 500, "The original of this mail is missing"),
        ("unreachable", 503, "can&#39;t be read at the moment"),
    ],
)
def test_pages_say_what_is_wrong_with_the_original(
    client: Client, bob: Agent, channel: Channel, mailbox: Mailbox, data: Path, fault: str, status: int, said: str
) -> None:
    boundary = large(1).replace(b"text/plain; charset=utf-8", b'multipart/mixed; boundary="b"')
    head, _, noise = boundary.partition(b"\r\n\r\n")
    part = b'\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>x\r\n--b\r\nContent-Disposition: attachment; filename="a.txt"\r\n\r\n'
    (receipt,) = accept(mailbox, [Arrived("a/1", head + part + noise + b"--b--\r\n")])
    process_all()
    receipt.refresh_from_db()
    path = file_of(receipt, data)
    if fault == "damaged":
        path.write_bytes(path.read_bytes()[:-1])
    else:
        path.unlink()
    if fault == "unreachable":
        path.mkdir()
    client.force_login(bob)
    assert receipt.message is not None
    pages = [
        f"/receipts/{receipt.pk}/original.eml", f"/receipts/{receipt.pk}/source/", f"/messages/{receipt.message.pk}/body/",
        f"/messages/{receipt.message.pk}/original.eml", f"/attachments/{receipt.message.attachments.get().pk}/",
    ]  # fmt: skip
    for url in pages:
        response = client.get(url)
        assert (response.status_code, said in response.content.decode()) == (status, True), url


def test_an_answer_that_can_not_be_stored_says_so_and_writes_nothing(
    bob: Agent, channel: Channel, mailbox: Mailbox, data: Path
) -> None:
    accept(mailbox, [Arrived("a/1", small(1))])
    process_all()
    (data / "blobs").write_text("a file where the directory of large mails should be")
    file = File("noise.bin", "application/octet-stream", random.Random(1).randbytes(100_000))
    with pytest.raises(CannotAnswer, match="The answer can't be stored at the moment: .*blobs"):
        answer(Ticket.objects.get(), Answer(to=("ann@customer.example",), text="Hello", files=(file,)), by=bob)
    assert not Message.objects.filter(kind="outgoing").exists()


def test_old_bytes_that_can_not_be_removed_now_stop_nothing(
    mailbox: Mailbox, support: Queue, data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (receipt,) = accept(mailbox, [Arrived("a/1", large(1))])
    old = timezone.now() - timedelta(days=60)
    Receipt.objects.update(state="done", outcome="ignored", processed_at=old)
    Retention.objects.create(outcome="ignored", days=30)
    path = file_of(receipt, data)
    path.unlink()
    path.mkdir()
    assert drop_expired(timezone.now()) == 1
    later = timezone.now() + timedelta(minutes=11)
    assert bury(later) == 0
    assert Blob.objects.get().is_going
    assert "stay for now" in caplog.text
    path.rmdir()
    assert bury(later) == 1
    assert not Blob.objects.exists()
